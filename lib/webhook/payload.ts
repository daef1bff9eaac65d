/** What a webhook carries: the types that receivers are written against. */
import type { SwapJob } from "../swap/swap.ts";

export type SwapStartedData = Pick<
  SwapJob,
  | "job_id"
  | "model"
  | "model_name"
  | "slot"
  | "nodes"
  | "state"
  | "previous_model"
  | "generation"
  | "requested_by"
  | "created_at"
>;

export interface SwapEndedData extends SwapStartedData {
  /** One sentence; null when it is ready. */
  readonly reason: string | null;
  /** Stable identifier such as `out_of_memory`. */
  readonly failure_code: string | null;
  /** Model that runs again after a failure. */
  readonly rolled_back_to: string | null;
  /** ISO 8601 UTC. */
  readonly ended_at: string;
}

export interface LockData {
  readonly holder: string;
  readonly note: string | null;
  /** Null: the whole cluster. */
  readonly slots: readonly string[] | null;
  readonly generation: number;
  readonly acquired_at: string;
  readonly expires_at: string;
  /** Who took it, or who forced it. */
  readonly by: string | null;
  /** Why it was forced or dropped, if that was said. */
  readonly reason: string | null;
}

export interface NodeData {
  readonly node: string;
  readonly reachable: boolean;
}

export interface ServiceData {
  /** Name of the slot or the service. */
  readonly service: string;
  readonly node: string | null;
  /** Key of the catalog. */
  readonly model: string | null;
}

export interface TestData {
  readonly text: string;
}

interface Carried<Event extends string, Data> {
  /** The same as `type`; older receivers read this one. */
  readonly event: Event;
  readonly type: Event;
  /** ISO 8601 UTC: when it happened, not when it was sent. */
  readonly timestamp: string;
  readonly data: Data;
}

export type WebhookPayload =
  | Carried<"swap_started", SwapStartedData>
  | Carried<"swap_complete" | "swap_failed", SwapEndedData>
  | Carried<"lock_acquired" | "lock_released" | "lock_forced" | "lock_expired", LockData>
  | Carried<"node_down" | "node_up", NodeData>
  | Carried<"service_down" | "service_up", ServiceData>
  | Carried<"test", TestData>;

type Untold<Payload> = Payload extends { readonly event: infer Event; readonly data: infer Data }
  ? {
      readonly event: Event;
      /** ISO 8601 UTC. */
      readonly at: string;
      readonly data: Data;
      /** Of what is told only once, whatever is recorded again: the end of a swap. Null: told each time. */
      readonly once: string | null;
    }
  : never;

/** Something to tell, before it is known to whom. */
export type Message = Untold<WebhookPayload>;
