/** What a step of a swap changes in what is believed to serve. Pure. */
import type { Belief } from "./facts.ts";
import type { MachineEvent, MachineState } from "./machine.ts";
import { attemptOf, type SwapOrder } from "./order.ts";

export type BeliefChange =
  | { readonly type: "none" }
  /** What conflicted with the swap is gone. */
  | { readonly type: "stopped" }
  /** Nothing is left in the swap's own slot. */
  | { readonly type: "emptied" }
  /** Nothing is left in these slots; what else conflicts with the swap stays. */
  | { readonly type: "gone"; readonly slots: readonly string[] }
  | { readonly type: "serves"; readonly belief: Belief };

interface Step {
  readonly order: SwapOrder;
  readonly jobId: string;
  /** ISO 8601. */
  readonly at: string;
}

/** @param before the state in which the event came */
export function beliefAfter(before: MachineState, event: MachineEvent, { order, jobId, at }: Step): BeliefChange {
  if (event.type === "stopped") return { type: "stopped" };
  if (event.type === "cleaned") return { type: "emptied" };
  if (event.type === "looked" && before.cleaning)
    return { type: "gone", slots: [...(event.left === "gone" ? [order.slot.name] : []), ...event.alsoGone] };
  if (event.type !== "verified" || before.state !== "verifying") return { type: "none" };
  const { model, launchId } = attemptOf(order, jobId, before.leg);
  const nodes = order.slot.nodes.slice(0, model.nodes);
  return {
    type: "serves",
    belief: { slot: order.slot.name, model, job_id: jobId, since: at, nodes, launch_id: launchId },
  };
}
