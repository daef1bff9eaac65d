/** A file of overrides said anew: its document is changed in place, so that comments, order and blank lines stay. Pure. */
import {
  CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type Node,
  Pair,
  parseDocument,
  type Scalar,
  stringify,
  YAMLMap,
} from "yaml";
import { isMapping } from "../config/field-types.ts";
import { readYaml } from "../config/yaml-document.ts";
import { nameOfKey } from "../config/yaml-values.ts";
import { differences } from "./differences.ts";
import type { Place, Reshaped } from "./entries.ts";

export interface Rewriting {
  readonly text: string;
  /** It was read as YAML 1.1. */
  readonly isEarlier: boolean;
  readonly section: string;
  /** Null: its shape stays. */
  readonly reshaped: Reshaped | null;
  /** What it has to say afterwards. */
  readonly whole: unknown;
}

export interface Rewritten {
  readonly text: string;
  /** How many comments have no place in it. */
  readonly lostComments: number;
}

export function rewrite(rewriting: Rewriting): Rewritten {
  const { whole, text: before } = rewriting;
  const text = inPlace(rewriting) ?? stringify(whole, { aliasDuplicateObjects: false });
  const there = commentsOf(text);
  const lost = commentsOf(before).filter((comment) => {
    const at = there.indexOf(comment);
    if (at >= 0) there.splice(at, 1);
    return at < 0;
  });
  return { text, lostComments: lost.length };
}

/** @returns null when that cannot be done: an alias would have lost its anchor, say */
function inPlace({ text: before, isEarlier, section, reshaped, whole }: Rewriting): string | null {
  try {
    const document: Document = parseDocument(before, {
      ...(isEarlier ? { version: "1.1" as const, merge: true } : { schema: "core" as const }),
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
    });
    const editor = new Editor(document, isEarlier);
    if (reshaped !== null) editor.gather(section, reshaped);
    document.contents = editor.conform(document.contents, whole) as Document["contents"];
    document.setSchema("1.2", { schema: "core", merge: false });
    const text = document.toString({ lineWidth: 0 });
    // Whatever was not thought of: only a text that says the same is taken.
    const { value, problems } = readYaml({ name: "", text });
    return problems.length === 0 && differences(value, whole).length === 0 ? text : null;
  } catch {
    return null;
  }
}

function commentsOf(text: string): string[] {
  const comments: string[] = [];
  let isScalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (!isScalar && lexeme.startsWith("#")) comments.push(lexeme.trim());
    // What follows this mark is the text of a value, whatever it begins with.
    isScalar = lexeme === CST.SCALAR;
  }
  return comments;
}

class Editor {
  constructor(
    private readonly document: Document,
    private readonly isEarlier: boolean,
  ) {}

  /** Makes the entries, wherever they stand, those of the section. */
  gather(section: string, { places, sectionKey }: Reshaped): void {
    const before = this.document.contents;
    const [root, entries] = [new YAMLMap(this.document.schema), new YAMLMap(this.document.schema)];
    const key = this.document.createNode(section) as Scalar;
    root.items.push(new Pair(key, entries));
    const old = isMap(before) && sectionKey !== null ? this.#pair(before, sectionKey) : undefined;
    if (isNode(old?.key)) passOn(old.key, key);
    if (isNode(old?.value)) passOn(old.value, entries);
    // What stands above the first thing in the file is about that.
    if (isNode(before)) passOn(before, isMap(before) && before.items[0] !== old ? entries : root);
    for (const [name, place] of places) {
      const pair = this.#entryAt(before, name, place);
      if (pair) entries.items.push(pair);
    }
    this.document.contents = root as unknown as Document["contents"];
  }

  /** @returns the node, changed to say the value, or another one */
  conform(node: unknown, value: unknown): unknown {
    // What it stands for is changed where it is.
    if (isAlias(node)) return node;
    if (isMap(node) && isMapping(value)) {
      this.#conformMap(node, value);
      return node;
    }
    if (isSeq(node) && Array.isArray(value) && node.items.length === value.length) {
      node.items = node.items.map((item, index) => this.conform(item, value[index]));
      return node;
    }
    if (isScalar(node) && (value === null || typeof value !== "object")) {
      if (node.value !== value) {
        node.value = value;
        delete node.tag;
      }
      return node;
    }
    const made = this.document.createNode(value);
    if (isNode(node)) passOn(node, made);
    return made;
  }

  #conformMap(map: YAMLMap, value: Readonly<Record<string, unknown>>): void {
    const names = new Set(map.items.map(({ key }) => nameOfKey(key, this.isEarlier)));
    const items: Pair[] = [];
    for (const name of names) {
      const pair = name !== null && Object.hasOwn(value, name) ? this.#pair(map, name) : undefined;
      if (name === null || !pair) continue;
      (pair.key as Scalar).value = name;
      pair.value = this.conform(pair.value, value[name]);
      items.push(pair);
    }
    // Merged into it by <<, which this version does not read.
    for (const [name, item] of Object.entries(value))
      if (!names.has(name)) items.push(this.document.createPair(name, item));
    map.items = items;
  }

  /** Of a repeated key that one which was read. */
  #pair(map: YAMLMap, name: string): Pair | undefined {
    const isIt = ({ key }: Pair) => nameOfKey(key, this.isEarlier) === name;
    return this.isEarlier ? map.items.findLast(isIt) : map.items.find(isIt);
  }

  #entryAt(root: unknown, name: string, { path, nameKey }: Place): Pair | undefined {
    let node: unknown = root;
    let found: Pair | undefined;
    for (const step of path) {
      found = typeof step === "string" && isMap(node) ? this.#pair(node, step) : undefined;
      node = typeof step === "string" ? found?.value : isSeq(node) ? node.items[step] : undefined;
    }
    if (nameKey === null) return found;
    if (!isMap(node)) return undefined;
    // An item of a list: what stood beside its name stands above it now.
    const key = this.document.createNode(name) as Scalar;
    const said = this.#pair(node, nameKey);
    for (const one of [node, said?.key, said?.value]) if (isNode(one)) passOn(one, key, true);
    return new Pair(key, node);
  }
}

const isNode = (value: unknown): value is Node => isMap(value) || isSeq(value) || isScalar(value);

/** Comments and blank lines of a node that goes become those of another. @param above also what stood behind it */
function passOn(from: Node, to: Node, above = false): void {
  const joined = (...texts: readonly (string | null | undefined)[]) => texts.filter((text) => text).join("\n") || null;
  // What stands behind a mapping or list stays there.
  const isBehind = above && isScalar(from);
  to.commentBefore = joined(to.commentBefore, from.commentBefore, isBehind ? from.comment : null);
  if (!above) to.comment = joined(to.comment, from.comment);
  if (from.spaceBefore) to.spaceBefore = true;
  from.commentBefore = null;
  from.spaceBefore = false;
}
