/** Gathers facts about a scene: a cluster in memory, idle but for what is given. */
import type { Model } from "../../../lib/catalog/catalog.ts";
import type { NodeView, SparkControl } from "../../../lib/swap/cluster.ts";
import { type Belief, type Facts, gatherFacts, targetOf } from "../../../lib/swap/facts.ts";
import type { Topology } from "../../../lib/topology/topology.ts";
import { aModel, aTopology, aView, someSparks } from "./_fixtures.ts";

export interface Scene {
  readonly model?: Model;
  readonly topology?: Topology;
  readonly slot?: string;
  readonly beliefs?: readonly Belief[];
  /** By `node/container`; idle where nothing is given. */
  readonly views?: Readonly<Record<string, NodeView>>;
  readonly control?: Partial<SparkControl>;
}

export function gather({
  model = aModel(),
  topology = aTopology(),
  slot = "main",
  beliefs = [],
  views = {},
  control,
}: Scene): Promise<Facts> {
  const target = targetOf(topology, model, topology.slots.find(({ name }) => name === slot)!);
  const look: SparkControl["look"] = (node, place) =>
    Promise.resolve(views[`${node.name}/${place.container}`] ?? aView());
  return gatherFacts(someSparks({ look, ...control }), topology, beliefs, target, new AbortController().signal);
}
