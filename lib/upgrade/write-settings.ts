/** Puts the earlier version's settings into topology.yaml and services-overrides.yaml. Pure: from text to text. */
import { type Document, isAlias, isMap, isSeq, parseDocument, visit, YAMLMap, YAMLSeq } from "yaml";
import { keepComments } from "../config/edit-mapping.ts";
import { refusalOf } from "../config/field-types.ts";
import { readYaml, type TextFile } from "../config/yaml-document.ts";
import { loadTopology } from "../topology/load-topology.ts";
import { APP_SETTINGS, type Wanted } from "./app-settings.ts";
import { ItemLog } from "./report.ts";

const TOPOLOGY = "topology.yaml";
const TOPOLOGY_HEAD =
  " Taken over from the settings of the earlier version. config/topology.example.yaml shows all keys.";
const SLOT = "main";

export interface Damage {
  readonly damage: string;
  /** Nothing of the file is read anyhow. */
  readonly isUseless: boolean;
}

/**
 * What the file says already stays: it is newer. A value there that cannot be used, or is blank, gives way.
 * @param file its text is empty when there is none
 * @returns the new text, or why nothing can be added to the file, with nothing told then
 */
export function writeSettings(
  file: TextFile,
  wanted: readonly Wanted[],
  log: ItemLog,
): { readonly text: string } | Damage {
  const { problems, value } = readYaml(file);
  if (value === null && problems[0]) return { damage: problems[0].message, isUseless: true };
  const document = parseDocument(file.text, {
    schema: "core",
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  if (document.contents === null) {
    document.contents = new YAMLMap(document.schema) as unknown as typeof document.contents;
    if (file.name === TOPOLOGY) document.commentBefore ??= TOPOLOGY_HEAD;
  }
  if (document.errors.length > 0 || !isMap(document.contents))
    return { damage: "It is no mapping of names to values.", isUseless: true };
  const own = new ItemLog();
  const editor = new Editor(document, file.name, own);
  for (const one of wanted) editor.put(one);
  editor.addSlotNodes();
  try {
    const text = editor.text();
    // A file that has become too large would not be read at all.
    if (readYaml({ ...file, text }).value === null)
      return { damage: "There is no room for more in it.", isUseless: false };
    log.items.push(...own.items);
    return { text };
  } catch {
    return { damage: "It cannot be written anew as it is.", isUseless: false };
  }
}

class Editor {
  constructor(
    private readonly document: Document,
    private readonly file: string,
    private readonly log: ItemLog,
  ) {}

  text(): string {
    return this.document.toString({ lineWidth: 0, flowCollectionPadding: false });
  }

  put({ name, target, type, value }: Wanted): void {
    const map = this.#mapFor(target);
    const present: unknown = plainOf(map.get(target.key, true), this.document);
    if (present === undefined || present === null || refusalOf(type, present) !== null) {
      map.set(target.key, this.document.createNode(value));
      this.log.add(APP_SETTINGS, name, "taken", `It is in ${this.file} now.`);
    } else this.log.add(APP_SETTINGS, name, "kept", `${this.file} says it already.`);
  }

  /** A slot that is made here is over all Sparks, as without the file; one that is not usable would be the end of it. */
  addSlotNodes(): void {
    const root = this.document.contents as unknown as YAMLMap;
    const slots: unknown = root.get("slots", true);
    if (!isSeq(slots)) return;
    const slot = slots.items.find((item, index) => nameOf(item, index, SLOT) === SLOT);
    if (!isMap(slot) || slot.has("nodes")) return;
    const { nodes } = loadTopology({ files: { topology: { name: TOPOLOGY, text: this.text() } }, env: {} });
    if (nodes.length === 0) return;
    const left = nodes[0]?.status === "misconfigured" ? [] : nodes.filter((node) => node.status === "misconfigured");
    const names = nodes.map(({ name }) => name).filter((name) => !left.some((node) => node.name === name));
    const list = this.document.createNode(names) as YAMLSeq;
    list.flow = true;
    slot.set("nodes", list);
    for (const { name } of left)
      this.log.add(TOPOLOGY, name, "not_taken", `It is misconfigured and therefore not in the slot "${SLOT}".`);
  }

  /** The mapping that the value belongs into, made where it is missing. */
  #mapFor(target: Wanted["target"]): YAMLMap {
    const root = this.document.contents as unknown as YAMLMap;
    if (target.file === "services-overrides.yaml") return this.#within(this.#within(root, "services"), target.service);
    if (target.section === "settings") return this.#within(root, "settings");
    return target.section === "nodes"
      ? this.#named(root, "nodes", `spark-${target.node}`, "spark-")
      : this.#named(root, "slots", SLOT, SLOT);
  }

  #within(map: YAMLMap, key: string): YAMLMap {
    const present = this.#own(map, key);
    if (isMap(present)) return this.#alone(present);
    const made = new YAMLMap(this.document.schema);
    this.#replace(map, key, made);
    return made;
  }

  #named(root: YAMLMap, key: string, name: string, unnamed: string): YAMLMap {
    let list = this.#own(root, key);
    if (!isSeq(list)) {
      const made = new YAMLSeq(this.document.schema);
      this.#replace(root, key, made);
      list = made;
    }
    const { items } = this.#alone(list as YAMLSeq);
    const at = items.findIndex((item, index) => nameOf(item, index, unnamed) === name);
    const found = items[at];
    if (isMap(found)) return this.#alone(found);
    const made = this.document.createNode({ name }) as YAMLMap;
    if (at >= 0) this.log.add(this.file, `${key}.${at}`, "not_taken", "It was no mapping of names to values.");
    items.splice(at >= 0 ? at : items.length, at >= 0 ? 1 : 0, made);
    return made;
  }

  /** What is there; behind an alias a copy, so that its other places stay as they are. */
  #own(map: YAMLMap, key: string): unknown {
    const present: unknown = map.get(key, true);
    if (!isAlias(present)) return present;
    const behind = present.resolve(this.document);
    if (!isMap(behind) && !isSeq(behind)) return undefined;
    const copy = behind.clone() as YAMLMap | YAMLSeq;
    delete copy.anchor;
    map.set(key, copy);
    return copy;
  }

  /** What other places say by its name is written out there, before it changes. */
  #alone<Kind extends YAMLMap | YAMLSeq>(node: Kind): Kind {
    if (node.anchor === undefined) return node;
    const copy = () => {
      const copied = node.clone() as Kind;
      visit(copied, {
        Value: (_, value) => {
          delete value.anchor;
        },
      });
      return copied;
    };
    visit(this.document, { Alias: (_, alias) => (alias.resolve(this.document) === node ? copy() : undefined) });
    delete node.anchor;
    return node;
  }

  #replace(map: YAMLMap, key: string, made: YAMLMap | YAMLSeq): void {
    const before: unknown = map.get(key);
    // Of the services' file this has been told already.
    if (before !== undefined && before !== null && this.file === TOPOLOGY)
      this.log.add(this.file, key, "not_taken", "It was something else than this file has there.");
    keepComments(map.get(key, true), made);
    map.set(key, made);
  }
}

/** @param unnamed what an item without a name is called: a slot, or the beginning of a node's name */
function nameOf(item: unknown, index: number, unnamed: string): unknown {
  const said: unknown = isMap(item) ? item.get("name") : undefined;
  if (said !== undefined && said !== null) return said;
  return unnamed === SLOT ? (index === 0 ? SLOT : null) : `${unnamed}${index + 1}`;
}

function plainOf(node: unknown, document: Document): unknown {
  return (node as { toJS?(document: Document): unknown } | undefined)?.toJS?.(document);
}
