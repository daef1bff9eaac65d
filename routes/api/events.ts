import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { pushStream, type SseStream } from "../../lib/http/sse.ts";
import { modelsOf, statusOf } from "../../lib/status.ts";

/** One stream for the dashboard: a snapshot first, then what changes. */
export default (plane: ControlPlane) =>
  new Elysia().get("", (context) => pushStream(context, (stream) => feed(plane, stream)), {
    response: { 200: t.Unsafe<Response>(t.String({ description: "text/event-stream" })) },
    detail: {
      operationId: "streamEvents",
      summary: "Everything that changes, as server-sent events",
      description:
        "`snapshot` {version, status, models} first, then `swap` (a SwapJob), `slot` (a SlotStatus), `config` {status, models}.",
      tags: ["Events"],
    },
  });

/** @returns how to end it */
function feed(plane: ControlPlane, stream: SseStream): () => void {
  const everything = () => ({ status: statusOf(plane), models: modelsOf(plane) });
  stream.send({ event: "snapshot", data: { version: plane.version, ...everything() } });
  return plane.events.subscribe((event) => {
    if (event.type === "swap.changed" || event.type === "swap.progressed")
      stream.send({ event: "swap", data: event.job });
    if (event.type === "slot.changed") stream.send({ event: "slot", data: event.slot });
    if (event.type === "node.changed" || event.type === "config.changed")
      stream.send({ event: "config", data: everything() });
  });
}
