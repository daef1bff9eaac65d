import { Elysia, t } from "elysia";
import type { BotUpdate } from "../../lib/bot/bot-update.ts";
import type { ConnectivityEvent } from "../../lib/connectivity/wire.ts";
import type { ControlPlane } from "../../lib/control-plane.ts";
import type { Download } from "../../lib/downloads/download.ts";
import type { SparkEvent } from "../../lib/events/event.ts";
import type { HardwareCard } from "../../lib/hardware/card.ts";
import { EventStream } from "../../lib/http/schemas.ts";
import { pushStream, type SseStream } from "../../lib/http/sse.ts";
import { Broadcast } from "../../lib/http/sse-broadcast.ts";
import { isoTime } from "../../lib/ids.ts";
import type { Lock } from "../../lib/lock/lock.ts";
import type { Schedule } from "../../lib/schedule/schedule.ts";
import type { Service } from "../../lib/service/service.ts";
import { modelsOf, type Status, statusOf } from "../../lib/status.ts";
import type { SlotStatus } from "../../lib/swap/slots.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import type { Delivery, Webhook } from "../../lib/webhook/webhook.ts";

/** A page takes 5 s without a word for a lost connection: a cable that was pulled sends no error. */
const BEAT_MS = 2_000;
/** A log that grows fast is told of this often; the lines themselves are fetched by whoever looks at them. */
const LOG_EVERY_MS = 250;

/** By the clock that all times are told by: the one of who looks may be wrong. */
const now = () => isoTime(Date.now());

interface Everything {
  status: Status;
  models: ReturnType<typeof modelsOf>;
  /** Without those that are hidden. */
  services: Service[];
  /** The last update of each bot that has had one, of those among the services. */
  bot_updates: BotUpdate[];
}

/** What Eden's client reads; the type of the 200 is for it alone. */
type PlaneEvent =
  | { event: "snapshot"; data: { version: string; now: string } & Everything }
  | { event: "swap"; data: SwapJob }
  | { event: "slot"; data: SlotStatus }
  | { event: "service"; data: Service }
  | { event: "bot_update"; data: BotUpdate }
  | { event: "nodes"; data: Pick<Status, "nodes"> }
  | { event: "connectivity"; data: ConnectivityEvent }
  | { event: "hardware"; data: { cards: HardwareCard[] } }
  | { event: "download"; data: Download }
  | { event: "lock"; data: { lock: Lock | null; lock_waiting: number } }
  | { event: "config"; data: Everything }
  | { event: "schedule"; data: Schedule }
  | { event: "webhooks"; data: { webhooks: Webhook[] } }
  | { event: "webhook_delivery"; data: Delivery }
  | { event: "log"; data: { job_id: string; last_seq: number } }
  | { event: "activity"; data: { last_id: number } }
  | { event: "beat"; data: { now: string } };

/** One stream for the dashboard: a snapshot first, then what changes. */
export default (plane: ControlPlane) => {
  const everything = () => {
    const services = plane.services.list();
    const bot_updates = plane.botUpdates.list().filter(({ service }) => services.some(({ name }) => name === service));
    return { status: statusOf(plane), models: modelsOf(plane), services, bot_updates };
  };
  const all = broadcast(plane, everything);
  const open = (stream: SseStream) => {
    stream.send({ event: "snapshot", data: { version: plane.version, now: now(), ...everything() } });
    const leave = all.add(stream);
    const lookAway = plane.machines.hardware.watch();
    return () => {
      leave();
      lookAway();
    };
  };
  return new Elysia().get("", (context) => pushStream(context, open), {
    response: { 200: t.Unsafe<AsyncGenerator<PlaneEvent, void, unknown>>(EventStream) },
    detail: {
      operationId: "streamEvents",
      summary: "Everything that changes, as server-sent events",
      description:
        "`snapshot` {version, now, status, models, services, bot_updates} first, then `swap` (a SwapJob), `slot` (a SlotStatus), `service` (a Service whose state, reason, container, operation or deep check has changed), `bot_update` (a BotUpdate), `nodes` {nodes} after each look at the Sparks, `connectivity` (a ConnectivityEvent) when one can no longer be reached or can be again, `hardware` {cards} (HardwareCards) every 5 s while somebody looks, `download` (a Download), `lock` {lock, lock_waiting}, `config` {status, models, services, bot_updates}, `schedule` (a Schedule), `webhooks` {webhooks}, `webhook_delivery` (a WebhookDelivery), `log` {job_id, last_seq} when a log has grown (its lines: `/api/swap/{id}/lines`), `activity` {last_id} at most once a second when requests of the gateway were listed (themselves: `/api/activity?after=`), and `beat` {now} every 2 s as a sign of life. `now` is the controller's clock, by which all times are.",
      tags: ["Events"],
    },
  });
};

/** Listens to the plane once, for all streams. */
function broadcast(plane: ControlPlane, everything: () => Everything): Broadcast {
  const all = new Broadcast(BEAT_MS, () => all.send({ event: "beat", data: { now: now() } } satisfies PlaneEvent));
  const grown = new Map<string, number>();
  plane.events.subscribe((event) => {
    const telling = all.size === 0 ? null : tellingOf(event, plane, everything);
    if (telling) all.send(telling);
  });
  const tellGrowth = () => {
    for (const [job_id, last_seq] of grown) all.send({ event: "log", data: { job_id, last_seq } } satisfies PlaneEvent);
    grown.clear();
  };
  plane.swapLog.onGrowth((jobId, lastSeq) => {
    if (all.size === 0) return;
    if (grown.size === 0) setTimeout(tellGrowth, LOG_EVERY_MS);
    grown.set(jobId, lastSeq);
  });
  return all;
}

/** What the page is told of an event; null when nothing. */
function tellingOf(event: SparkEvent, plane: ControlPlane, everything: () => Everything): PlaneEvent | null {
  switch (event.type) {
    case "swap.changed":
    case "swap.progressed":
      return { event: "swap", data: event.job };
    case "slot.changed":
      return { event: "slot", data: event.slot };
    case "service.seen":
      return { event: "service", data: event.service };
    case "bot.updating":
      return { event: "bot_update", data: event.update };
    case "nodes.looked":
      return { event: "nodes", data: { nodes: statusOf(plane).nodes } };
    case "connectivity.changed": {
      const { type: _, ...change } = event;
      return { event: "connectivity", data: change };
    }
    case "hardware.looked":
      return { event: "hardware", data: { cards: plane.machines.hardware.cards() } };
    case "download.changed":
      return { event: "download", data: event.download };
    case "node.changed":
    case "config.changed":
    case "inventory.changed":
    case "store.changed":
      return { event: "config", data: everything() };
    case "schedule.changed":
      return { event: "schedule", data: plane.schedules.list() };
    case "webhook.changed":
      return { event: "webhooks", data: { webhooks: plane.webhooks.list() } };
    case "webhook.delivery":
      return { event: "webhook_delivery", data: event.delivery };
    case "activity.written":
      return { event: "activity", data: { last_id: event.last_id } };
    default:
      return event.type === "line.changed" || event.type.startsWith("lock.")
        ? { event: "lock", data: { lock: plane.lock.current(), lock_waiting: plane.lock.waiting } }
        : null;
  }
}
