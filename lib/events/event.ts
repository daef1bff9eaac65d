/** Everything that happens, as one typed union. What is sent to the dashboard and what is kept are made of it. */

import type { BotUpdate } from "../bot/bot-update.ts";
import type { ConnectivityEvent } from "../connectivity/wire.ts";
import type { Download } from "../downloads/download.ts";
import type { LockEvent } from "../lock/lock.ts";
import type { Service } from "../service/service.ts";
import type { SlotStatus } from "../swap/slots.ts";
import type { SwapJob } from "../swap/swap.ts";
import type { Delivery } from "../webhook/webhook.ts";

interface Happened<Type extends string> {
  readonly type: Type;
  /** ISO 8601 UTC. */
  readonly at: string;
}

/** A swap moved on. */
export interface SwapChanged extends Happened<"swap.changed"> {
  readonly job: SwapJob;
}

/** Progress within a phase: shown, never kept. */
export interface SwapProgressed extends Happened<"swap.progressed"> {
  readonly job: SwapJob;
}

/** A line of a swap's log. Telemetry: never recorded as a fact. */
export interface SwapLogged extends Happened<"swap.log"> {
  readonly job_id: string;
  readonly seq: number;
  readonly source: string;
  readonly line: string;
}

/** What a slot shows has changed. An observation: never kept. */
export interface SlotChanged extends Happened<"slot.changed"> {
  readonly slot: SlotStatus;
}

/** What runs in a slot is about to be stopped without a swap, or that is over. An observation: never kept. */
export interface SlotStopping extends Happened<"slot.stopping"> {
  readonly slot: string;
}

/** The Sparks were looked at: reachability, memory, clock. An observation: never kept. */
export type NodesLooked = Happened<"nodes.looked">;

/** More or fewer wait in line for a reservation: the line is in memory, and never kept. */
export type LineChanged = Happened<"line.changed">;

/** Other models, or more of them, lie on the disks. An observation: never kept. */
export type InventoryChanged = Happened<"inventory.changed">;

/** What must be kept can no longer be written, or can be again. It cannot be kept itself. */
export type StoreChanged = Happened<"store.changed">;

/** A Spark became reachable or unreachable. */
export interface NodeChanged extends Happened<"node.changed"> {
  readonly node: string;
  readonly reachable: boolean;
}

/** The polls show that a Spark can no longer be reached, or can be again. `at` is when that was so. */
export interface ConnectivityChanged extends Happened<"connectivity.changed">, Omit<ConnectivityEvent, "at"> {}

/** The Sparks' cards were asked for, because somebody looks at them. An observation: never kept. */
export type HardwareLooked = Happened<"hardware.looked">;

/** A download moved on. Shown, never kept: its own record is. */
export interface DownloadChanged extends Happened<"download.changed"> {
  readonly download: Download;
}

export interface DownloadEnded extends Happened<"download.ended"> {
  readonly download_id: string;
  readonly repo: string;
  readonly state: Download["state"];
  readonly reason: string | null;
}

export interface ConfigChanged extends Happened<"config.changed"> {
  /** Files or `environment`. */
  readonly sources: readonly string[];
  readonly problems: number;
}

export interface HostKeyChanged extends Happened<"host_key.changed"> {
  readonly node: string;
  /** `SHA256:…`; null = the key was forgotten. */
  readonly fingerprint: string | null;
  readonly change: "pinned" | "refused" | "replaced" | "forgotten";
}

/** A webhook was set up, altered or removed. Never a secret. */
export interface WebhookChanged extends Happened<"webhook.changed"> {
  readonly webhook_id: string;
  readonly name: string | null;
  readonly change: "added" | "changed" | "secret_changed" | "removed";
}

/** A delivery was queued, tried or given up. Its own rows keep it. */
export interface WebhookDelivered extends Happened<"webhook.delivery"> {
  readonly delivery: Delivery;
}

/** A model that was loaded, or a service, no longer answers, or answers again. */
export interface ServiceChanged extends Happened<"service.changed"> {
  /** Name of the slot or the service. */
  readonly service: string;
  readonly node: string | null;
  /** Key of the catalog; null for a service. */
  readonly model: string | null;
  readonly is: "up" | "down";
}

/** What is shown of a service has changed. An observation: never kept. */
export interface ServiceSeen extends Happened<"service.seen"> {
  readonly service: Service;
}

/** An update of a bot moved on. Its own record keeps it. */
export interface BotUpdating extends Happened<"bot.updating"> {
  readonly update: BotUpdate;
}

/** A service was started, stopped or restarted, by somebody or by itself, or that failed. */
export interface ServiceActed extends Happened<"service.acted"> {
  readonly service: string;
  readonly node: string | null;
  readonly action: "start" | "stop" | "restart" | "update";
  /** `auto-restart`: the controller itself. */
  readonly by: string;
  /** Null: it was done. */
  readonly failure: string | null;
}

/** A service is left alone from now on: it failed again and again. */
export interface ServiceGivenUp extends Happened<"service.given_up"> {
  readonly service: string;
  readonly reason: string;
}

/** Another system registered what it plans, or took it back. */
export interface ScheduleChanged extends Happened<"schedule.changed"> {
  readonly entry_id: string;
  readonly owner: string;
  readonly title: string;
  readonly change: "added" | "changed" | "removed";
}

/** Requests that passed through the gateway are listed now, up to this one. Telemetry: never kept as a fact. */
export interface ActivityWritten extends Happened<"activity.written"> {
  readonly last_id: number;
}

export interface ControllerStarted extends Happened<"controller.started"> {
  readonly version: string;
  readonly instance_id: string;
}

export interface ControllerStopping extends Happened<"controller.stopping"> {
  readonly reason: string;
}

export type SparkEvent =
  | SwapChanged
  | SwapProgressed
  | SwapLogged
  | SlotChanged
  | SlotStopping
  | NodesLooked
  | InventoryChanged
  | StoreChanged
  | NodeChanged
  | ConnectivityChanged
  | HardwareLooked
  | DownloadChanged
  | DownloadEnded
  | ConfigChanged
  | HostKeyChanged
  | ServiceChanged
  | ServiceSeen
  | ServiceActed
  | BotUpdating
  | ServiceGivenUp
  | ScheduleChanged
  | WebhookChanged
  | WebhookDelivered
  | LockEvent
  | LineChanged
  | ActivityWritten
  | ControllerStarted
  | ControllerStopping;

export type EventType = SparkEvent["type"];
export type EventOf<Type extends EventType> = Extract<SparkEvent, { readonly type: Type }>;

/** Kept durably, in the transaction of the change that it tells of. */
export type FactEvent = Exclude<
  SparkEvent,
  | SwapLogged
  | SwapProgressed
  | SlotChanged
  | LineChanged
  | NodesLooked
  | HardwareLooked
  | DownloadChanged
  | SlotStopping
  | ServiceSeen
  | BotUpdating
  | InventoryChanged
  | StoreChanged
  | WebhookDelivered
  | ActivityWritten
>;
