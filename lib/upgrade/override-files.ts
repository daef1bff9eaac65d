/** models-overrides.yaml and services-overrides.yaml of the earlier version: brought to the shape read here, and judged by it. Pure. */
import { loadCatalog } from "../catalog/load-catalog.ts";
import { isMapping, refusalOf } from "../config/field-types.ts";
import { showKey } from "../config/origin.ts";
import type { Problem } from "../config/problem.ts";
import { ServiceFields } from "../config/services-schema.ts";
import { MAX_FILE_BYTES, readEarlierYaml, readYaml, type TextFile } from "../config/yaml-document.ts";
import { loadTopology } from "../topology/load-topology.ts";
import { BLANK } from "./app-settings.ts";
import { differences } from "./differences.ts";
import { type Refused, reshape } from "./entries.ts";
import { type Found, judgeEntries } from "./judge-entries.ts";
import type { UpgradeItem } from "./report.ts";
import { type Rewritten, rewrite } from "./rewrite.ts";

/** Paths in one line of the report. */
const MOST_SHOWN = 20;

export interface JudgedFile {
  /** In the shape read here; null: as it is. */
  readonly rewritten: Rewritten | null;
  readonly items: readonly UpgradeItem[];
}

interface Shaped {
  /** As it will be read. */
  readonly file: TextFile;
  readonly rewritten: Rewritten | null;
  readonly refused: readonly Refused[];
  /** Of the text as it was. */
  readonly problems: readonly Problem[];
  /** Paths that YAML 1.1 reads otherwise than it is read here. */
  readonly otherwise: readonly string[];
  /** Values of entries that were blank, as they are shown. */
  readonly blank: readonly string[];
}

/** @param isSure that it is of the earlier version: else it is left in its shape, for its author to be told */
function shaped(file: TextFile, section: string, nameKeys: readonly string[], isSure: boolean): Shaped {
  const now = readYaml(file);
  const asItIs = { file, rewritten: null, refused: [], problems: now.problems, otherwise: [], blank: [] };
  if (!isSure || now.value === null) return asItIs;
  const earlier = readEarlierYaml(file);
  const isRead = earlier.value !== null;
  const { value, problems } = isRead ? earlier : now;
  const otherwise = isRead ? differences(now.value, value) : [];
  const reshaped = reshape(value, section, nameKeys);
  const read = reshaped === null ? value : { [section]: Object.fromEntries(reshaped.entries) };
  const { whole, blank } = withoutBlank(read, section);
  if (reshaped === null && otherwise.length === 0 && blank.length === 0) return asItIs;
  const message = "It is too large once its aliases are written out.";
  if (sizeOf(whole) > MAX_FILE_BYTES)
    return { ...asItIs, problems: [...problems, { source: file.name, line: null, path: "", message, instead: "" }] };
  const rewritten = rewrite({ text: file.text, isEarlier: isRead, section, reshaped, whole });
  const { text } = rewritten;
  return { file: { ...file, text }, rewritten, refused: reshaped?.refused ?? [], problems, otherwise, blank };
}

/** A form that was not filled in leaves `""`; the earlier version took it for nothing. */
function withoutBlank(whole: unknown, section: string): { whole: unknown; blank: readonly string[] } {
  const entries = isMapping(whole) ? whole[section] : null;
  if (!isMapping(whole) || !isMapping(entries)) return { whole, blank: [] };
  const blank: string[] = [];
  const filled = ([key, entry]: [string, unknown]): [string, unknown] => {
    if (!isMapping(entry)) return [key, entry];
    const isBlank = ([, value]: [string, unknown]) => typeof value === "string" && value.trim() === "";
    const fields = Object.entries(entry);
    blank.push(...fields.filter(isBlank).map(([name]) => `${showKey(key)}.${showKey(name)}`));
    return [key, Object.fromEntries(fields.filter((field) => !isBlank(field)))];
  };
  return { whole: { ...whole, [section]: Object.fromEntries(Object.entries(entries).map(filled)) }, blank };
}

/** Characters, roughly: an alias may stand for a long text a thousand times. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  return Object.entries(value).reduce((sum, [key, item]) => sum + key.length + sizeOf(item), 0);
}

function judged(shape: Shaped, section: string, loaded: readonly Problem[], found: Found): JudgedFile {
  const { file, rewritten, refused, problems, otherwise, blank } = shape;
  const shown = `${otherwise.slice(0, MOST_SHOWN).join(", ")}${otherwise.length > MOST_SHOWN ? ", …" : ""}`;
  const { value, problems: again } = readYaml(file);
  const entries = isMapping(value) ? value[section] : null;
  // Loading tells first what reading has told.
  const own = loaded.filter(({ source }) => source === file.name).slice(again.length);
  const items = judgeEntries({
    source: file.name,
    section,
    entries: isMapping(entries) ? entries : {},
    ofText: problems,
    refused,
    problems: rewritten === null ? own : own.map((problem) => ({ ...problem, line: null })),
    found,
  });
  items.push(...blank.map((item) => ({ source: file.name, item, outcome: "kept", detail: BLANK }) as const));
  const told = `Written anew, as YAML 1.1 reads it (yes, no, on, off, <<, a key said twice): ${shown}.`;
  if (otherwise.length > 0) items.push({ source: file.name, item: "", outcome: "taken", detail: told });
  return { rewritten, items };
}

/** @param isSure as of `shaped` */
export function judgeModels(file: TextFile, shipped: TextFile, isSure: boolean): JudgedFile {
  const shape = shaped(file, "models", ["key", "id", "name"], isSure);
  const { models, hidden, problems } = loadCatalog({ shipped, overrides: shape.file });
  const keysOf = (list: readonly { readonly key: string }[] = []) => new Set(list.map(({ key }) => key));
  const [there, isHidden, wasHidden] = [
    keysOf(models.filter(({ origin }) => origin === "overrides")),
    keysOf(hidden),
    keysOf(loadCatalog({ shipped }).hidden),
  ];
  return judged(shape, "models", problems, {
    isThere: (key, refused) => there.has(key) || (isHidden.has(key) && !(refused && wasHidden.has(key))),
    // Anything else that is wrong with it, and the entry would not be there: somebody else has that name too.
    isUsed: (part) => part === "served_name",
    silentParts: () => [],
  });
}

/**
 * @param topology of the Sparks that the services may name
 * @param isSure   as of `shaped`
 */
export function judgeServices(file: TextFile, topology: TextFile | undefined, isSure: boolean): JudgedFile {
  const shape = shaped(file, "services", ["name", "key", "id"], isSure);
  const { services, problems } = loadTopology({ files: { services: shape.file, topology }, env: {} });
  const names = new Set(services.map(({ name }) => name));
  return judged(shape, "services", problems, {
    isThere: (key, refused) => !refused && names.has(key),
    // A Spark that is not there yet may come; the name stays in the file.
    isUsed: (part, entry) => part === "node" && refusalOf(ServiceFields.properties.node, entry.node) === null,
    silentParts: (entry) =>
      Object.entries(ServiceFields.properties).flatMap(([key, type]) => {
        const refusal = entry[key] === undefined || entry[key] === null ? null : refusalOf(type, entry[key]);
        return refusal === null ? [] : [{ item: showKey(key), why: `The value ${refusal.reason}.` }];
      }),
  });
}
