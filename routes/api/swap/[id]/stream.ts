import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../../../lib/control-plane.ts";
import { EventStream, errors } from "../../../../lib/http/schemas.ts";
import { pullStream } from "../../../../lib/http/sse.ts";
import type { LogLine, SwapJob } from "../../../../lib/swap/swap.ts";

const LINES_A_READ = 1_000;
/** New lines are gathered this long, so that a fast log makes few events. */
const GATHER_MS = 100;

/** What Eden's client reads; the type of the 200 is for it alone. */
type SwapEvent =
  | { event: "state"; data: SwapJob }
  | { event: "log"; id: number; data: { lines: LogLine[] } }
  | { event: "end"; data: Record<string, never> };

type Plane = Pick<ControlPlane, "swaps" | "swapLog" | "events">;

export default (plane: Plane) =>
  new Elysia().get(
    "",
    (context) => {
      const { id } = context.params;
      plane.swaps.get(id);
      return pullStream(context, ({ signal, lastEventId }) => follow(plane, id, Number(lastEventId) || 0, signal));
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

/** Reads from the store at the client's own pace: however slow it is, no line is skipped and nothing piles up. */
async function* follow(
  plane: Plane,
  id: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<SwapEvent, void, unknown> {
  const { swaps, swapLog, events } = plane;
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
      if (job !== shown) yield { event: "state", data: job };
      shown = job;
      const lines = swapLog.read(id, after, LINES_A_READ);
      const last = lines.at(-1);
      if (last) {
        after = last.seq;
        yield { event: "log", id: after, data: { lines } };
      } else if (job.ended_at !== null) {
        yield { event: "end", data: {} };
        return;
      } else await wake.promise;
      if (lines.length < LINES_A_READ && job.ended_at === null) await Bun.sleep(GATHER_MS);
    }
  } finally {
    for (const end of endings) end();
  }
}
