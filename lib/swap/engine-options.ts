/** What the engine is given: its means, and what is asked of it. */
import type { Catalog, Model } from "../catalog/catalog.ts";
import type { Topology } from "../topology/topology.ts";
import type { SparkControl } from "./cluster.ts";
import type { OnDrainTimeout } from "./drain-desk.ts";
import type { Gate } from "./gate.ts";
import type { EffectBodies } from "./run-services.ts";
import type { Download, SwapJob } from "./swap.ts";
import type { SwapLog } from "./swap-log.ts";
import type { SwapStore } from "./swap-store.ts";
import type { Timing } from "./timing.ts";

export interface SwapRequest {
  readonly model: string;
  /** Default: the first slot. */
  readonly slot?: string | undefined;
  /** Return to the previous model when the launch fails. Default true. */
  readonly rollback?: boolean | undefined;
  /** When requests are still running after `drain_seconds`. Default: as configured. */
  readonly onDrainTimeout?: OnDrainTimeout | undefined;
  /** Token of the reservation, if one is held. */
  readonly token?: string | null | undefined;
  /** For the history: a dashboard, a client's name or address. */
  readonly requestedBy: string;
}

export interface EngineOptions {
  readonly control: SparkControl;
  readonly store: SwapStore;
  readonly log: SwapLog;
  readonly effects: EffectBodies;
  readonly timing: Timing;
  readonly timeScale: number;
  /** The one quoting function. */
  readonly quote: (text: string) => string;
  /** Asked within the transaction of a claim, and before a cancel. */
  readonly gate: Gate;
  /** Whether a person has ended the reservation of this generation, or may have. @param since of what was claimed under it, ISO 8601 UTC */
  wasForced(reservation: number, since: string): boolean;
  /** A Spark remembers this generation. Told before one above it is taken. */
  generationSeen(seen: number): void;
  /** Requests that the gateway has in flight to a slot; none without a gateway. */
  readonly inFlight?: (slot: string) => number;
  /** What vLLM would download before it loads this model there; nothing is known where it is not given. */
  readonly download?: (model: Model, nodes: readonly string[]) => Download | null;
  /** Whether the files of the model are being deleted: asked within the transaction of a claim. */
  readonly isBeingDeleted?: (model: Model) => boolean;
  catalog(): Catalog;
  topology(): Topology;
  newId(): string;
  now(): string;
  /** Called within the transaction that makes a change durable. */
  record(job: SwapJob): void;
  /** A job changed. @param durable false for progress that is only shown */
  onChange(job: SwapJob, durable: boolean): void;
  report(error: unknown): void;
}
