/** What was begun by itself stops nothing that somebody has started since, in its slot or where that would have to make room. Pure. */
import type { Slot } from "../../topology/topology.ts";
import type { NodeView } from "../cluster.ts";
import { failure } from "../failure.ts";
import type { Failure } from "../swap.ts";

export interface Sighting {
  readonly slot: Slot;
  readonly node: string;
  readonly view: NodeView;
}

/** @returns null: nothing runs there. What is left on a worker alone answers nobody. */
export function takenSince(sightings: readonly Sighting[]): Failure | null {
  const taken = sightings.find(
    ({ slot, node, view }) => view.vllm.length > 0 && (node === slot.nodes[0] || view.portOpen),
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
