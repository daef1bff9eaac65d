/** The `settings` of topology.yaml as they may be changed: what each is, what it may be, and where its value comes from. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { isMapping } from "../config/field-types.ts";
import { type Environment, environmentList } from "../config/fields.ts";
import { SettingsFields } from "../config/topology-schema.ts";
import { readYaml, type TextFile } from "../config/yaml-document.ts";
import { Nullable, OneOf } from "../schema.ts";
import { LIST_VARIABLES } from "../topology/load-settings.ts";
import type { Settings } from "../topology/topology.ts";

export const SettingValueSchema = Type.Union([
  Type.Number(),
  Type.Boolean(),
  Type.String({ maxLength: 1024 }),
  Type.Array(Type.String({ maxLength: 1024 }), { maxItems: 256 }),
]);
export const FromSchema = OneOf(["default", "file", "environment", "file and environment"]);

export const ClusterSettingSchema = Type.Object(
  {
    key: Type.String(),
    description: Type.String(),
    kind: OneOf(["whole", "amount", "text", "choice", "yes_no", "list"]),
    minimum: Nullable(Type.Number(), { description: "Smallest value; an amount must be above it" }),
    maximum: Nullable(Type.Number()),
    choices: Nullable(Type.Array(Type.String())),
    default: SettingValueSchema,
    value: Type.Union(SettingValueSchema.anyOf, { description: "What holds now" }),
    file_value: Nullable(SettingValueSchema, { description: "What topology.yaml says; null: nothing" }),
    environment: Nullable(Type.Object({ variable: Type.String(), value: Type.Array(Type.String()) }), {
      description: "What an environment variable adds to a list; it cannot be removed here",
    }),
    from: FromSchema,
  },
  { title: "ClusterSetting" },
);
export type ClusterSetting = Static<typeof ClusterSettingSchema>;
export type SettingValue = Static<typeof SettingValueSchema>;
export type SettingKey = keyof Settings;

/** Types of all settings by key. */
export const SETTING_TYPES = SettingsFields.properties as Readonly<Record<SettingKey, TSchema>>;
const KEYS = Object.keys(SETTING_TYPES) as SettingKey[];

export const isSettingKey = (key: string): key is SettingKey => Object.hasOwn(SETTING_TYPES, key);

/** @param current what holds, as the topology says */
export function clusterSettings(file: TextFile, env: Environment, current: Settings): ClusterSetting[] {
  const document = readYaml(file).value;
  const section = isMapping(document) && isMapping(document.settings) ? document.settings : {};
  return KEYS.map((key) => {
    const type = SETTING_TYPES[key];
    const said = section[key] ?? null;
    const variable = LIST_VARIABLES[key as keyof typeof LIST_VARIABLES] as string | undefined;
    const added = variable === undefined ? undefined : environmentList(env, variable);
    const value = current[key] as SettingValue;
    return {
      key,
      description: type.description ?? "",
      kind: kindOf(type),
      minimum: type.minimum ?? type.exclusiveMinimum ?? null,
      maximum: type.maximum ?? null,
      choices: type.enum ?? null,
      default: type.default ?? (type.type === "array" ? [] : value),
      value,
      file_value: said as SettingValue | null,
      environment: added && variable ? { variable, value: added.value as string[] } : null,
      from: added ? (said === null ? "environment" : "file and environment") : said === null ? "default" : "file",
    };
  });
}

function kindOf(type: TSchema): ClusterSetting["kind"] {
  if (type.type === "array") return "list";
  if (type.type === "boolean") return "yes_no";
  if (type.type === "integer") return "whole";
  if (type.type === "number") return "amount";
  return type.enum ? "choice" : "text";
}
