/** Writes entries into the text of topology.yaml and keeps everything else in it: comments, order, keys unknown here. */
import { type Document, isMap, isScalar, isSeq, parseDocument, type YAMLMap, YAMLSeq } from "yaml";
import { keepComments } from "../config/edit-mapping.ts";
import type { Environment } from "../config/fields.ts";
import { Fault } from "../fault.ts";
import { MAIN, SLOT_DEFAULTS, SLOT_VARIABLES } from "../topology/load-slots.ts";
import { given } from "./refusals.ts";
import { fromEnvironment, NODE_KEYS, nodeVariable, type SetupEntries, type Value, VLLM_KEYS } from "./settings.ts";

const HEAD =
  " Where the Sparks are. Written by Set-up; it may be edited by hand, too. config/topology.example.yaml shows all keys.";

/** Code of the refusal to change a file that could not be kept as it is. */
export const UNUSABLE = "topology_unusable";

export interface Edited {
  readonly text: string;
  /** Names of the nodes in the order of the file's list; those that only the environment knows are not in it. */
  readonly nodes: readonly string[];
}

/**
 * @param before names of all nodes until now, those of the environment too
 * @throws Fault 409 `topology_unusable` when the file is not of a shape that could be kept
 */
export function editTopology(text: string, entries: SetupEntries, before: readonly string[], env: Environment): Edited {
  const document = parseDocument(text, { schema: "core", uniqueKeys: false, prettyErrors: false, logLevel: "silent" });
  if (document.errors.length > 0) throw unusable("it is not YAML");
  if (document.contents === null) {
    document.contents = document.createNode({}) as unknown as typeof document.contents;
    document.commentBefore ??= HEAD;
  }
  const root: unknown = document.contents;
  if (!isMap(root)) throw unusable("it is not a mapping");
  root.flow = false;
  const nodes = listOf(document, root, "nodes");
  const known = new Map(nodes.items.map((item, index) => [nameOf(item, `spark-${index + 1}`), item as YAMLMap]));
  const kept = entries.nodes.flatMap((entry): YAMLMap[] => {
    const isNew = !known.has(entry.name);
    const map = known.get(entry.name) ?? (document.createNode({ name: entry.name }) as YAMLMap);
    if (!isNew) setScalar(document, map, "name", entry.name);
    for (const key of NODE_KEYS) {
      if (fromEnvironment(env, nodeVariable(entry.name, key)) === undefined)
        setScalar(document, map, key, given(entry[key]));
    }
    // A Spark that the environment describes in full needs no entry.
    return isNew && map.items.length === 1 ? [] : [map];
  });
  if (nodes.items.length === 0) nodes.flow = false;
  nodes.items = kept;
  editMain(document, root, entries, before, env);
  return {
    text: document.toString({ lineWidth: 0, flowCollectionPadding: false }),
    nodes: kept.map((map) => String(map.get("name"))),
  };
}

/** The slot `main`: made only when there is something to say; one over all Sparks stays one over all Sparks. */
function editMain(
  document: Document,
  root: YAMLMap,
  entries: SetupEntries,
  before: readonly string[],
  env: Environment,
): void {
  const { vllm } = entries;
  const after = entries.nodes.map((entry) => entry.name);
  const wanted = VLLM_KEYS.filter((key) => fromEnvironment(env, SLOT_VARIABLES[key]) === undefined);
  const differs = vllm !== undefined && wanted.some((key) => !isDefault(key, given(vllm[key])));
  const present: unknown = root.get("slots", true);
  const isThere = isSeq(present) && present.items.length > 0;
  if (!isThere && !differs) return;
  const slots = listOf(document, root, "slots");
  let main = slots.items.find((item, index) => nameOf(item, index === 0 ? MAIN : "") === MAIN) as YAMLMap | undefined;
  if (main === undefined && differs) {
    main = document.createNode({ name: MAIN, nodes: after }) as YAMLMap;
    if (slots.items.length === 0) slots.flow = false;
    slots.items.unshift(main);
  }
  if (main === undefined) return;
  const members: unknown = main.get("nodes", true);
  const names = isSeq(members) ? members.items.map((item) => (isScalar(item) ? item.value : null)) : [];
  // Without a list it is over all of them already.
  const wasOverAll = isSeq(members) && names.length === before.length && before.every((name) => names.includes(name));
  if (wasOverAll && !after.every((name, index) => names[index] === name && names.length === after.length)) {
    const list = document.createNode(after) as YAMLSeq;
    list.flow = members.flow === true;
    main.set("nodes", list);
  }
  if (vllm === undefined) return;
  for (const key of wanted) {
    const value = given(vllm[key]);
    if (main.has(key) || !isDefault(key, value)) setScalar(document, main, key, value);
  }
}

const isDefault = (key: keyof typeof SLOT_DEFAULTS, value: Value) => value === null || value === SLOT_DEFAULTS[key];

/** Keeps the comment beside a value that is replaced, and a value that stays the same as it was written. */
function setScalar(document: Document, map: YAMLMap, key: string, value: Value): void {
  const present: unknown = map.get(key, true);
  if (value === null) map.delete(key);
  else if (isScalar(present)) {
    if (present.value !== value) present.value = value;
  } else map.set(key, document.createNode(value));
}

function listOf(document: Document, root: YAMLMap, name: string): YAMLSeq {
  const present: unknown = root.get(name, true);
  if (isSeq(present)) {
    if (present.items.every((item) => isMap(item))) return present;
    throw unusable(`an entry of "${name}" is not a mapping`);
  }
  if (present !== undefined && !(isScalar(present) && present.value === null))
    throw unusable(`"${name}" is not a list`);
  const made = new YAMLSeq(document.schema);
  root.set(name, made);
  keepComments(present, made);
  return made;
}

function nameOf(item: unknown, implied: string): string {
  const name: unknown = isMap(item) ? item.get("name") : null;
  return typeof name === "string" ? name : implied;
}

function unusable(why: string): Fault {
  return new Fault(
    "conflict",
    UNUSABLE,
    `topology.yaml cannot be changed from here, because ${why}. Mend it by hand, or move it away; nothing was written.`,
  );
}
