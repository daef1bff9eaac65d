/** What the cluster is, from shipped defaults ← files ← environment. Pure: reads no file and no clock. */
import { type Environment, ProblemLog, sectionsOf } from "../config/fields.ts";
import { ServicesFile } from "../config/services-schema.ts";
import { TopologyFile } from "../config/topology-schema.ts";
import { readYaml, type TextFile } from "../config/yaml-document.ts";
import { loadNodes } from "./load-nodes.ts";
import { loadServices } from "./load-services.ts";
import { loadSettings } from "./load-settings.ts";
import { loadSlots } from "./load-slots.ts";
import type { Topology } from "./topology.ts";

export interface TopologySources {
  /** Absent files are fine; one that cannot be read counts as absent. */
  readonly files: { readonly topology?: TextFile | undefined; readonly services?: TextFile | undefined };
  readonly env: Environment;
}

/**
 * Never throws: whatever is wrong is in `problems`, with what was done instead. A malformed node stays in the list as
 * misconfigured; a malformed scalar falls back to its default; without any node the lists of nodes and slots are empty.
 */
export function loadTopology({ files, env }: TopologySources): Topology {
  const log = new ProblemLog();
  const topology = readYaml(files.topology ?? { name: "topology.yaml", text: "" });
  const overrides = readYaml(files.services ?? { name: "services-overrides.yaml", text: "" });
  const sections = sectionsOf(topology, TopologyFile, log);
  const { nodes, areAll: nodesAreAll } = loadNodes(sections.get("nodes"), topology, env, log);
  const slots = loadSlots(sections.get("slots"), topology, nodes, env, log);
  const settings = loadSettings(sections.get("settings"), topology, env, log);
  const said = sectionsOf(overrides, ServicesFile, log).get("services");
  const services = loadServices(said, overrides, { nodes, slots }, env, log);
  return { nodes, nodesAreAll, slots, services, settings, problems: log.problems };
}
