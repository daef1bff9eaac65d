/** The record of a swap at the moment of its claim. Pure. */
import type { Model } from "../catalog/catalog.ts";
import type { Node, Slot } from "../topology/topology.ts";
import type { OnDrainTimeout } from "./drain-desk.ts";
import type { Belief } from "./facts.ts";
import { initialState } from "./machine.ts";
import type { SwapOrder } from "./order.ts";
import type { SwapJob } from "./swap.ts";
import type { SwapRecord } from "./swap-store.ts";

export interface NewSwap {
  readonly model: Model;
  readonly slot: Slot;
  /** What the slot is believed to serve now. */
  readonly before: Belief | undefined;
  readonly rollback: boolean;
  readonly nodes?: readonly Node[] | undefined;
  /** Generation of the reservation under which it is claimed; null: under none. */
  readonly reservation: number | null;
  readonly onDrainTimeout: OnDrainTimeout | null;
  readonly jobId: string;
  readonly generation: number;
  readonly requestedBy: string;
  /** ISO 8601. */
  readonly at: string;
  /** The swap whose model died right after it was ready, and why, where it is loaded for that. */
  readonly restores?: SwapJob["restores"];
  /** What runs on of it. */
  readonly remains?: SwapOrder["remains"];
}

export function newRecord({
  model,
  slot,
  before,
  rollback,
  nodes,
  reservation,
  onDrainTimeout,
  jobId,
  generation,
  requestedBy,
  at,
  restores = null,
  remains = {},
}: NewSwap): SwapRecord {
  const previous = rollback ? (before?.model ?? null) : null;
  const machine = initialState(previous !== null);
  return {
    machine,
    order: {
      model,
      slot,
      previous,
      reservation,
      ...(onDrainTimeout ? { onDrainTimeout } : {}),
      ...(nodes ? { nodes } : {}),
      ...(restores ? { onlyWhereNothingRuns: true, remains } : {}),
    },
    job: {
      job_id: jobId,
      slot: slot.name,
      nodes: slot.nodes.slice(0, model.nodes),
      model: model.key,
      model_name: model.name,
      previous_model: before?.model.key ?? null,
      state: machine.state,
      phase: machine.phase,
      leg: machine.leg,
      progress: 0,
      eta_seconds: null,
      reason: null,
      failure: null,
      rollback,
      rolled_back_to: null,
      rollback_failure: null,
      ...(restores ? { restores } : {}),
      generation,
      requested_by: requestedBy,
      created_at: at,
      updated_at: at,
      ended_at: null,
      phases: [{ name: machine.phase, started_at: at, ended_at: null }],
    },
  };
}
