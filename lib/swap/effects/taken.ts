/** What was begun by itself stops nothing that somebody has started since, in its slot or where that would have to make room. Pure. */
import type { Slot } from "../../topology/topology.ts";
import type { NodeView } from "../cluster.ts";
import { failure } from "../failure.ts";
import type { SwapOrder } from "../order.ts";
import type { Failure } from "../swap.ts";

export interface Sighting {
  readonly slot: Slot;
  readonly node: string;
  readonly view: NodeView;
}

/** @returns null: nothing runs there that anybody has started. What is left on a worker alone answers nobody. */
export function takenSince({ slot: own, remains = {} }: SwapOrder, sightings: readonly Sighting[]): Failure | null {
  const isLeft = ({ slot, node, view }: Sighting) =>
    slot.name === own.name && view.container !== null && view.container.startedAt === remains[node];
  const taken = sightings.find(
    (each) => each.view.vllm.length > 0 && (each.node === each.slot.nodes[0] || each.view.portOpen) && !isLeft(each),
  );
  if (!taken) return null;
  const { slot, node, view } = taken;
  return failure(
    "slot_taken",
    `A model runs in ${slot.name} again. It was left as it is.`,
    `${node}: docker top ${slot.container} shows ${view.vllm[0]}`,
    "Swap if another model is wanted.",
  );
}
