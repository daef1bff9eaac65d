/**
 * topology.yaml and services-overrides.yaml are written by the owner's hand and by the dashboard too: as text, so that comments,
 * order and keys that are unknown here survive an action.
 */
import { FileHelper, YAML } from "@start9labs/start-sdk";
import { sdk } from "../sdk";

export const topologyYaml = FileHelper.string({ base: sdk.volumes.main, subpath: "topology.yaml" });
export const servicesYaml = FileHelper.string({ base: sdk.volumes.main, subpath: "services-overrides.yaml" });

type Value = string | number | boolean | null;

/** An entry of a list, by its name. */
export interface Entry {
  readonly list: string;
  readonly name: string;
}
export type Path = readonly (string | Entry)[];

/** Entries without a name have one by their place, as the controller reads them (lib/topology). */
const NAME_AT: Readonly<Record<string, (index: number) => string>> = {
  nodes: (index) => `spark-${index + 1}`,
  slots: (index) => (index === 0 ? "main" : `slot-${index + 1}`),
};

/** A file, or a part of it, that cannot be kept as it is: nothing is written then. */
export class Unusable extends Error {}
/** What would be changed is written once for several places (`&`, `*`): the others would change with it, or lose it. */
export class Shared extends Unusable {}

export class YamlText {
  private constructor(
    private readonly document: YAML.Document,
    private readonly root: YAML.YAMLMap,
  ) {}

  /** @throws Unusable */
  static parse(name: string, text: string | null): YamlText {
    const document = YAML.parseDocument(text ?? "", { schema: "core", prettyErrors: false, logLevel: "silent" });
    if (document.contents === null || isNull(document.contents)) document.contents = document.createNode({}) as never;
    if (document.errors.length > 0 || !YAML.isMap(document.contents)) throw new Unusable(name);
    return new YamlText(document, document.contents as YAML.YAMLMap);
  }

  /** The value at the path if it is text, a number or a truth value. @throws Unusable */
  get(path: Path): Value {
    const value: unknown = this.#plain(this.#mapAt(path.slice(0, -1), false)?.get(String(path.at(-1)), true));
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
  }

  /** Null removes it. What is so already stays as it is written. @throws Unusable */
  set(path: Path, value: Value): void {
    const key = String(path.at(-1));
    const there = this.#mapAt(path.slice(0, -1), false);
    if (value === null ? !there?.has(key) : this.get(path) === value) return;
    this.#checkOwn(path);
    const map = this.#mapAt(path.slice(0, -1), value !== null);
    const present = map?.get(key, true);
    checkShared(present);
    if (value === null) map?.delete(key);
    else if (YAML.isScalar(present)) present.value = value;
    else map?.set(key, this.document.createNode(value));
  }

  /** Names of the entries of a list. @throws Unusable */
  names(list: string): readonly string[] {
    return this.#entries(list).map((item, index) => nameOf(item, list, index));
  }

  /** @throws Unusable */
  remove({ list, name }: Entry): void {
    const at = this.names(list).indexOf(name);
    if (at < 0) return;
    this.#checkOwn([{ list, name }, ""]);
    const items = this.#sequence(this.root, list, false)?.items ?? [];
    checkShared(items[at]);
    items.splice(at, 1);
  }

  /** A list of text; null when there is none. @throws Unusable */
  texts(path: Path): readonly string[] | null {
    const map = this.#mapAt(path.slice(0, -1), false);
    const items = map && this.#sequence(map, String(path.at(-1)), false)?.items;
    return items ? items.map((item) => String(this.#plain(item) ?? "")) : null;
  }

  /** In the place of one that is there. Null removes it. @throws Unusable */
  setTexts(path: Path, texts: readonly string[] | null): void {
    this.#checkOwn(path);
    const map = this.#mapAt(path.slice(0, -1), texts !== null);
    const key = String(path.at(-1));
    checkShared(map?.get(key, true));
    if (texts === null) map?.delete(key);
    else if (map) {
      const list = this.document.createNode([...texts]) as YAML.YAMLSeq;
      list.flow = this.#sequence(map, key, false)?.flow ?? true;
      map.set(key, list);
    }
  }

  /** @throws Unusable for what cannot be written, such as an alias of nothing */
  text(): string {
    try {
      return this.document.toString({ lineWidth: 0, flowCollectionPadding: false });
    } catch {
      throw new Unusable();
    }
  }

  /** What stands there, also behind an alias, if it is a scalar. */
  #plain(node: unknown): unknown {
    const own: unknown = YAML.isAlias(node) ? node.resolve(this.document) : node;
    return YAML.isScalar(own) ? own.value : undefined;
  }

  /** Nothing on the way to the value may be written for another place too. @throws Shared */
  #checkOwn(path: Path): void {
    for (let length = 1; length < path.length; length += 1) {
      const step = path[length - 1]!;
      if (typeof step !== "string" && this.#sequence(this.root, step.list, false)?.anchor) throw new Shared();
      if (this.#mapAt(path.slice(0, length), false)?.anchor) throw new Shared();
    }
  }

  /** Null: it is not there and is not to be made. */
  #mapAt(path: Path, make: boolean): YAML.YAMLMap | null {
    let map: YAML.YAMLMap | null = this.root;
    for (const step of path) {
      if (map === null) return null;
      map = typeof step === "string" ? this.#child(map, step, make) : this.#entry(step, make);
    }
    return map;
  }

  #child(map: YAML.YAMLMap, key: string, make: boolean): YAML.YAMLMap | null {
    const present = map.get(key, true) as unknown;
    if (YAML.isMap(present)) return present;
    if (YAML.isAlias(present)) throw new Shared(key);
    if (present !== undefined && !isNull(present)) throw new Unusable(key);
    if (!make) return null;
    const made = this.document.createNode({}) as unknown as YAML.YAMLMap;
    keepComments(present, made);
    map.set(key, made);
    return made;
  }

  #entry({ list, name }: Entry, make: boolean): YAML.YAMLMap | null {
    const found = this.#entries(list).find((item, index) => nameOf(item, list, index) === name);
    if (found || !make) return found ?? null;
    const sequence = this.#sequence(this.root, list, true);
    const made = this.document.createNode({ name }) as unknown as YAML.YAMLMap;
    if (sequence?.items.length === 0) sequence.flow = false;
    sequence?.items.push(made);
    return made;
  }

  #entries(list: string): YAML.YAMLMap[] {
    const items = this.#sequence(this.root, list, false)?.items ?? [];
    return items.map((item) => {
      if (YAML.isAlias(item) || (YAML.isMap(item) && YAML.isAlias(item.get("name", true)))) throw new Shared(list);
      if (!YAML.isMap(item)) throw new Unusable(list);
      return item;
    });
  }

  /** What is blank in the file (`nodes:` and nothing behind it) counts as not there. */
  #sequence(map: YAML.YAMLMap, key: string, make: boolean): YAML.YAMLSeq | null {
    const present = map.get(key, true) as unknown;
    if (YAML.isSeq(present)) return present;
    if (YAML.isAlias(present)) throw new Shared(key);
    if (present !== undefined && !isNull(present)) throw new Unusable(key);
    if (!make) return null;
    const made = this.document.createNode([]) as unknown as YAML.YAMLSeq;
    keepComments(present, made);
    map.set(key, made);
    return made;
  }
}

const isNull = (node: unknown): boolean => node === null || (YAML.isScalar(node) && node.value === null);

/** What stands beside and below a key without a value would go with it. */
function keepComments(present: unknown, made: YAML.YAMLMap | YAML.YAMLSeq): void {
  if (!YAML.isScalar(present)) return;
  const comments = [present.commentBefore, present.comment].filter((comment) => comment != null);
  if (comments.length > 0) made.commentBefore = comments.join("\n");
}

/** @throws Shared */
function checkShared(node: unknown): void {
  if (!YAML.isNode(node)) return;
  YAML.visit(node, (_, inner) => {
    if (YAML.isAlias(inner) || (YAML.isNode(inner) && "anchor" in inner && inner.anchor)) throw new Shared();
  });
}

function nameOf(item: YAML.YAMLMap, list: string, index: number): string {
  const name: unknown = item.get("name");
  return typeof name === "string" ? name : (NAME_AT[list]?.(index) ?? "");
}
