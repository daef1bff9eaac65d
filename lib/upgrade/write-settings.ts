/** Puts the earlier version's settings into topology.yaml and services-overrides.yaml. Pure: from text to text. */
import { type Document, isMap, isSeq, parseDocument, YAMLMap, YAMLSeq } from "yaml";
import { APP_SETTINGS, type Wanted } from "./app-settings.ts";
import type { ItemLog } from "./report.ts";

const TOPOLOGY_HEAD =
  " Taken over from the settings of the earlier version. config/topology.example.yaml shows all keys.";
const SLOT = "main";

/**
 * What the file says already stays: it is newer. A file that is no mapping is left alone.
 * @param text of the file; empty when there is none
 */
export function writeSettings(name: string, text: string, wanted: readonly Wanted[], log: ItemLog): string {
  const document = open(text, name === "topology.yaml" ? TOPOLOGY_HEAD : null);
  for (const { name: variable, target, value } of wanted) {
    const map = document && mapFor(document, target);
    if (!map) log.add(APP_SETTINGS, variable, "not_taken", `${name} is damaged and cannot be added to.`);
    else if (map.has(target.key)) log.add(APP_SETTINGS, variable, "kept", `${name} says it already.`);
    else {
      map.set(target.key, document.createNode(value));
      log.add(APP_SETTINGS, variable, "taken", `It is in ${name} now.`);
    }
  }
  if (document === null || wanted.length === 0) return text;
  addSlotNodes(document);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function open(text: string, head: string | null): Document | null {
  const document = parseDocument(text, { schema: "core", uniqueKeys: false, prettyErrors: false, logLevel: "silent" });
  if (document.errors.length > 0) return null;
  if (document.contents === null) {
    document.contents = new YAMLMap(document.schema) as unknown as typeof document.contents;
    if (head !== null) document.commentBefore ??= head;
  }
  return isMap(document.contents) ? document : null;
}

/** The mapping that the value belongs into, made where it is missing; null where the file has something else there. */
function mapFor(document: Document, target: Wanted["target"]): YAMLMap | null {
  const root = document.contents as unknown as YAMLMap;
  if (target.file === "services-overrides.yaml") {
    const services = within(document, root, "services");
    return services && within(document, services, target.service);
  }
  if (target.section === "settings") return within(document, root, "settings");
  const [list, name] =
    target.section === "nodes" ? (["nodes", `spark-${target.node}`] as const) : (["slots", SLOT] as const);
  return named(document, root, list, name);
}

function within(document: Document, map: YAMLMap, key: string): YAMLMap | null {
  const present: unknown = map.get(key, true);
  if (isMap(present)) return present;
  if (map.get(key) !== undefined && map.get(key) !== null) return null;
  const made = new YAMLMap(document.schema);
  map.set(key, made);
  return made;
}

function named(document: Document, root: YAMLMap, list: string, name: string): YAMLMap | null {
  let items: unknown = root.get(list, true);
  if (root.get(list) === undefined || root.get(list) === null) {
    items = new YAMLSeq(document.schema);
    root.set(list, items);
  }
  if (!isSeq(items)) return null;
  const found = items.items.find((item) => isMap(item) && item.get("name") === name);
  if (isMap(found)) return found;
  const made = document.createNode({ name }) as YAMLMap;
  items.add(made);
  return made;
}

/** A slot that is made here is over all Sparks, as without the file. */
function addSlotNodes(document: Document): void {
  const root = document.contents as unknown as YAMLMap;
  const [slots, nodes]: unknown[] = [root.get("slots", true), root.get("nodes", true)];
  if (!isSeq(slots)) return;
  const names = isSeq(nodes) ? nodes.items.flatMap((item) => (isMap(item) ? [String(item.get("name"))] : [])) : [];
  for (const slot of slots.items)
    if (isMap(slot) && slot.get("name") === SLOT && !slot.has("nodes") && names.length > 0) {
      const list = document.createNode(names) as YAMLSeq;
      list.flow = true;
      slot.set("nodes", list);
    }
}
