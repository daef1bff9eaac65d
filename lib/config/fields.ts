/**
 * Fields with the place they come from, so that layers (shipped, files, environment) can be laid over each other field by
 * field and a problem still names the layer that is to blame.
 */
import type { Static, TArray, TObject, TSchema, TString } from "@sinclair/typebox";
import { isMapping, refusalOf } from "./field-types.ts";
import { environmentOrigin, type Origin, type Path, showKey } from "./origin.ts";
import type { Problem } from "./problem.ts";
import type { YamlDocument } from "./yaml-document.ts";

export interface Field {
  readonly value: unknown;
  /** Origin of the field itself, or of what is at `below` inside it. */
  at(...below: Path): Origin;
}

/** Fields of one entry by name. A later layer's field replaces an earlier one's. */
export type Fields = ReadonlyMap<string, Field>;

/** Collects problems in the order in which they are found. */
export class ProblemLog {
  readonly problems: Problem[] = [];

  add(origin: Origin, message: string, instead: string): void {
    this.problems.push({ source: origin.source, line: origin.line, path: origin.path, message, instead });
  }
}

/**
 * The fields of the mapping at `path`. Blank (null) fields count as unset. A key that the type does not have is reported
 * and ignored. Anything but a mapping is reported with `instead`, and the answer is null.
 * @param keepBlank blank fields stay, with the value null: in an overlay they remove what lies below
 */
export function fieldsAt(
  document: YamlDocument,
  path: Path,
  value: unknown,
  type: TObject,
  log: ProblemLog,
  options: { instead: string; keepBlank?: boolean },
): Fields | null {
  if (!isMapping(value)) {
    log.add(document.origin(path), "This must be a mapping of names to values.", options.instead);
    return null;
  }
  const fields = new Map<string, Field>();
  for (const [key, item] of Object.entries(value)) {
    const here = [...path, key];
    if (!Object.hasOwn(type.properties, key)) {
      log.add(document.origin(here), unknownKey(key, Object.keys(type.properties)), "The key is ignored.");
    } else if (item !== null || options.keepBlank) {
      fields.set(key, { value: item, at: (...below) => document.origin([...here, ...below]) });
    }
  }
  return fields;
}

/** Top-level keys of a file: name → value, only those that `allowed` lists; a blank file has none. */
export function sectionsOf(document: YamlDocument, type: TObject, log: ProblemLog): Fields {
  log.problems.push(...document.problems);
  if (document.value === null) return new Map();
  return fieldsAt(document, [], document.value, type, log, { instead: "Nothing of this file is used." }) ?? new Map();
}

/** The value if the type accepts it; else undefined, and a problem with `instead`. An absent field is undefined too. */
export function accept<T extends TSchema>(
  type: T,
  field: Field | undefined,
  log: ProblemLog,
  instead: string,
): Static<T> | undefined {
  if (field === undefined) return undefined;
  const refusal = refusalOf(type, field.value);
  if (refusal === null) return field.value as Static<T>;
  log.add(field.at(...refusal.path), `The value ${refusal.reason}.`, instead);
  return undefined;
}

/** The items of a list that its type accepts; each of the others is reported and left out. */
export function acceptItems(type: TArray<TString>, field: Field | undefined, log: ProblemLog): readonly string[] {
  if (field === undefined) return [];
  const items = Array.isArray(field.value) ? field.value : [];
  if (!Array.isArray(field.value)) log.add(field.at(), "The value must be a list.", "It counts as empty.");
  return items.filter((item, index): item is string => {
    const refusal = refusalOf(type.items, item);
    if (refusal !== null) log.add(field.at(index), `The value ${refusal.reason}.`, "It is left out of the list.");
    return refusal === null;
  });
}

/** A field from an environment variable, or undefined when it is unset or blank. Spaces around it do not count. */
export function environmentField(env: Environment, name: string, kind: "text" | "number" = "text"): Field | undefined {
  const text = (env[name] ?? "").replace(/^[ \t]+|[ \t]+$/g, "");
  if (text.trim() === "") return undefined;
  const value = kind === "number" && /^\d{1,9}$/.test(text) ? Number(text) : text;
  return { value, at: () => environmentOrigin(name) };
}

/** A list from an environment variable, its items separated by commas. */
export function environmentList(env: Environment, name: string): Field | undefined {
  const field = environmentField(env, name);
  if (field === undefined) return undefined;
  const items = String(field.value)
    .split(",")
    .map((item) => item.trim());
  return { value: items.filter((item) => item !== ""), at: field.at };
}

export type Environment = Readonly<Record<string, string | undefined>>;

function unknownKey(key: string, known: readonly string[]): string {
  const near = known.find((name) => plain(name) === plain(key)) ?? known.find((name) => isNear(name, key));
  return `The key "${showKey(key)}" is not known here${near === undefined ? "." : `; did you mean "${near}"?`}`;
}

const plain = (text: string): string => text.toLowerCase().replaceAll(/[-_ ]/g, "");

/** One character added, left out or changed. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || b.length < 3) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return Math.max(a.length, b.length) - start - end <= 1;
}
