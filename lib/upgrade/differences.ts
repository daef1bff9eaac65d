/** Where two readings of one text differ. Pure. */
import { isMapping } from "../config/field-types.ts";
import { showPath } from "../config/origin.ts";

/** @returns paths as they are shown to people, the deepest that tell */
export function differences(one: unknown, other: unknown): string[] {
  const found: string[] = [];
  compare(one, other, [], found);
  return found;
}

function compare(one: unknown, other: unknown, path: readonly (string | number)[], found: string[]): void {
  if (isMapping(one) && isMapping(other))
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)]))
      compare(own(one, key), own(other, key), [...path, key], found);
  else if (Array.isArray(one) && Array.isArray(other) && one.length === other.length)
    for (const [index, item] of one.entries()) compare(item, other[index], [...path, index], found);
  else if (!Bun.deepEquals(one, other)) found.push(showPath(path));
}

const own = (mapping: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(mapping, key) ? mapping[key] : undefined;
