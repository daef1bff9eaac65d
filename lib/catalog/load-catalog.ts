/** Which models there are, from the shipped catalog and the overrides laid over it. Pure: reads no file. */
import { CatalogFile, ModelFields } from "../config/catalog-schema.ts";
import { isMapping } from "../config/field-types.ts";
import { type Fields, fieldsAt, ProblemLog, sectionsOf } from "../config/fields.ts";
import { showKey } from "../config/origin.ts";
import { invalidName } from "../config/values.ts";
import { readYaml, type TextFile, type YamlDocument } from "../config/yaml-document.ts";
import type { Catalog, Model } from "./catalog.ts";
import { checkFields, modelOf } from "./model-entry.ts";
import { withoutCollisions } from "./model-names.ts";

export interface CatalogSources {
  readonly shipped: TextFile;
  readonly overrides?: TextFile | undefined;
}

interface Entry {
  /** Null: removed from the menu. */
  readonly model: Model | null;
  readonly fields: Fields;
}

const SKIPPED = "The entry is skipped.";
const SHIPPED_STAYS = "The entry is skipped; the shipped one stays as it is.";

/**
 * Never throws. A bad entry is skipped and reported, the others are served; where an override is bad, the shipped entry
 * stays. An override replaces the fields it gives, a blank field (or null) goes back to the default, and giving one of
 * repo and local_path replaces the other.
 */
export function loadCatalog({ shipped, overrides }: CatalogSources): Catalog {
  const log = new ProblemLog();
  const entries = new Map<string, Entry>();
  for (const [key, item, document] of itemsOf(shipped, log)) {
    const entry = shippedEntry(key, item, document, log);
    if (entry !== null) entries.set(key, entry);
  }
  for (const [key, item, document] of overrides === undefined ? [] : itemsOf(overrides, log)) {
    const entry = overriddenEntry(key, item, entries.get(key), document, log);
    if (entry !== null) entries.set(key, entry);
  }
  const models = [...entries.values()].flatMap(({ model, fields }) =>
    model === null
      ? []
      : [{ model, names: { aliases: fields.get("aliases"), served_name: fields.get("served_name") } }],
  );
  const removedRepos = [...entries.values()].flatMap(({ model, fields }) => {
    const repo = model === null ? fields.get("repo")?.value : undefined;
    return typeof repo === "string" ? [repo] : [];
  });
  const hidden = [...entries].flatMap(([key, { model, fields }]) => {
    const name = fields.get("name")?.value;
    return model === null ? [{ key, name: typeof name === "string" ? name : key }] : [];
  });
  return { models: withoutCollisions(models, log), removedRepos, hidden, problems: log.problems };
}

/** Entries under `models` whose key is usable, the values still unread. */
function itemsOf(file: TextFile, log: ProblemLog): [string, unknown, YamlDocument][] {
  const document = readYaml(file);
  const field = sectionsOf(document, CatalogFile, log).get("models");
  if (field === undefined) return [];
  if (!isMapping(field.value)) {
    log.add(field.at(), "This must be a mapping of models by key.", "No model of this file is used.");
    return [];
  }
  return Object.entries(field.value).flatMap(([key, item]): [string, unknown, YamlDocument][] => {
    const refusal = invalidName(key);
    if (refusal === null) return [[key, item, document]];
    log.add(document.origin(["models", key]), `The key "${showKey(key)}" ${refusal}.`, SKIPPED);
    return [];
  });
}

function shippedEntry(key: string, item: unknown, document: YamlDocument, log: ProblemLog): Entry | null {
  const path = ["models", key];
  const fields = fieldsAt(document, path, item, ModelFields, log, { instead: SKIPPED });
  if (fields === null || !checkFields(fields, log, SKIPPED)) return null;
  const model = modelOf(key, fields, document.origin(path), "shipped", log, SKIPPED);
  return model && { model: isHidden(fields) ? null : model, fields };
}

function overriddenEntry(
  key: string,
  item: unknown,
  below: Entry | undefined,
  document: YamlDocument,
  log: ProblemLog,
): Entry | null {
  const path = ["models", key];
  if (item === null) {
    if (below !== undefined) return { ...below, model: null };
    log.add(document.origin(path), `There is no shipped model "${key}" to remove.`, "The entry is ignored.");
    return null;
  }
  const instead = below === undefined ? SKIPPED : SHIPPED_STAYS;
  const own = fieldsAt(document, path, item, ModelFields, log, { instead, keepBlank: true });
  if (own === null || !checkFields(own, log, instead)) return null;
  const fields = overlay(below?.fields ?? new Map(), own);
  // Removing a model must work whatever else is wrong with it.
  if (isHidden(fields)) return { model: null, fields };
  const model = modelOf(key, fields, document.origin(path), "overrides", log, instead);
  return model && { model, fields };
}

function overlay(below: Fields, own: Fields): Fields {
  const fields = new Map(below);
  const gives = (name: string): boolean => own.has(name) && own.get(name)?.value !== null;
  if (gives("local_path")) fields.delete("repo");
  if (gives("repo")) fields.delete("local_path");
  for (const [key, field] of own) {
    if (field.value === null) fields.delete(key);
    else fields.set(key, field);
  }
  return fields;
}

const isHidden = (fields: Fields): boolean => fields.get("hidden")?.value === true;
