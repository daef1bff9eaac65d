/** Looking at what is configured and changing it: validated as a whole first, written atomically, taken up at once. */
import { join } from "node:path";
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { editEntry, type NamedList } from "../config/edit-list.ts";
import { type Changes, editMapping } from "../config/edit-mapping.ts";
import { refusalOf } from "../config/field-types.ts";
import type { Environment } from "../config/fields.ts";
import type { Problem } from "../config/problem.ts";
import { readConfigFile } from "../config/read-file.ts";
import { invalidName } from "../config/values.ts";
import { writeConfigFile } from "../config/write-file.ts";
import type { TextFile } from "../config/yaml-document.ts";
import { Fault } from "../fault.ts";
import { impliedName, MAIN } from "../topology/load-slots.ts";
import { loadTopology } from "../topology/load-topology.ts";
import { lostPlaces, type Place } from "../topology/lost-places.ts";
import type { Topology } from "../topology/topology.ts";
import {
  ClusterSettingSchema,
  clusterSettings,
  isSettingKey,
  SETTING_TYPES,
  type SettingKey,
  type SettingValue,
  SettingValueSchema,
} from "./cluster-settings.ts";
import { EnvironmentSettingSchema, environmentSettings } from "./process-settings.ts";
import {
  decidingVariable,
  isServiceKey,
  isUsual,
  SERVICE_TYPES,
  ServiceSettingsSchema,
  serviceSettings,
} from "./service-settings.ts";
import { isSlotKey, SLOT_TYPES, SlotSettingsSchema, slotSettings, slotVariable } from "./slot-settings.ts";

const TOPOLOGY = "topology.yaml";
const SERVICES = "services-overrides.yaml";
const SLOTS: NamedList = { key: "slots", impliedName, first: MAIN };

export const SettingsSchema = Type.Object(
  {
    version: Type.String({ description: "Of both files; send it with a change, so that nobody's change is lost" }),
    settings: Type.Array(ClusterSettingSchema),
    slots: Type.Array(SlotSettingsSchema),
    services: Type.Array(ServiceSettingsSchema),
    environment: Type.Array(EnvironmentSettingSchema),
  },
  { title: "Settings" },
);
export const SettingChangesSchema = Type.Object(
  {
    values: Type.Record(Type.String(), Type.Union([...SettingValueSchema.anyOf, Type.Null()]), {
      description: "New values by key; null: what the file says is removed, and the default holds",
    }),
    version: Type.Optional(
      Type.String({ maxLength: 64, description: "As it was read; 409 when it is not that any more" }),
    ),
  },
  { title: "SettingChanges", additionalProperties: false },
);
export const ChangedSettingsSchema = Type.Object(
  {
    ...SettingsSchema.properties,
    undo: Type.Object(
      { values: SettingChangesSchema.properties.values, version: Type.String() },
      { description: "Send this as a change to take it back" },
    ),
  },
  { title: "ChangedSettings" },
);
export type SettingsView = Static<typeof SettingsSchema>;
export type SettingChanges = Static<typeof SettingChangesSchema>;
export type ChangedSettings = Static<typeof ChangedSettingsSchema>;

export interface SettingsOptions {
  readonly dataDir: string;
  readonly env: Environment;
  /** Takes up what was written. */
  reload(): void;
  /**
   * Whether the entry of a vLLM there may be changed: with another one, what runs would not be the reservation's matter any more.
   * @throws Fault 423 `reserved`, `reservation_lost`
   */
  mayChange(place: Place, token: string | null): void;
}

export interface SettingsDesk {
  view(): SettingsView;
  /** Of topology.yaml. @throws Fault 409 other version, file unusable; 422 malformed; 503 not writable */
  change(changes: SettingChanges): ChangedSettings;
  /**
   * Of one slot; a name that is not known yet makes a new one. One of which nothing is said any more is gone.
   * @param token of the reservation, where the slot is reserved
   * @throws Fault as `change`; 409 set by the environment; 423 as `mayChange`
   */
  changeSlot(name: string, changes: SettingChanges, token?: string | null): ChangedSettings;
  /** What runs there goes on. Of `main` alone: what was changed of it. @throws Fault as `changeSlot`; 404 */
  removeSlot(name: string, version?: string, token?: string | null): ChangedSettings;
  /**
   * Of one service; a name that is not known yet makes a new one.
   * @param token of the reservation, where a vLLM is reserved
   * @throws Fault as `change`; 409 set by the environment; 423 as `mayChange`
   */
  changeService(name: string, changes: SettingChanges, token?: string | null): ChangedSettings;
  /** Takes a service, or all that was changed of a usual one, out of the file. @throws Fault as `change`; 404; 423 as `mayChange` */
  removeService(name: string, version?: string, token?: string | null): ChangedSettings;
}

interface Files {
  readonly topology: TextFile;
  readonly services: TextFile;
}

export function createSettings({ dataDir, env, reload, mayChange }: SettingsOptions): SettingsDesk {
  const read = (): Files => ({ topology: readFile(dataDir, TOPOLOGY), services: readFile(dataDir, SERVICES) });
  const load = (files: Files): Topology => loadTopology({ files, env });
  const viewOf = (files: Files): SettingsView => {
    const topology = load(files);
    return {
      version: versionOf(files),
      settings: clusterSettings(files.topology, env, topology.settings),
      slots: slotSettings(files.topology, env, topology.slots),
      services: serviceSettings(files.services, env, topology.services),
      environment: environmentSettings(env),
    };
  };
  /** @param undo values by which the change is taken back */
  const write = (before: Files, changed: TextFile, undo: SettingChanges["values"]): ChangedSettings => {
    const after = changed.name === TOPOLOGY ? { ...before, topology: changed } : { ...before, services: changed };
    refuseFreshProblems(load(before).problems, load(after).problems);
    const isSame = changed.text === (changed.name === TOPOLOGY ? before.topology : before.services).text;
    if (!isSame) {
      writeConfigFile(join(dataDir, changed.name), changed.text);
      reload();
    }
    const view = viewOf(after);
    return { ...view, undo: { values: undo, version: view.version } };
  };
  const refuseReserved = (files: Files, name: string, token: string | null): void => {
    const before = load(files).services.find((each) => each.name === name);
    if (before?.kind !== "vllm") return;
    mayChange({ slot: null, nodes: before.node === null ? [] : [before.node] }, token);
  };
  /** @param undone keys that are changed. @param values null: the slot is taken out */
  const writeSlot = (files: Files, name: string, undone: object, values: Changes | null, token: string | null) => {
    const fields = viewOf(files).slots.find((slot) => slot.name === name)?.fields ?? [];
    const undo = undoOf(undone, SLOT_TYPES, (key) => fields.find((field) => field.key === key)?.file_value);
    const topology = { name: TOPOLOGY, text: editEntry(TOPOLOGY, files.topology.text, SLOTS, name, values) };
    const [before, after] = [load(files), load({ ...files, topology })];
    refuseFreshProblems(before.problems, after.problems);
    for (const place of lostPlaces(before, after)) mayChange(place, token);
    return write(files, topology, undo);
  };
  const filesAt = (version: string | undefined): Files => {
    const files = read();
    if (version !== undefined && version !== versionOf(files))
      throw new Fault(
        "conflict",
        "changed_meanwhile",
        "The settings were changed elsewhere since this page read them. Look at them again, then repeat your change.",
      );
    return files;
  };

  return {
    view: () => viewOf(read()),
    change({ values, version }) {
      const files = filesAt(version);
      for (const [key, value] of Object.entries(values)) {
        if (!isSettingKey(key)) throw malformed(key, `There is no setting "${key}".`);
        const refusal = value === null ? null : refusalOf(SETTING_TYPES[key], value);
        if (refusal !== null) throw malformed([key, ...refusal.path].join("/"), `The value ${refusal.reason}.`);
      }
      const known = new Map(clusterSettings(files.topology, env, load(files).settings).map((each) => [each.key, each]));
      const undo = undoOf(values, SETTING_TYPES, (key) => known.get(key as SettingKey)?.file_value);
      const text = editMapping(TOPOLOGY, files.topology.text, ["settings"], values as Changes);
      return write(files, { name: TOPOLOGY, text }, undo);
    },
    changeSlot(name, { values, version }, token = null) {
      const files = filesAt(version);
      const refusedName = invalidName(name);
      if (refusedName !== null) throw malformed("", `The name ${refusedName}.`);
      for (const [key, value] of Object.entries(values)) {
        if (!isSlotKey(key)) throw malformed(key, `A slot has no "${key}" that can be changed.`);
        const refusal = value === null ? null : refusalOf(SLOT_TYPES[key], value);
        if (refusal !== null) throw malformed([key, ...refusal.path].join("/"), `The value ${refusal.reason}.`);
        refuseOverruled(slotVariable(name, key, env));
      }
      return writeSlot(files, name, values, values as Changes, token);
    },
    removeSlot(name, version, token = null) {
      const files = filesAt(version);
      const known = viewOf(files).slots.find((slot) => slot.name === name);
      if (!known) throw new Fault("not_found", "no_such_slot", `There is no slot "${name}".`);
      const said = known.fields.filter(({ file_value }) => file_value !== null);
      return writeSlot(files, name, Object.fromEntries(said.map(({ key }) => [key, null])), null, token);
    },
    changeService(name, { values, version }, token = null) {
      const files = filesAt(version);
      const refusedName = invalidName(name);
      if (refusedName !== null) throw malformed("", `The name ${refusedName}.`);
      for (const [key, value] of Object.entries(values)) {
        if (!isServiceKey(key)) throw malformed(key, `A service has no "${key}".`);
        const refusal = value === null ? null : refusalOf(SERVICE_TYPES[key], value);
        if (refusal !== null) throw malformed(key, `The value ${refusal.reason}.`);
        refuseOverruled(decidingVariable(name, key, env));
      }
      const known = serviceSettings(files.services, env, load(files).services).find((each) => each.name === name);
      const before = new Map(known?.fields.map(({ key, file_value }) => [key as string, file_value]));
      if (known?.usual && "kind" in values) throw malformed("kind", `${name} is of kind ${known.kind} for good.`);
      refuseReserved(files, name, token);
      const undo = undoOf(values, SERVICE_TYPES, (key) => before.get(key));
      const text = editMapping(SERVICES, files.services.text, ["services", name], values as Changes);
      return write(files, { name: SERVICES, text }, undo);
    },
    removeService(name, version, token = null) {
      const files = filesAt(version);
      const known = serviceSettings(files.services, env, load(files).services).find((each) => each.name === name);
      const said = known?.fields.filter(({ file_value }) => file_value !== null) ?? [];
      if (!known || (said.length === 0 && !isUsual(name)))
        throw new Fault("not_found", "no_such_service", `services-overrides.yaml has no service "${name}".`);
      refuseReserved(files, name, token);
      const values = Object.fromEntries(said.map(({ key, file_value }) => [key, file_value]));
      const undo = undoOf(values, SERVICE_TYPES, (key) => values[key]);
      const text = editMapping(SERVICES, files.services.text, ["services"], { [name]: null });
      return write(files, { name: SERVICES, text }, undo);
    },
  };
}

/** What was wrong in the file counted as nothing, and would be refused: the default is what held. */
function undoOf(
  values: object,
  types: Readonly<Record<string, TSchema>>,
  said: (key: string) => SettingValue | null | undefined,
): SettingChanges["values"] {
  const valid = (key: string) => {
    const value = said(key) ?? null;
    const type = types[key];
    return value !== null && type && refusalOf(type, value) === null ? value : null;
  };
  return Object.fromEntries(Object.keys(values).map((key) => [key, valid(key)]));
}

/** @throws Fault 409 when it is there and cannot be read: it would be lost by writing */
function readFile(dataDir: string, name: string): TextFile {
  const { file, problem } = readConfigFile(join(dataDir, name));
  if (problem !== null) throw new Fault("conflict", "file_unusable", `${name} cannot be read. ${problem.message}`);
  return file ?? { name, text: "" };
}

const versionOf = ({ topology, services }: Files): string =>
  new Bun.CryptoHasher("sha256").update(`${topology.text}\0${services.text}`).digest("hex").slice(0, 16);

/** @throws Fault 409 when a variable decides */
function refuseOverruled(variable: string | null): void {
  if (variable !== null)
    throw new Fault(
      "conflict",
      "set_by_environment",
      `The environment variable ${variable} decides this. Change it there, or unset it.`,
    );
}

const malformed = (key: string, message: string): Fault =>
  new Fault("invalid", "malformed_setting", message, {
    errors: [{ path: key === "" ? "" : `/values/${key}`, in: "body", message }],
  });

/** What a value is alone may be fine and the whole not: a service on a node that is not there. */
function refuseFreshProblems(before: readonly Problem[], after: readonly Problem[]): void {
  const known = new Set(before.map(({ source, path, message }) => `${source} ${path} ${message}`));
  const fresh = after.filter(({ source, path, message }) => !known.has(`${source} ${path} ${message}`));
  const [first] = fresh;
  if (!first) return;
  const errors = fresh.map(({ path, message }) => ({ path: `/values/${path.split(".").at(-1)}`, in: "body", message }));
  throw new Fault("invalid", "malformed_setting", first.message, { errors });
}
