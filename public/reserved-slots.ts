/** Which slots a reservation covers: the rule of the server's gate. */

interface Place {
  readonly name: string;
  readonly nodes: readonly string[];
}

/** @param reserved names of the reserved slots; null: all. A slot that shares a Spark with one of them is covered too. */
export function coveredSlots(reserved: readonly string[] | null, slots: readonly Place[]): readonly string[] {
  if (reserved === null) return slots.map(({ name }) => name);
  const nodes = slots.flatMap((slot) => (reserved.includes(slot.name) ? slot.nodes : []));
  const isCovered = (slot: Place) => reserved.includes(slot.name) || slot.nodes.some((node) => nodes.includes(node));
  return slots.filter(isCovered).map(({ name }) => name);
}
