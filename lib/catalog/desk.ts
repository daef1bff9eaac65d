/**
 * Changing the catalog: entries of models-overrides.yaml are added, altered and removed one at a time. The file as it would
 * be is read as a start would read it; only then is it written, atomically, with its comments and the order of its keys.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ModelFields } from "../config/catalog-schema.ts";
import { type Changes, editMapping } from "../config/edit-mapping.ts";
import { isMapping, refusalOf } from "../config/field-types.ts";
import type { Problem } from "../config/problem.ts";
import { readConfigFile } from "../config/read-file.ts";
import { invalidName } from "../config/values.ts";
import { writeConfigFile } from "../config/write-file.ts";
import { readYaml, type TextFile } from "../config/yaml-document.ts";
import { Fault } from "../fault.ts";
import type { Catalog } from "./catalog.ts";
import type { EntryFields, ModelChanges, ModelEntry, NewModel } from "./entry-schema.ts";
import { FIELD_NAMES } from "./entry-schema.ts";
import { loadCatalog } from "./load-catalog.ts";

const OVERRIDES = "models-overrides.yaml";

export interface CatalogDeskOptions {
  readonly dataDir: string;
  readonly shippedPath: string;
  /** Takes up what was written. */
  reload(): void;
}

export interface CatalogDesk {
  /** Of models-overrides.yaml. */
  version(): string;
  /** @throws Fault 404 */
  entry(key: string): ModelEntry;
  /** @throws Fault 409 the key is taken, other version, file unusable; 422 malformed; 503 not writable */
  add(model: NewModel): ModelEntry;
  /** @throws Fault as `add`; 404 */
  change(key: string, changes: ModelChanges): ModelEntry;
  /** Out of the menu: a model of one's own is forgotten, a shipped one hidden. @throws Fault as `change` */
  remove(key: string, version?: string): { readonly removed: string; readonly version: string };
  /** Back into the menu. @throws Fault as `change` */
  restore(key: string, version?: string): ModelEntry;
}

export function createCatalogDesk({ dataDir, shippedPath, reload }: CatalogDeskOptions): CatalogDesk {
  const shipped: TextFile = { name: "models.yaml", text: readFileSync(shippedPath, "utf8") };
  const read = (): string => {
    const { file, problem } = readConfigFile(join(dataDir, OVERRIDES));
    if (problem !== null)
      throw new Fault("conflict", "file_unusable", `${OVERRIDES} cannot be read. ${problem.message}`);
    return file?.text ?? "";
  };
  const load = (text: string): Catalog => loadCatalog({ shipped, overrides: { name: OVERRIDES, text } });
  const textAt = (version: string | undefined): string => {
    const text = read();
    if (version !== undefined && version !== versionOf(text))
      throw new Fault(
        "conflict",
        "changed_meanwhile",
        `${OVERRIDES} was changed elsewhere since it was read here. Look at it again, then repeat your change.`,
        { version: versionOf(text) },
      );
    return text;
  };
  const entryIn = (text: string, key: string): ModelEntry => {
    const [below, own] = [itemOf(shipped, key), itemOf({ name: OVERRIDES, text }, key)];
    if (below === undefined && own === undefined) throw unknown(key);
    const { models, problems } = load(text);
    return {
      key,
      version: versionOf(text),
      shipped: fieldsOf(below),
      own: fieldsOf(own),
      hidden: own === null || (!models.some((model) => model.key === key) && isMapping(own) && own.hidden === true),
      problems: problems.filter((each) => isAbout(each, key)).map(({ message }) => message),
    };
  };
  /** All or nothing: a problem that was not there before is a refusal. */
  const write = (before: string, after: string): void => {
    refuseFresh(load(before).problems, load(after).problems);
    if (after === before) return;
    writeConfigFile(join(dataDir, OVERRIDES), after);
    reload();
  };
  const edit = (text: string, key: string, values: Changes): string => {
    for (const [name, value] of Object.entries(values)) {
      const type = ModelFields.properties[name as keyof typeof ModelFields.properties];
      const refusal = value === null ? null : refusalOf(type, value);
      if (refusal !== null)
        throw malformed([name, ...refusal.path].join("/"), `The value of ${name} ${refusal.reason}.`);
    }
    return editMapping(OVERRIDES, text, ["models", key], values);
  };

  return {
    version: () => versionOf(read()),
    entry: (key) => entryIn(read(), key),
    add({ key, version, ...fields }) {
      const text = textAt(version);
      const refusal = invalidName(key);
      if (refusal !== null) throw malformed("key", `The key ${refusal}.`);
      if (itemOf(shipped, key) !== undefined || itemOf({ name: OVERRIDES, text }, key) !== undefined)
        throw new Fault(
          "conflict",
          "model_exists",
          `There is a model "${key}" already. Change that one, or choose another key.`,
        );
      const after = edit(text, key, fields);
      write(text, after);
      return entryIn(after, key);
    },
    change(key, { values, version }) {
      const text = textAt(version);
      entryIn(text, key);
      const after = edit(text, key, values as Changes);
      write(text, after);
      return entryIn(after, key);
    },
    remove(key, version) {
      const text = textAt(version);
      entryIn(text, key);
      const isOwn = itemOf(shipped, key) === undefined;
      const after = isOwn
        ? editMapping(OVERRIDES, text, ["models"], { [key]: null })
        : editMapping(OVERRIDES, text, ["models", key], { hidden: true });
      write(text, after);
      return { removed: key, version: versionOf(after) };
    },
    restore(key, version) {
      const text = textAt(version);
      entryIn(text, key);
      const own = itemOf({ name: OVERRIDES, text }, key);
      const after =
        own === null
          ? editMapping(OVERRIDES, text, ["models"], { [key]: null })
          : editMapping(OVERRIDES, text, ["models", key], { hidden: null });
      write(text, after);
      return entryIn(after, key);
    },
  };
}

/** Undefined: the file does not speak of it. Null: it removes it. */
function itemOf(file: TextFile, key: string): unknown {
  const { value } = readYaml(file);
  const models = isMapping(value) ? value.models : undefined;
  return isMapping(models) && Object.hasOwn(models, key) ? models[key] : undefined;
}

/** Only what is of the right kind is shown: the rest is among the problems. */
function fieldsOf(item: unknown): EntryFields | null {
  if (!isMapping(item)) return null;
  const { properties } = ModelFields;
  const fits = FIELD_NAMES.filter((name) => item[name] != null && refusalOf(properties[name], item[name]) === null);
  return Object.fromEntries(fits.map((name) => [name, item[name]])) as EntryFields;
}

const isAbout = ({ source, path }: Problem, key: string): boolean =>
  source === OVERRIDES && (path === `models.${key}` || path.startsWith(`models.${key}.`));

const versionOf = (text: string): string => new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 16);

const unknown = (key: string): Fault =>
  new Fault("not_found", "unknown_model", `There is no model "${key.slice(0, 64)}" in the catalog.`);

const malformed = (path: string, message: string): Fault =>
  new Fault("invalid", "malformed_model", message, { errors: [{ path: `/${path}`, in: "body", message }] });

/** What a field is alone may be fine and the whole not: both repo and local_path, an alias that is taken. */
function refuseFresh(before: readonly Problem[], after: readonly Problem[]): void {
  const known = new Set(before.map(({ source, path, message }) => `${source} ${path} ${message}`));
  const fresh = after.filter(({ source, path, message }) => !known.has(`${source} ${path} ${message}`));
  const [first] = fresh;
  if (!first) return;
  const errors = fresh.map(({ path, message }) => ({
    path: `/${path.split(".").slice(2).join("/")}`,
    in: "body",
    message,
  }));
  throw new Fault("invalid", "malformed_model", first.message, { errors });
}
