/** One swap through the API, with the moments that its clients and an independent prober see. */
import type { SwapJob } from "../../lib/swap/swap.ts";
import type { Controller } from "../support/controller.ts";
import { type Received, readEvents } from "./event-stream.ts";
import { firstAnswer } from "./first-answer.ts";

const LIMIT_MS = 120_000;
const SETTLED = new Set(["ready", "failed", "cancelled", "unknown"]);

/** All as `performance.now()`. */
export interface WatchedSwap {
  readonly posted: number;
  /** The vLLM's first successful answer to the prober. */
  readonly answered: number;
  /** `/api/events` says `verifying`: the controller has seen the answer and read the rest of the log. */
  readonly verifying: number;
  /** `/api/events` says `ready`. */
  readonly ready: number;
  /** `/api/swap/{id}/stream` says `ready`. */
  readonly streamed: number;
}

/** @throws when the swap ends otherwise than ready, or not at all */
export async function watchSwap(controller: Controller, vllmUrl: string, model: string): Promise<WatchedSwap> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(LIMIT_MS)]);
  try {
    const events = readEvents(`${controller.url}/api/events`, signal);
    // The snapshot: from here on nothing is missed.
    await events.next();
    const posted = performance.now();
    const { job_id } = await controller.begin(model);
    let answered: Promise<number> | null = null;
    const onState = (state: string) => {
      // Not before the launch: until then it is the model that goes that answers.
      if (state === "launching") answered ??= firstAnswer(vllmUrl, signal);
    };
    const [seen, streamed] = await Promise.all([
      statesOf(job_id, events, "swap", onState),
      statesOf(job_id, readEvents(`${controller.url}/api/swap/${job_id}/stream`, signal), "state"),
    ]);
    if (answered === null) throw new Error(`swap ${job_id} was never launching`);
    return {
      posted,
      answered: await answered,
      verifying: moment(seen, "verifying"),
      ready: moment(seen, "ready"),
      streamed: moment(streamed, "ready"),
    };
  } finally {
    over.abort();
  }
}

/** Reads until the job is settled. @returns when each of its states was first seen */
async function statesOf(
  jobId: string,
  events: AsyncGenerator<Received, void>,
  name: string,
  onState: (state: string) => void = () => undefined,
): Promise<ReadonlyMap<string, number>> {
  const seen = new Map<string, number>();
  for await (const { event, data, at } of events) {
    const job = data as SwapJob;
    if (event !== name || job.job_id !== jobId || seen.has(job.state)) continue;
    seen.set(job.state, at);
    onState(job.state);
    if (job.state !== "ready" && SETTLED.has(job.state)) throw new Error(`the swap ended ${job.state}: ${job.reason}`);
    if (job.state === "ready") return seen;
  }
  throw new Error(`the stream ended before swap ${jobId} did`);
}

function moment(seen: ReadonlyMap<string, number>, state: string): number {
  const at = seen.get(state);
  if (at === undefined) throw new Error(`the state ${state} was never shown`);
  return at;
}
