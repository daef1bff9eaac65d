/** A swap as it was asked for, frozen at its claim: a later change of the configuration does not reach a running swap. */
import type { Model } from "../catalog/catalog.ts";
import type { Node, Slot } from "../topology/topology.ts";
import type { OnDrainTimeout } from "./drain-desk.ts";
import type { Leg } from "./machine.ts";

export interface SwapOrder {
  readonly model: Model;
  readonly slot: Slot;
  /** Model to return to when the launch fails; null when none is known or it is not wanted. */
  readonly previous: Model | null;
  /** The slot's nodes as they were configured then: a file that is broken for a while does not end a running swap. */
  readonly nodes?: readonly Node[];
  /** Generation of the reservation under which it was claimed; null or left out: under none. */
  readonly reservation?: number | null;
  /** It was begun by itself: what somebody has started there meanwhile is not stopped for it. */
  readonly onlyWhereNothingRuns?: boolean;
  /** When the containers were started in which a part of what died ran on, by node: that is nobody's. ISO 8601 of the node. */
  readonly remains?: Readonly<Record<string, string>>;
  /** What becomes of requests that run too long; null or left out: as configured. */
  readonly onDrainTimeout?: OnDrainTimeout | null;
}

/** One attempt to load a model: the swap itself, or the return to the previous model. */
export interface Attempt {
  readonly model: Model;
  /** Id of the detached job on the head; the log keepers append `-log`. */
  readonly launchId: string;
}

const BACK = "-back";

/** The swap that a launch belongs to. */
export function jobIdOf(launchId: string): string {
  return launchId.endsWith(BACK) ? launchId.slice(0, -BACK.length) : launchId;
}

export function attemptOf(order: SwapOrder, jobId: string, leg: Leg): Attempt {
  return leg === "rollback" && order.previous
    ? { model: order.previous, launchId: `${jobId}${BACK}` }
    : { model: order.model, launchId: jobId };
}
