/** One line of the report for each entry of a file, and one for each value of it that is not there afterwards. Pure. */
import { isMapping } from "../config/field-types.ts";
import { showKey } from "../config/origin.ts";
import type { Problem } from "../config/problem.ts";
import type { Refused } from "./entries.ts";
import { ItemLog, type UpgradeItem } from "./report.ts";

/** What is known of entries once their file has been loaded. */
export interface Found {
  /** @param refused there is a problem with the entry as a whole */
  isThere(key: string, refused: boolean): boolean;
  /** Whether a value of an entry is there in spite of a problem with it. */
  isUsed(part: string, entry: Readonly<Record<string, unknown>>): boolean;
  /** Values that cannot be used, though nobody has asked for them yet. */
  silentParts(entry: Readonly<Record<string, unknown>>): readonly Refused[];
}

export interface Judgement {
  readonly source: string;
  readonly section: string;
  /** By key, as they are read. */
  readonly entries: Readonly<Record<string, unknown>>;
  /** Of reading the text: each is something that is not there. */
  readonly ofText: readonly Problem[];
  /** Of bringing it into shape. */
  readonly refused: readonly Refused[];
  /** Of loading. */
  readonly problems: readonly Problem[];
  readonly found: Found;
}

export function judgeEntries({ source, section, entries, ofText, refused, problems, found }: Judgement): UpgradeItem[] {
  const log = new ItemLog();
  const { owned, rest } = assign(problems, section, Object.keys(entries));
  for (const [key, own] of owned) {
    const prefix = `${section}.${showKey(key)}`;
    const ofEntry = own.filter(({ path }) => path === prefix);
    const ofParts = own
      .filter(({ path }) => path !== prefix)
      .map((problem) => ({ part: problem.path.slice(prefix.length + 1).split(".")[0] ?? "", problem }));
    const entry = entries[key];
    const isUsed = (part: string) => isMapping(entry) && found.isUsed(part, entry);
    const given = isMapping(entry) ? Object.keys(entry).filter((name) => entry[name] !== null) : [];
    const silent = isMapping(entry) ? found.silentParts(entry) : [];
    const lost = new Set([...ofParts.map(({ part }) => part), ...silent.map(({ item }) => item)]);
    const isLeft = given.length === 0 || given.some((name) => !lost.has(showKey(name)) || isUsed(showKey(name)));
    if (!isLeft || !found.isThere(key, ofEntry.length > 0)) {
      const why = own.map(text).join(" ") || silent.map(({ item, why }) => `${item}: ${why}`).join(" ");
      log.add(source, showKey(key), "not_taken", why || "It says nothing that is known here.");
      continue;
    }
    const used = ofParts.filter(({ part }) => isUsed(part)).map(({ problem }) => text(problem));
    log.add(source, showKey(key), "taken", used.join(" ") || null);
    for (const { part, problem } of ofParts)
      if (!isUsed(part)) log.add(source, `${showKey(key)}.${part}`, "not_taken", text(problem));
    for (const { item, why } of silent)
      if (!ofParts.some(({ part }) => part === item)) log.add(source, `${showKey(key)}.${item}`, "not_taken", why);
  }
  for (const problem of [...ofText, ...rest]) log.add(source, nameOf(problem, section), "not_taken", text(problem));
  for (const { item, why } of refused) log.add(source, item, "not_taken", why);
  return log.items;
}

/** Problems by the key of the entry that they are of. A key may have dots in it: the longest one that fits. */
function assign(problems: readonly Problem[], section: string, keys: readonly string[]) {
  const owned = new Map(keys.map((key): [string, Problem[]] => [key, []]));
  const byShown = new Map([...owned].map(([key, list]) => [showKey(key), list]));
  const rest: Problem[] = [];
  for (const problem of problems) {
    const [first, ...parts] = problem.path.split(".");
    let owner: Problem[] | undefined;
    for (let length = parts.length; first === section && length > 0 && !owner; length -= 1)
      owner = byShown.get(parts.slice(0, length).join("."));
    (owner ?? rest).push(problem);
  }
  return { owned, rest };
}

const nameOf = ({ path }: Problem, section: string): string =>
  path.startsWith(`${section}.`) ? path.slice(section.length + 1) : path;

const text = ({ line, path, message, instead }: Problem): string =>
  [line === null ? "" : `Line ${line}:`, path && `${path}:`, message, instead].filter((part) => part !== "").join(" ");
