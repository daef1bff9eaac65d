/**
 * `app_settings.json` of the earlier version: a JSON object keyed by the names of the environment variables, with whatever a
 * form left in it. Pure: each value is judged by the type of the field it becomes.
 */
import type { TSchema } from "@sinclair/typebox";
import { isMapping, refusalOf } from "../config/field-types.ts";
import { showKey } from "../config/origin.ts";
import { ServiceFields } from "../config/services-schema.ts";
import { DEFAULT_SERVICES } from "../topology/default-services.ts";
import { repeatedKeys } from "./json-keys.ts";
import { ItemLog, type UpgradeItem } from "./report.ts";
import { OF_THE_PROCESS, type Target, VARIABLES } from "./variables.ts";

export const APP_SETTINGS = "app_settings.json";

export interface Wanted {
  readonly name: string;
  readonly target: Target;
  readonly type: TSchema;
  readonly value: string | number | boolean | readonly string[];
}

export interface AppSettings {
  readonly wanted: readonly Wanted[];
  readonly webhook: { readonly url: string; readonly secret: string | null } | null;
  /** Where the earlier version had its key, if that was said. */
  readonly keyPath: string | null;
  /** What cannot be taken, and what was blank. */
  readonly items: readonly UpgradeItem[];
}

/** A field of a form that nobody has filled in. */
export const BLANK = "It was blank; the default holds.";

const OF_THE_WEBHOOK = ["WEBHOOK_URL", "WEBHOOK_SECRET"];
const KEY_PATH = "SSH_KEY_PATH";
const HIDDEN = "DISABLED_SERVICES";

/** Never throws. @param services further names that may be hidden */
export function readAppSettings(text: string, services: readonly string[] = []): AppSettings {
  const log = new ItemLog();
  const settings = parsed(text);
  if (settings === null) {
    log.add(APP_SETTINGS, "", "not_taken", "It is damaged: this is not a JSON object.");
    return { wanted: [], webhook: null, keyPath: null, items: log.items };
  }
  const wanted: Wanted[] = [];
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(settings)) {
    const said = textOf(value);
    if (said === null) log.add(APP_SETTINGS, showKey(name), "not_taken", "The value is neither text nor a number.");
    else if (said === "") log.add(APP_SETTINGS, showKey(name), "kept", BLANK);
    else texts.set(name, said);
  }
  for (const name of repeatedKeys(text))
    log.add(APP_SETTINGS, showKey(name), "not_taken", "It is there more than once; the last one counts.");
  for (const [name, said] of texts) {
    if (OF_THE_WEBHOOK.includes(name) || name === KEY_PATH) continue;
    if (name === HIDDEN) wanted.push(...hiddenServices(said, services, log));
    else wanted.push(...settingOf(name, said, log));
  }
  const url = texts.get("WEBHOOK_URL");
  const secret = texts.get("WEBHOOK_SECRET") ?? null;
  if (url === undefined && secret !== null)
    log.add(APP_SETTINGS, "WEBHOOK_SECRET", "not_taken", "There is no WEBHOOK_URL that it belongs to.");
  return {
    wanted,
    webhook: url === undefined ? null : { url, secret },
    keyPath: texts.get(KEY_PATH) ?? null,
    items: log.items,
  };
}

function settingOf(name: string, said: string, log: ItemLog): Wanted[] {
  const variable = VARIABLES.get(name);
  if (variable === undefined) {
    log.add(APP_SETTINGS, showKey(name), "not_taken", unknownName(name));
    return [];
  }
  const { target, type, kind } = variable;
  if (kind !== "list") {
    const value = kind === "number" && /^\d+$/.test(said) ? Number(said) : said;
    const refusal = refusalOf(type, value);
    if (refusal === null) return [{ name, target, type, value }];
    log.add(APP_SETTINGS, name, "not_taken", `The value ${refusal.reason}.`);
    return [];
  }
  const listed = listOf(said);
  if (listed.length === 0) log.add(APP_SETTINGS, name, "kept", BLANK);
  const items = listed.filter((item) => {
    const refusal = refusalOf(type, [item]);
    if (refusal !== null) log.add(APP_SETTINGS, name, "not_taken", `One of its items ${refusal.reason}.`);
    return refusal === null;
  });
  if (items.length === 0) return [];
  const refusal = refusalOf(type, items);
  if (refusal === null) return [{ name, target, type, value: items }];
  log.add(APP_SETTINGS, name, "not_taken", `The value ${refusal.reason}.`);
  return [];
}

function unknownName(name: string): string {
  if (OF_THE_PROCESS.has(name)) return "It belongs to the process, not to its data: set it as an environment variable.";
  const meant = name.trim().toUpperCase();
  const isKnown = VARIABLES.has(meant) || [...OF_THE_WEBHOOK, KEY_PATH, HIDDEN].includes(meant);
  return isKnown ? `The name is ${meant}, written exactly so.` : "There is no such setting any more.";
}

function hiddenServices(said: string, services: readonly string[], log: ItemLog): Wanted[] {
  const items = listOf(said);
  if (items.length === 0) log.add(APP_SETTINGS, HIDDEN, "kept", BLANK);
  const names = new Set<string>();
  for (const item of items) {
    const word = item.toLowerCase();
    const usual = DEFAULT_SERVICES.find((one) => one.name === word || one.prefix.toLowerCase() === word);
    const service = usual?.name ?? services.find((name) => name === word);
    if (service === undefined)
      log.add(APP_SETTINGS, HIDDEN, "not_taken", `There is no service "${showKey(item)}" to hide.`);
    else names.add(service);
  }
  const type = ServiceFields.properties.disabled;
  return [...names].map((service) => ({
    name: HIDDEN,
    target: { file: "services-overrides.yaml", service, key: "disabled" },
    type,
    value: true,
  }));
}

const listOf = (said: string): string[] =>
  said
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

function textOf(value: unknown): string | null {
  if (value === null) return "";
  if (typeof value === "string") return value.trim();
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isList ? value.join(",") : null;
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isMapping(value) ? value : null;
  } catch {
    return null;
  }
}
