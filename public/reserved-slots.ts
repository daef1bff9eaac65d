/** Which slots a reservation covers: the rule of the server's gate (lib/lock/grant.ts). */
import type { Lock } from "./api.ts";

interface Place {
  readonly name: string;
  readonly nodes: readonly string[];
}

/** A slot that shares a Spark with what was reserved is covered too, whatever the reserved slots look like by now. */
export function coveredSlots(
  { slots: reserved, nodes }: Pick<Lock, "slots" | "nodes">,
  slots: readonly Place[],
): readonly string[] {
  const isCovered = (slot: Place) =>
    reserved === null || reserved.includes(slot.name) || slot.nodes.some((node) => nodes?.includes(node));
  return slots.filter(isCovered).map(({ name }) => name);
}
