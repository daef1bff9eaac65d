/** One round of looks at every Spark: is it there, how much memory is free, and what is in each slot's place on it. */
import { SLOT_DEFAULTS } from "../topology/load-slots.ts";
import type { Node, Topology } from "../topology/topology.ts";
import type { NodeView, SparkControl } from "./cluster.ts";
import type { Sighting } from "./difference.ts";
import { failureOf } from "./facts.ts";
import type { Failure } from "./swap.ts";

export interface NodeObservation {
  readonly reachable: boolean;
  /** Why not. */
  readonly failure: Failure | null;
  readonly memory: NodeView["memory"] | null;
  /** Node's clock minus ours, in seconds; null when it could not be asked. */
  readonly clockSkewSeconds: number | null;
  /** When it was looked at, ISO 8601. */
  readonly at: string;
}

export interface NodeRound {
  readonly nodes: ReadonlyMap<string, NodeObservation>;
  /** By the name of the slot. */
  readonly sightings: ReadonlyMap<string, readonly Sighting[]>;
}

export interface NodeWatchMeans {
  readonly control: Pick<SparkControl, "look">;
  topology(): Topology;
  now(): string;
}

/** Rejects only when aborted, or for a mistake of ours. */
export async function lookAtNodes(means: NodeWatchMeans, signal: AbortSignal): Promise<NodeRound> {
  const nodes = new Map<string, NodeObservation>();
  const sightings = new Map<string, Sighting[]>();
  const { slots, nodes: entries } = means.topology();
  await Promise.all(
    entries.map(async (entry) => {
      if (entry.status !== "configured") return;
      const here = slots.filter((slot) => slot.nodes.includes(entry.name));
      const { observation, views } = await lookAt(means, entry, here.length > 0 ? here : [SLOT_DEFAULTS], signal);
      nodes.set(entry.name, observation);
      here.forEach(({ name }, index) => {
        const view = views[index];
        if (view) sightings.set(name, [...(sightings.get(name) ?? []), { node: entry.name, view }]);
      });
    }),
  );
  return { nodes, sightings };
}

async function lookAt(
  { control, now }: NodeWatchMeans,
  node: Node,
  places: readonly { readonly container: string; readonly port: number }[],
  signal: AbortSignal,
): Promise<{ readonly observation: NodeObservation; readonly views: readonly NodeView[] }> {
  try {
    const views = await Promise.all(places.map((place) => control.look(node, place, signal)));
    const { memory = null, clockSkewSeconds = null } = views[0] ?? {};
    return { observation: { reachable: true, failure: null, memory, clockSkewSeconds, at: now() }, views };
  } catch (error) {
    signal.throwIfAborted();
    const failure = failureOf(error);
    return { observation: { reachable: false, failure, memory: null, clockSkewSeconds: null, at: now() }, views: [] };
  }
}
