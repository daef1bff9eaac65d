/** Entries of an overrides file, whichever shape it has. Pure. */
import { isMapping } from "../config/field-types.ts";
import { showKey } from "../config/origin.ts";

export interface Refused {
  readonly item: string;
  readonly why: string;
}

/** Where an entry stands in the file. */
export interface Place {
  readonly path: readonly (string | number)[];
  /** Where an item of a list has its name; null: its name is its key. */
  readonly nameKey: string | null;
}

export interface Reshaped {
  readonly entries: ReadonlyMap<string, unknown>;
  /** Of each entry. */
  readonly places: ReadonlyMap<string, Place>;
  /** As the section is called there; null: it has none. */
  readonly sectionKey: string | null;
  /** What is no entry, and what there is no second place for. */
  readonly refused: readonly Refused[];
}

/**
 * Entries at the top, as a list with their name inside, or below a section whose name has capitals.
 * @param nameKeys where an item of a list may have its name, in this order
 * @returns null when the file has the shape that is read here, or nothing that could be an entry
 */
export function reshape(value: unknown, section: string, nameKeys: readonly string[]): Reshaped | null {
  if (Array.isArray(value)) {
    const collected = new Collected(nameKeys, null);
    collected.list(value, []);
    return collected;
  }
  if (!isMapping(value)) return null;
  const keys = Object.keys(value);
  const sectionKey = keys.find((key) => key === section) ?? keys.find((key) => key.toLowerCase() === section);
  const collected = new Collected(nameKeys, sectionKey ?? null);
  const others = keys.filter((key) => key !== sectionKey);
  const atTop = others.filter((key) => isMapping(value[key]));
  const inside = sectionKey === undefined ? null : value[sectionKey];
  if (atTop.length === 0 && (sectionKey === undefined || (sectionKey === section && !Array.isArray(inside))))
    return null;

  const within = String(sectionKey);
  if (Array.isArray(inside)) collected.list(inside, [within]);
  else if (isMapping(inside))
    for (const [name, entry] of Object.entries(inside)) collected.add(name, entry, [within, name]);
  else if (inside !== null) collected.refuse(within, "It has no entries in it.");
  for (const key of others) {
    // Without its section, a blank entry is one that takes a shipped model away.
    const isEntry = isMapping(value[key]) || (sectionKey === undefined && value[key] === null);
    if (isEntry) collected.add(key, value[key], [key]);
    else collected.refuse(showKey(key), "It is no entry, and nothing else that is known here.");
  }
  return collected;
}

class Collected implements Reshaped {
  readonly entries = new Map<string, unknown>();
  readonly places = new Map<string, Place>();
  readonly refused: Refused[] = [];

  constructor(
    private readonly nameKeys: readonly string[],
    readonly sectionKey: string | null,
  ) {}

  refuse(item: string, why: string): void {
    this.refused.push({ item, why });
  }

  add(name: string, entry: unknown, path: Place["path"], nameKey: string | null = null): void {
    if (this.entries.has(name)) {
      this.refuse(showKey(name), "It is there a second time; the first one is used.");
      return;
    }
    this.entries.set(name, entry);
    this.places.set(name, { path, nameKey });
  }

  /** @param path of the list */
  list(items: readonly unknown[], path: Place["path"]): void {
    for (const [index, item] of items.entries()) {
      const place = `entry ${index + 1} of the list`;
      if (!isMapping(item)) {
        this.refuse(place, "It is no mapping of names to values.");
        continue;
      }
      const nameKey = this.nameKeys.find((key) => isName(item[key]));
      if (nameKey === undefined) {
        this.refuse(place, `It has no name (${this.nameKeys.join(", ")}).`);
        continue;
      }
      const { [nameKey]: name, ...rest } = item;
      this.add(String(name).trim(), rest, [...path, index], nameKey);
    }
  }
}

const isName = (value: unknown): boolean =>
  (typeof value === "string" && value.trim() !== "") || Number.isInteger(value);
