import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { EventStream, errors } from "../../../../lib/http/schemas.ts";
import { pullStream } from "../../../../lib/http/sse.ts";
import type { LogLine, SwapJob } from "../../../../lib/swap/swap.ts";
import type { SwapLog } from "../../../../lib/swap/swap-log.ts";

const LINES_A_READ = 1_000;
/** New lines are gathered this long at most, so that a fast log makes few events. */
const GATHER_MS = 100;
/** Readings of the store that are kept for the next follower: a few moments of each swap that is followed. */
const KEPT_READINGS = 8;

/** What Eden's client reads; the type of the 200 is for it alone. */
type LogEvent = { event: "log"; id: number; data: { lines: LogLine[] } };
type SwapEvent = { event: "state"; data: SwapJob } | LogEvent | { event: "end"; data: Record<string, never> };

type Plane = Pick<ControlPlane, "swaps" | "swapLog" | "events">;

export default (plane: Plane) => {
  const tellings = new Tellings((...which) => plane.swapLog.read(...which));
  return new Elysia().get(
    "",
    (context) => {
      const { id } = context.params;
      plane.swaps.get(id);
      return pullStream(context, ({ signal, lastEventId }) =>
        follow(plane, tellings, id, Number(lastEventId) || 0, signal),
      );
    },
    {
      params: t.Object({ id: t.String({ maxLength: 64, description: "`job_id` of the swap" }) }),
      response: { 200: t.Unsafe<AsyncGenerator<SwapEvent, void, unknown>>(EventStream), ...errors(404) },
      detail: {
        operationId: "streamSwap",
        summary: "One swap and its log, as server-sent events",
        description:
          "`state` (a SwapJob), `log` {lines: [{seq, at, source, line}]} with the last seq as id, `end` when all was sent. Resumes by Last-Event-ID.",
        tags: ["Swap"],
      },
    },
  );
};

/**
 * What followers of the same swap are told. Those who are level with the log read on from the same line at the same
 * moment, so that one reading of the store, serialised once, serves them all; who is slow reads at their own pace.
 */
class Tellings {
  readonly #logs = new Map<string, LogEvent>();
  readonly #states = new WeakMap<SwapJob, SwapEvent>();

  constructor(private readonly read: SwapLog["read"]) {}

  state(job: SwapJob): SwapEvent {
    const event = this.#states.get(job) ?? { event: "state", data: job };
    this.#states.set(job, event);
    return event;
  }

  /** The next lines after a line; null when there are none yet. Lines do not change, so what was read stays true. */
  log(id: string, after: number): LogEvent | null {
    const key = `${id} ${after}`;
    const known = this.#logs.get(key);
    if (known) return known;
    const lines = this.read(id, after, LINES_A_READ);
    const last = lines.at(-1);
    if (!last) return null;
    const event: LogEvent = { event: "log", id: last.seq, data: { lines } };
    this.#logs.set(key, event);
    if (this.#logs.size > KEPT_READINGS) this.#logs.delete(this.#logs.keys().next().value ?? "");
    return event;
  }
}

/** However slow the client is, no line is skipped and nothing piles up. */
async function* follow(
  { swaps, swapLog, events }: Plane,
  tellings: Tellings,
  id: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<SwapEvent, void, unknown> {
  let wake = Promise.withResolvers<void>();
  let shown: SwapJob | null = null;
  const stir = () => wake.resolve();
  const endings = [
    swapLog.follow(id, stir),
    events.subscribe(({ job }) => void (job.job_id === id && stir()), ["swap.changed", "swap.progressed"]),
  ];
  signal.addEventListener("abort", stir, { once: true });
  try {
    while (!signal.aborted) {
      wake = Promise.withResolvers<void>();
      // The job before the lines: once it has ended, what is read after it is all there is.
      const job = swaps.get(id);
      if (job !== shown) yield tellings.state(job);
      shown = job;
      const told = tellings.log(id, after);
      if (told) {
        after = told.id;
        yield told;
      } else if (job.ended_at !== null) {
        yield { event: "end", data: {} };
        return;
      } else await wake.promise;
      // Until the next full tenth of a second: all followers look at the same moments.
      if ((told?.data.lines.length ?? 0) < LINES_A_READ && job.ended_at === null)
        await Bun.sleep(GATHER_MS - (Date.now() % GATHER_MS));
    }
  } finally {
    for (const end of endings) end();
  }
}
