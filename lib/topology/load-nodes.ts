/** The Sparks from topology.yaml and SPARK1_…, SPARK2_…. */
import {
  accept,
  type Environment,
  environmentField,
  type Field,
  type Fields,
  fieldsAt,
  type ProblemLog,
} from "../config/fields.ts";
import { describeOrigin, environmentOrigin, type Origin } from "../config/origin.ts";
import { NodeFields } from "../config/topology-schema.ts";
import type { YamlDocument } from "../config/yaml-document.ts";
import type { Node, NodeEntry } from "./topology.ts";

const MISCONFIGURED = "The node counts as misconfigured and is never contacted.";
export const LAUNCH_DIR = "~/spark-vllm-docker";
export const SSH_PORT = 22;

/** Fields of a node and the variable behind each, after `SPARK1_` or `SPARK2_`. */
export const NODE_VARIABLES = {
  host: "HOST",
  user: "USER",
  ssh_port: "SSH_PORT",
  address: "ADDRESS",
  launch_dir: "LAUNCH_DIR",
  eth_if: "ETH_IF",
  ib_if: "IB_IF",
} as const;

interface Draft {
  readonly name: string;
  readonly fields: Fields;
  readonly origin: Origin;
  /** The entry is no mapping or its name is unusable: already reported, and the node is misconfigured whatever else it says. */
  readonly faulty: boolean;
}

/**
 * All nodes in order, head first. A node with anything wrong is misconfigured; none is ever left out or made up.
 * @returns `areAll` as in Topology: the file has a list of nodes, and each entry there tells its name
 */
export function loadNodes(
  field: Field | undefined,
  document: YamlDocument,
  env: Environment,
  log: ProblemLog,
): { readonly nodes: readonly NodeEntry[]; readonly areAll: boolean } {
  const written = fileDrafts(field, document, log);
  const areAll = Array.isArray(field?.value) && written.every(({ faulty }) => !faulty);
  const drafts = withEnvironment(written, env);
  const nodes: NodeEntry[] = [];
  for (const draft of drafts) {
    if (nodes.some((node) => node.name === draft.name)) {
      log.add(draft.origin, `A node named "${draft.name}" exists already.`, "The first one is kept.");
    } else {
      nodes.push(distinct(nodeOf(draft, log), draft, nodes, log));
    }
  }
  return { nodes, areAll };
}

function fileDrafts(field: Field | undefined, document: YamlDocument, log: ProblemLog): Draft[] {
  if (field === undefined) return [];
  if (!Array.isArray(field.value)) {
    log.add(field.at(), "This must be a list of nodes.", "No node of this file is used.");
    return [];
  }
  return field.value.map((item: unknown, index) => {
    const path = ["nodes", index];
    const fields = fieldsAt(document, path, item, NodeFields, log, { instead: MISCONFIGURED });
    const name = fields && accept(NodeFields.properties.name, fields.get("name"), log, MISCONFIGURED);
    const faulty = fields === null || (fields.has("name") && name === undefined);
    return { name: name ?? `spark-${index + 1}`, fields: fields ?? new Map(), origin: document.origin(path), faulty };
  });
}

/** SPARK1_… is laid over the node `spark-1` of the file, or stands first; SPARK2_… likewise, after it. */
function withEnvironment(drafts: Draft[], env: Environment): Draft[] {
  let position = 0;
  for (const number of [1, 2]) {
    const name = `spark-${number}`;
    const fields = environmentFields(env, `SPARK${number}_`);
    const index = drafts.findIndex((draft) => draft.name === name);
    const existing = drafts[index];
    if (existing !== undefined) {
      drafts[index] = { ...existing, fields: new Map([...existing.fields, ...fields]) };
      position = index + 1;
    } else if (fields.size > 0) {
      drafts.splice(position, 0, { name, fields, origin: environmentOrigin(`SPARK${number}_HOST`), faulty: false });
      position += 1;
    }
  }
  return drafts;
}

function environmentFields(env: Environment, prefix: string): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const [key, suffix] of Object.entries(NODE_VARIABLES)) {
    const field = environmentField(env, prefix + suffix, key === "ssh_port" ? "number" : "text");
    if (field !== undefined) fields.set(key, field);
  }
  return fields;
}

function nodeOf(draft: Draft, log: ProblemLog): NodeEntry {
  const before = log.problems.length;
  const { properties } = NodeFields;
  const read = (key: keyof typeof NODE_VARIABLES) => accept(properties[key], draft.fields.get(key), log, MISCONFIGURED);
  const text = (key: Exclude<keyof typeof NODE_VARIABLES, "ssh_port">) => read(key) as string | undefined;
  const [host, user] = [text("host"), text("user")];
  const node: Node = {
    status: "configured",
    name: draft.name,
    host: host ?? "",
    user: user ?? "",
    ssh_port: accept(properties.ssh_port, draft.fields.get("ssh_port"), log, MISCONFIGURED) ?? SSH_PORT,
    address: text("address") ?? null,
    launch_dir: text("launch_dir") ?? LAUNCH_DIR,
    eth_if: text("eth_if") ?? null,
    ib_if: text("ib_if") ?? null,
  };
  for (const key of ["host", "user"] as const) {
    if (!draft.fields.has(key) && !draft.faulty)
      log.add(missingAt(draft, key), `The node has no ${key}.`, MISCONFIGURED);
  }
  const problem = log.problems[before];
  if (problem !== undefined) return misconfigured(draft.name, `${describeOrigin(problem)}: ${problem.message}`);
  return draft.faulty ? misconfigured(draft.name, `${describeOrigin(draft.origin)}: The entry is malformed.`) : node;
}

function missingAt(draft: Draft, key: "host" | "user"): Origin {
  if (draft.origin.source !== "environment") return draft.origin;
  return environmentOrigin(draft.origin.path.replace(/HOST$/, NODE_VARIABLES[key]));
}

/** Two nodes behind one SSH server would be launched on and stopped as if they were two machines. */
function distinct(node: NodeEntry, draft: Draft, others: readonly NodeEntry[], log: ProblemLog): NodeEntry {
  if (node.status === "misconfigured") return node;
  const twin = others.find(
    (other) =>
      other.status === "configured" &&
      other.host.toLowerCase() === node.host.toLowerCase() &&
      other.ssh_port === node.ssh_port,
  );
  if (twin === undefined) return node;
  const origin = draft.fields.get("host")?.at() ?? draft.origin;
  const message = `The host and port are those of ${twin.name}.`;
  log.add(origin, message, MISCONFIGURED);
  return misconfigured(node.name, `${describeOrigin(origin)}: ${message}`);
}

function misconfigured(name: string, reason: string): NodeEntry {
  return { status: "misconfigured", name, reason };
}
