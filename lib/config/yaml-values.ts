/** From YAML nodes to plain values: aliases expanded within a bound, keys kept unique and textual, lines remembered. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair } from "yaml";
import { type Path, showKey, showPath } from "./origin.ts";
import type { Problem } from "./problem.ts";

export interface Values {
  readonly value: unknown;
  /** JSON text of a path → 1-based line of its key or item. */
  readonly lineOf: ReadonlyMap<string, number>;
  readonly problems: readonly Problem[];
}

/** Values after expansion of aliases; a hundred times what a large catalog has. */
const MAX_VALUES = 20_000;
/** Deeper than the text may be, because an alias can stand deep and refer to something deep. */
const MAX_EXPANDED_DEPTH = 64;

/** Thrown and caught in this file only. */
class TooMuch extends Error {}

/**
 * @param lineAt    1-based line of an offset in the text
 * @param isEarlier as PyYAML reads YAML 1.1: merge keys, and of a repeated key the last one
 */
export function readValues(
  source: string,
  document: Document,
  lineAt: (offset: number) => number,
  isEarlier = false,
): Values {
  const reader = new Reader(source, lineAt, isEarlier);
  reader.warn(document.warnings);
  try {
    const value = reader.value(document.contents, []);
    return { value, lineOf: reader.lineOf, problems: reader.problems };
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    const problem = {
      source,
      line: reader.lastLine,
      path: "",
      message: error.message,
      instead: "Nothing of this file is used.",
    };
    return { value: null, lineOf: new Map(), problems: [problem] };
  }
}

/** `y` and `n`, truth values in YAML 1.1 and not for PyYAML. */
const isLetter = ({ value, source }: { readonly value: unknown; readonly source?: string | undefined }): boolean =>
  typeof value === "boolean" && source?.length === 1;

/**
 * Names that were truth values in YAML 1.1, such as `on`, are names all the same.
 * @returns null for what is no name
 */
export function nameOfKey(key: unknown, isEarlier: boolean): string | null {
  if (!isScalar(key)) return null;
  if (typeof key.value === "string") return key.value;
  const isWord = isEarlier && typeof key.value === "boolean" && !/^(true|false)$/i.test(key.source ?? "");
  return isWord ? (key.source ?? null) : null;
}

class Reader {
  readonly lineOf = new Map<string, number>();
  readonly problems: Problem[] = [];
  /** Line of the last node in the text itself, outside any alias: where an expansion began that grew too large. */
  lastLine = 1;
  readonly #anchors = new Map<string, Node>();
  #count = 0;
  #aliasDepth = 0;

  constructor(
    private readonly source: string,
    private readonly lineAt: (offset: number) => number,
    private readonly isEarlier: boolean,
  ) {}

  warn(warnings: readonly { readonly message: string; readonly pos: readonly [number, number] }[]): void {
    for (const { message, pos } of warnings) {
      this.#report(this.lineAt(pos[0]), [], `${message}.`, "The value is read as plain text.");
    }
  }

  /** @returns undefined when there is nothing usable, which has then been reported */
  value(node: unknown, path: Path): unknown {
    this.#bound(node, path);
    if (node === null || node === undefined) return null;
    if (isAlias(node)) return this.#alias(node.source, path);
    const value = this.#plain(node, path);
    // Only now: an alias inside the node that it names would never end.
    const anchor = (node as Node & { anchor?: string }).anchor;
    if (anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(anchor, node as Node);
    return value;
  }

  #plain(node: unknown, path: Path): unknown {
    if (isMap(node)) return this.#mapping(node.items as Pair[], path);
    if (isSeq(node)) {
      return node.items.map((item, index) => this.value(item, [...path, index])).map((item) => item ?? null);
    }
    if (!isScalar(node)) return null;
    const { value } = node;
    if (this.isEarlier && isLetter(node)) return node.source ?? null;
    const isPlain =
      value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    return isPlain ? value : (node.source ?? null);
  }

  #mapping(pairs: readonly Pair[], path: Path): Record<string, unknown> {
    // Without a prototype a key such as `__proto__` is a key like any other.
    const result: Record<string, unknown> = Object.create(null);
    const merged: Record<string, unknown> = Object.create(null);
    for (const { key, value } of pairs) {
      const line = this.#line(key) ?? this.#line(value) ?? this.lastLine;
      const name = nameOfKey(key, this.isEarlier);
      if (this.isEarlier && isScalar(key) && typeof key.value === "symbol") {
        this.#merge(merged, this.value(value, path), line, path);
      } else if (name === null) {
        this.#report(line, path, "A key is not text; put it in quotes.", "The key and its value are skipped.");
      } else {
        const at = [...path, name];
        const isRepeated = Object.hasOwn(result, name);
        const used = this.isEarlier ? "last" : "first";
        if (isRepeated)
          this.#report(line, at, `The key "${showKey(name)}" appears a second time.`, `The ${used} one is used.`);
        if (isRepeated && !this.isEarlier) continue;
        this.#place(at, line);
        result[name] = this.value(value, at) ?? null;
      }
    }
    return Object.assign(Object.create(null), merged, result);
  }

  /** Of several mappings the first that has a key counts. */
  #merge(merged: Record<string, unknown>, value: unknown, line: number, path: Path): void {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one !== "object" || one === null || Array.isArray(one))
        this.#report(line, path, "What is merged by << is no mapping of names to values.", "It is skipped.");
      else for (const [key, item] of Object.entries(one)) if (!Object.hasOwn(merged, key)) merged[key] = item;
    }
  }

  #alias(name: string, path: Path): unknown {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      const message = `The alias *${showKey(name)} has no anchor before it.`;
      this.#report(this.lineOf.get(JSON.stringify(path)) ?? this.lastLine, path, message, "The value counts as blank.");
      return null;
    }
    this.#aliasDepth += 1;
    const value = this.value(target, path);
    this.#aliasDepth -= 1;
    return value;
  }

  #bound(node: unknown, path: Path): void {
    const line = this.#line(node);
    if (line !== null && this.#aliasDepth === 0) this.lastLine = line;
    if (line !== null) this.#place(path, line);
    this.#count += 1;
    if (this.#count > MAX_VALUES) {
      throw new TooMuch(
        `The file holds more than ${MAX_VALUES.toLocaleString("en")} values once its aliases are expanded.`,
      );
    }
    if (path.length > MAX_EXPANDED_DEPTH) throw new TooMuch("The aliases in the file nest too deeply.");
  }

  /** The key's line comes first and stays: that is where a person looks. */
  #place(path: Path, line: number): void {
    const id = JSON.stringify(path);
    if (!this.lineOf.has(id)) this.lineOf.set(id, line);
  }

  #line(node: unknown): number | null {
    const range = (node as { range?: readonly number[] | null } | null)?.range;
    return range?.[0] === undefined ? null : this.lineAt(range[0]);
  }

  #report(line: number, path: Path, message: string, instead: string): void {
    this.problems.push({ source: this.source, line, path: showPath(path), message, instead });
  }
}
