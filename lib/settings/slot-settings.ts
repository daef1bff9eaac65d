/** The slots of topology.yaml as they may be changed, field by field, and where each value comes from. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { isMapping } from "../config/field-types.ts";
import { type Environment, environmentField } from "../config/fields.ts";
import { SlotFields } from "../config/topology-schema.ts";
import { readYaml, type TextFile } from "../config/yaml-document.ts";
import { Nullable, OneOf } from "../schema.ts";
import { impliedName, MAIN, SLOT_VARIABLES } from "../topology/load-slots.ts";
import type { Slot } from "../topology/topology.ts";
import { FromSchema, type SettingValue, SettingValueSchema } from "./cluster-settings.ts";

const KEYS = ["nodes", "port", "container", "image"] as const;
type SlotKey = (typeof KEYS)[number];
export const SLOT_TYPES = SlotFields.properties as Readonly<Record<SlotKey, TSchema>>;

const SlotFieldSchema = Type.Object(
  {
    key: OneOf(KEYS),
    description: Type.String(),
    value: Type.Union(SettingValueSchema.anyOf, { description: "What holds now" }),
    file_value: Nullable(SettingValueSchema, { description: "What topology.yaml says; null: nothing" }),
    variable: Nullable(Type.String(), {
      description: "The environment variable that decides; it cannot be changed here",
    }),
    from: FromSchema,
  },
  { title: "SlotField" },
);
export const SlotSettingsSchema = Type.Object(
  { name: Type.String(), fields: Type.Array(SlotFieldSchema) },
  { title: "SlotSettings" },
);
export type SlotSettings = Static<typeof SlotSettingsSchema>;

export const isSlotKey = (key: string): key is SlotKey => KEYS.some((each) => each === key);

/** The environment variable that says this field of `main`; null when none does. */
export function slotVariable(name: string, key: SlotKey, env: Environment): string | null {
  if (name !== MAIN || key === "nodes") return null;
  const variable = SLOT_VARIABLES[key];
  return environmentField(env, variable) === undefined ? null : variable;
}

/** @param slots as the topology has them */
export function slotSettings(file: TextFile, env: Environment, slots: readonly Slot[]): SlotSettings[] {
  const document = readYaml(file).value;
  const entries = isMapping(document) && Array.isArray(document.slots) ? (document.slots as unknown[]) : [];
  return slots.map((slot) => {
    const entry = entries.find((each, at) => isMapping(each) && (each.name ?? impliedName(at)) === slot.name);
    return {
      name: slot.name,
      fields: KEYS.map((key) => {
        const variable = slotVariable(slot.name, key, env);
        const said = isMapping(entry) ? ((entry[key] as SettingValue | undefined) ?? null) : null;
        // Of the other slots a variable is the default.
        const isDefaulted = key !== "nodes" && environmentField(env, SLOT_VARIABLES[key]) !== undefined;
        return {
          key,
          description: SLOT_TYPES[key].description ?? "",
          value: Array.isArray(slot[key]) ? [...slot[key]] : (slot[key] as SettingValue),
          file_value: said,
          variable,
          from: variable !== null ? "environment" : said !== null ? "file" : isDefaulted ? "environment" : "default",
        };
      }),
    };
  });
}
