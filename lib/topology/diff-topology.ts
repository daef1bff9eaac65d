/** What differs between two topologies, so that a reload touches nothing else. */
import { isDeepStrictEqual } from "node:util";
import type { Topology } from "./topology.ts";

export interface TopologyDiff {
  /** Names of nodes that were added, removed or changed; likewise the others. */
  readonly nodes: readonly string[];
  readonly slots: readonly string[];
  readonly services: readonly string[];
  readonly settings: boolean;
}

/** Problems do not count. The order of slots and services has no meaning, that of nodes shows in the slots. */
export function diffTopology(before: Topology, after: Topology): TopologyDiff {
  return {
    nodes: changedBy((node) => node.name, before.nodes, after.nodes),
    slots: changedBy((slot) => slot.name, before.slots, after.slots),
    services: changedBy((service) => service.name, before.services, after.services),
    settings: !isDeepStrictEqual(before.settings, after.settings),
  };
}

function changedBy<T>(nameOf: (item: T) => string, before: readonly T[], after: readonly T[]): string[] {
  const byName = (items: readonly T[]) => new Map(items.map((item) => [nameOf(item), item]));
  const [old, now] = [byName(before), byName(after)];
  const names = new Set([...old.keys(), ...now.keys()]);
  return [...names].filter((name) => !isDeepStrictEqual(old.get(name), now.get(name)));
}
