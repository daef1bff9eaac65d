import { isDeepStrictEqual } from "node:util";
import type { Catalog } from "./catalog.ts";

/** Keys of the models that were added, removed or changed. Order and problems do not count. */
export function diffCatalog(before: Catalog, after: Catalog): readonly string[] {
  const [old, now] = [before, after].map(({ models }) => new Map(models.map((model) => [model.key, model])));
  const keys = new Set([...before.models, ...after.models].map((model) => model.key));
  return [...keys].filter((key) => !isDeepStrictEqual(old?.get(key), now?.get(key)));
}
