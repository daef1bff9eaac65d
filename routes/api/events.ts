import { Elysia, t } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { EventStream } from "../../lib/http/schemas.ts";
import { pushStream, type SseStream } from "../../lib/http/sse.ts";
import type { Lock } from "../../lib/lock/lock.ts";
import type { Schedule } from "../../lib/schedule/schedule.ts";
import { modelsOf, type Status, statusOf } from "../../lib/status.ts";
import type { SlotStatus } from "../../lib/swap/slots.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import type { Delivery, Webhook } from "../../lib/webhook/webhook.ts";

/** What Eden's client reads; the type of the 200 is for it alone. */
type PlaneEvent =
  | { event: "snapshot"; data: { version: string; status: Status; models: ReturnType<typeof modelsOf> } }
  | { event: "swap"; data: SwapJob }
  | { event: "slot"; data: SlotStatus }
  | { event: "nodes"; data: Pick<Status, "nodes"> }
  | { event: "lock"; data: { lock: Lock | null } }
  | { event: "config"; data: { status: Status; models: ReturnType<typeof modelsOf> } }
  | { event: "schedule"; data: Schedule }
  | { event: "webhooks"; data: { webhooks: Webhook[] } }
  | { event: "webhook_delivery"; data: Delivery };

/** One stream for the dashboard: a snapshot first, then what changes. */
export default (plane: ControlPlane) =>
  new Elysia().get("", (context) => pushStream(context, (stream) => feed(plane, stream)), {
    response: { 200: t.Unsafe<AsyncGenerator<PlaneEvent, void, unknown>>(EventStream) },
    detail: {
      operationId: "streamEvents",
      summary: "Everything that changes, as server-sent events",
      description:
        "`snapshot` {version, status, models} first, then `swap` (a SwapJob), `slot` (a SlotStatus), `nodes` {nodes} after each look at the Sparks, `lock` {lock}, `config` {status, models}, `schedule` (a Schedule), `webhooks` {webhooks}, `webhook_delivery` (a WebhookDelivery).",
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
    if (event.type === "nodes.looked") stream.send({ event: "nodes", data: { nodes: statusOf(plane).nodes } });
    if (event.type.startsWith("lock.")) stream.send({ event: "lock", data: { lock: plane.lock.current() } });
    if (event.type === "node.changed" || event.type === "config.changed" || event.type === "inventory.changed")
      stream.send({ event: "config", data: everything() });
    if (event.type === "schedule.changed") stream.send({ event: "schedule", data: plane.schedules.list() });
    if (event.type === "webhook.changed") stream.send({ event: "webhooks", data: { webhooks: plane.webhooks.list() } });
    if (event.type === "webhook.delivery") stream.send({ event: "webhook_delivery", data: event.delivery });
  });
}
