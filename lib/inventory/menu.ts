/** The menu: the models of the catalog, then those that lie on a disk besides. Pure. */
import type { Catalog, Model } from "../catalog/catalog.ts";
import { type Found, inferModel } from "./infer-model.ts";

export interface Menu {
  readonly models: readonly Model[];
  /** Why a model cannot be loaded as it is, by key; only found ones. */
  readonly needsSetup: ReadonlyMap<string, string>;
  /** The same without those, for whoever loads. */
  readonly loadable: Catalog;
}

/** A repository that somebody took out of the menu stays out. @param sparks how many there are */
export function menuOf(catalog: Catalog, found: readonly Found[], sparks: number): Menu {
  const known = new Set([
    ...catalog.models.flatMap(({ source }) => (source.kind === "repo" ? [source.repo] : [])),
    ...(catalog.removedRepos ?? []),
  ]);
  const taken = new Set(catalog.models.map(({ key }) => key));
  const needsSetup = new Map<string, string>();
  const added: Model[] = [];
  for (const one of found.filter(({ repo }) => !known.has(repo)).sort((a, b) => (a.repo < b.repo ? -1 : 1))) {
    const { model, needsSetup: why } = inferModel(one, taken, sparks);
    taken.add(model.key);
    added.push(model);
    if (why !== null) needsSetup.set(model.key, why);
  }
  const models = [...catalog.models, ...added];
  const loadable =
    added.length === 0 ? catalog : { ...catalog, models: models.filter(({ key }) => !needsSetup.has(key)) };
  return { models, needsSetup, loadable };
}

/** One entry a repository: the Spark on which most of it is tells what it is. */
export function merged(hubs: readonly (readonly Found[])[]): Found[] {
  const best = new Map<string, Found>();
  for (const one of hubs.flat()) {
    const other = best.get(one.repo);
    const isBetter =
      !other || (other.config === null && one.config !== null) || (one.config !== null && one.bytes > other.bytes);
    if (isBetter) best.set(one.repo, one);
  }
  return [...best.values()];
}
