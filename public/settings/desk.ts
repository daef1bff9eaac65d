/** What is configured, as the page knows it, and changing it one value at a time. Shared by the panels of the page. */
import type { ClusterSetting, SettingValue } from "../../lib/settings/cluster-settings.ts";
import type { EnvironmentSetting } from "../../lib/settings/process-settings.ts";
import type { ServiceSettings } from "../../lib/settings/service-settings.ts";
import type { ChangedSettings, SettingChanges, SettingsView } from "../../lib/settings/settings.ts";
import type { SlotSettings } from "../../lib/settings/slot-settings.ts";
import { Refused, sentenceOf } from "../api.ts";
import { FieldsRefused, send } from "../fields-refused.ts";
import { signal } from "../store.ts";

export type { ClusterSetting, EnvironmentSetting, ServiceSettings, SettingsView, SettingValue, SlotSettings };

/** Where a value is: a setting of the cluster, or a field of a slot or of a service. */
export interface Place {
  /** Null: of none. */
  readonly service: string | null;
  /** Null or left out: of none. */
  readonly slot?: string | null;
  readonly key: string;
}

/** What became of the last change, shown beside it. */
export type Outcome =
  | { readonly kind: "saved"; readonly place: Place; readonly undo: SettingChanges }
  | { readonly kind: "undone"; readonly place: Place }
  | { readonly kind: "refused"; readonly place: Place; readonly message: string; readonly isStale: boolean };

export const view = signal<SettingsView | null>(null);
export const unread = signal<string | null>(null);
export const outcome = signal<Outcome | null>(null);
/** Where a change is on its way. */
export const saving = signal<Place | null>(null);

export const placeId = ({ service, slot, key }: Place): string => `${slot ? `slot ${slot}` : (service ?? "")}/${key}`;

let asked = 0;
/** The number of the question whose answer is shown: an answer to one before it is older. */
let shown = 0;

/** @param isKept asked when the answer is there: whether what is shown stays, because somebody writes on it */
export async function load(isKept: () => boolean = () => false): Promise<void> {
  const question = ++asked;
  try {
    const read = (await (await send("GET", "/api/settings")).json()) as SettingsView;
    if (question > shown && (view.value === null || !isKept())) {
      shown = question;
      view.value = read;
    }
    unread.value = null;
  } catch (error) {
    unread.value = sentenceOf(error);
  }
}

/** What a change leads to knows more than any question that was asked before. */
function show(changed: ChangedSettings): void {
  shown = ++asked;
  view.value = changed;
}

/** @param value null: what the file says is taken out, and the default holds. @returns whether it was taken */
export async function save(place: Place, value: SettingValue | null): Promise<boolean> {
  const version = view.value?.version;
  const changed = await change(place, {
    values: { [place.key]: value },
    ...(version === undefined ? {} : { version }),
  });
  if (changed) outcome.value = { kind: "saved", place, undo: changed.undo };
  return changed !== null;
}

type Kind = "services" | "slots";

/** Under a new name. @throws Refused */
export async function add(kind: Kind, name: string, values: Readonly<Record<string, SettingValue>>): Promise<void> {
  await changeEntry("PATCH", kind, name, "", { values, version: view.value?.version });
}

/** @throws Refused */
export async function remove(kind: Kind, name: string): Promise<void> {
  const version = view.value?.version;
  await changeEntry("DELETE", kind, name, version === undefined ? "" : `?version=${version}`);
}

async function changeEntry(method: string, kind: Kind, name: string, query: string, body?: unknown): Promise<void> {
  outcome.value = null;
  try {
    const answer = await send(method, `/api/settings/${kind}/${encodeURIComponent(name)}${query}`, body);
    show((await answer.json()) as ChangedSettings);
  } catch (error) {
    // What it is about is said by the words: the dialog has no place beside each field.
    const named = error instanceof FieldsRefused ? [...error.fields] : [];
    const words = named.map(([at, why]) => `${at.split("/").at(-1) || "name"}: ${why}`);
    throw words.length > 0 ? new Refused(words.join(" "), 422) : error;
  }
}

const ALLOWED: Place = { service: null, key: "allowed_hosts" };

const hostsOf = (value: SettingValue | null | undefined): readonly string[] => (Array.isArray(value) ? value : []);
const hostSetting = () => view.value?.settings.find(({ key }) => key === ALLOWED.key);

/** By the file or the environment. Reads signals. */
export const allowedHosts = (): readonly string[] => hostsOf(hostSetting()?.value);

/** Adds a name to those under which the dashboard may be opened. @returns whether it was taken */
export async function allowName(name: string): Promise<boolean> {
  // The list is changed as a whole, so it has to be known as it is now.
  await load();
  return save(ALLOWED, [...hostsOf(hostSetting()?.file_value), name]);
}

/** Takes the last change back. */
export async function undo(): Promise<boolean> {
  const last = outcome.value;
  if (last?.kind !== "saved") return false;
  const changed = await change(last.place, last.undo);
  if (changed) outcome.value = { kind: "undone", place: last.place };
  return changed !== null;
}

/** Somebody else changed something: it is read again, what was typed stays. */
export async function lookAgain(): Promise<void> {
  await load();
  if (unread.value === null) outcome.value = null;
}

async function change(place: Place, changes: SettingChanges): Promise<ChangedSettings | null> {
  const path = place.slot
    ? `/api/settings/slots/${encodeURIComponent(place.slot)}`
    : place.service === null
      ? "/api/settings"
      : `/api/settings/services/${encodeURIComponent(place.service)}`;
  saving.value = place;
  outcome.value = null;
  try {
    const changed = (await (await send("PATCH", path, changes)).json()) as ChangedSettings;
    show(changed);
    return changed;
  } catch (error) {
    const named = error instanceof FieldsRefused ? [...error.fields.values()] : [];
    outcome.value = {
      kind: "refused",
      place,
      message: named.length > 0 ? named.join(" ") : sentenceOf(error),
      isStale: error instanceof FieldsRefused && error.code === "changed_meanwhile",
    };
    return null;
  } finally {
    saving.value = null;
  }
}
