/** models-overrides.yaml and services-overrides.yaml of the earlier version: brought to the shape read here, and judged by it. Pure. */
import { stringify } from "yaml";
import { loadCatalog } from "../catalog/load-catalog.ts";
import { isMapping } from "../config/field-types.ts";
import type { Problem } from "../config/problem.ts";
import { readYaml, type TextFile } from "../config/yaml-document.ts";
import { loadTopology } from "../topology/load-topology.ts";
import { ItemLog, type UpgradeItem } from "./report.ts";

export interface JudgedFile {
  /** The text in the shape read here; null: as it is. */
  readonly rewritten: string | null;
  readonly items: readonly UpgradeItem[];
}

/** Entries at the top, or as a list with their key inside, come below the name of the section. */
function reshaped(file: TextFile, section: string, nameKeys: readonly string[]): string | null {
  const { value } = readYaml(file);
  const listed = Array.isArray(value)
    ? value
    : isMapping(value) && Array.isArray(value[section])
      ? value[section]
      : null;
  if (Array.isArray(listed)) {
    const entries = listed.flatMap((item: unknown): [string, unknown][] => {
      if (!isMapping(item)) return [];
      const nameKey = nameKeys.find((key) => typeof item[key] === "string");
      if (nameKey === undefined) return [];
      const { [nameKey]: name, ...rest } = item;
      return [[String(name), rest]];
    });
    return entries.length > 0 ? stringify({ [section]: Object.fromEntries(entries) }) : null;
  }
  if (!isMapping(value) || section in value) return null;
  const isOfEntries = Object.values(value).every((item) => item === null || isMapping(item));
  return isOfEntries && Object.keys(value).length > 0 ? stringify({ [section]: value }) : null;
}

function keysOf(file: TextFile, section: string): string[] {
  const { value } = readYaml(file);
  const entries = isMapping(value) ? value[section] : null;
  return isMapping(entries) ? Object.keys(entries) : [];
}

/** @param isTaken by the key of an entry */
function judged(
  file: TextFile,
  section: string,
  rewritten: string | null,
  problems: readonly Problem[],
  isTaken: (key: string) => boolean,
): JudgedFile {
  const log = new ItemLog();
  const ofFile = problems.filter(({ source }) => source === file.name);
  const text = ({ line, message, instead, path }: Problem) =>
    `${line === null || rewritten !== null ? "" : `Line ${line}: `}${path ? `${path}: ` : ""}${message} ${instead}`;
  const keys = keysOf(rewritten === null ? file : { ...file, text: rewritten }, section);
  const isOf = (key: string, path: string) => path === `${section}.${key}` || path.startsWith(`${section}.${key}.`);
  for (const key of keys) {
    const own = ofFile.filter(({ path }) => isOf(key, path));
    if (isTaken(key)) log.add(file.name, key, "taken", own.length > 0 ? own.map(text).join(" ") : null);
    else log.add(file.name, key, "not_taken", own.map(text).join(" ") || "It says nothing that is known here.");
  }
  for (const problem of ofFile)
    if (!keys.some((key) => isOf(key, problem.path))) log.add(file.name, "", "not_taken", text(problem));
  return { rewritten, items: log.items };
}

/** @param isSure that it is of the earlier version: else it is left in its shape, for its author to be told */
export function judgeModels(file: TextFile, shipped: TextFile, isSure: boolean): JudgedFile {
  const rewritten = isSure ? reshaped(file, "models", ["key", "id", "name"]) : null;
  const overrides = rewritten === null ? file : { ...file, text: rewritten };
  const { models, problems } = loadCatalog({ shipped, overrides });
  const before = new Set(loadCatalog({ shipped }).models.map(({ key }) => key));
  const isRemoved = (key: string) => before.has(key) && !models.some((model) => model.key === key);
  const isTaken = (key: string) =>
    isRemoved(key) || models.some((model) => model.key === key && model.origin === "overrides");
  return judged(file, "models", rewritten, problems, isTaken);
}

/**
 * @param topology of the Sparks that the services may name
 * @param isSure   as of `judgeModels`
 */
export function judgeServices(file: TextFile, topology: TextFile | undefined, isSure: boolean): JudgedFile {
  const rewritten = isSure ? reshaped(file, "services", ["name", "key", "id"]) : null;
  const services = rewritten === null ? file : { ...file, text: rewritten };
  const loaded = loadTopology({ files: { services, topology }, env: {} });
  return judged(file, "services", rewritten, loaded.problems, (key) =>
    loaded.services.some((service) => service.name === key),
  );
}
