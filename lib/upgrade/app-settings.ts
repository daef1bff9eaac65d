/**
 * `app_settings.json` of the earlier version: a JSON object keyed by the names of the environment variables, with whatever a
 * form left in it. Pure: each value is judged by the type of the field it becomes.
 */
import { isMapping, refusalOf } from "../config/field-types.ts";
import { showKey } from "../config/origin.ts";
import { DEFAULT_SERVICES } from "../topology/default-services.ts";
import { ItemLog, type UpgradeItem } from "./report.ts";
import { OF_THE_PROCESS, type Target, VARIABLES } from "./variables.ts";

export const APP_SETTINGS = "app_settings.json";

export interface Wanted {
  readonly name: string;
  readonly target: Target;
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

const BLANK = "It was blank; the default holds.";

/** Never throws. */
export function readAppSettings(text: string): AppSettings {
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
  for (const [name, said] of texts) {
    if (["WEBHOOK_URL", "WEBHOOK_SECRET", "SSH_KEY_PATH"].includes(name)) continue;
    if (name === "DISABLED_SERVICES") wanted.push(...hiddenServices(said, log));
    else wanted.push(...settingOf(name, said, log));
  }
  const url = texts.get("WEBHOOK_URL");
  const secret = texts.get("WEBHOOK_SECRET") ?? null;
  if (url === undefined && secret !== null)
    log.add(APP_SETTINGS, "WEBHOOK_SECRET", "not_taken", "There is no WEBHOOK_URL that it belongs to.");
  return {
    wanted,
    webhook: url === undefined ? null : { url, secret },
    keyPath: texts.get("SSH_KEY_PATH") ?? null,
    items: log.items,
  };
}

function settingOf(name: string, said: string, log: ItemLog): Wanted[] {
  const variable = VARIABLES.get(name);
  if (variable === undefined) {
    const why = OF_THE_PROCESS.has(name)
      ? "It belongs to the process, not to its data: set it as an environment variable."
      : "There is no such setting any more.";
    log.add(APP_SETTINGS, showKey(name), "not_taken", why);
    return [];
  }
  const { target, type, kind } = variable;
  if (kind !== "list") {
    const value = kind === "number" && /^\d+$/.test(said) ? Number(said) : said;
    const refusal = refusalOf(type, value);
    if (refusal === null) return [{ name, target, value }];
    log.add(APP_SETTINGS, name, "not_taken", `The value ${refusal.reason}.`);
    return [];
  }
  const items = listOf(said).filter((item) => {
    const refusal = refusalOf(type, [item]);
    if (refusal !== null) log.add(APP_SETTINGS, name, "not_taken", `One of its items ${refusal.reason}.`);
    return refusal === null;
  });
  return items.length > 0 ? [{ name, target, value: items }] : [];
}

function hiddenServices(said: string, log: ItemLog): Wanted[] {
  const name = "DISABLED_SERVICES";
  return listOf(said).flatMap((item) => {
    const service = DEFAULT_SERVICES.find((one) => one.name === item || one.prefix.toLowerCase() === item);
    if (service)
      return [
        { name, target: { file: "services-overrides.yaml", service: service.name, key: "disabled" }, value: true },
      ];
    log.add(APP_SETTINGS, name, "not_taken", `There is no service "${showKey(item)}" to hide.`);
    return [];
  });
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
