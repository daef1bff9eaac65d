/** The services of services-overrides.yaml as they may be changed, field by field, and where each value comes from. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { isMapping } from "../config/field-types.ts";
import { type Environment, environmentField, environmentList } from "../config/fields.ts";
import { SERVICE_KINDS, ServiceFields } from "../config/services-schema.ts";
import { readYaml, type TextFile } from "../config/yaml-document.ts";
import { Nullable, OneOf } from "../schema.ts";
import { DEFAULT_SERVICES, usualPort } from "../topology/default-services.ts";
import { environmentKeys, serviceVariable } from "../topology/load-services.ts";
import type { Service } from "../topology/topology.ts";
import { FromSchema } from "./cluster-settings.ts";

export type ServiceKey = keyof typeof ServiceFields.properties;
export const SERVICE_TYPES = ServiceFields.properties as Readonly<Record<ServiceKey, TSchema>>;
const BOT_KEYS = ["user", "directory", "branch"] as const;
const KEYS = Object.keys(SERVICE_TYPES) as ServiceKey[];

const FieldValue = Nullable(Type.Union([Type.String(), Type.Integer(), Type.Boolean()]));
const ServiceFieldSchema = Type.Object(
  {
    key: OneOf(KEYS),
    description: Type.String(),
    value: Type.Union(FieldValue.anyOf, { description: "What holds now; null: nothing" }),
    file_value: FieldValue,
    variable: Nullable(Type.String(), {
      description: "The environment variable that decides; it cannot be changed here",
    }),
    from: FromSchema,
  },
  { title: "ServiceField" },
);
export const ServiceSettingsSchema = Type.Object(
  {
    name: Type.String(),
    kind: OneOf(SERVICE_KINDS),
    usual: Type.Boolean({ description: "Comes with Spark Control: it can be hidden, not removed" }),
    fields: Type.Array(ServiceFieldSchema),
  },
  { title: "ServiceSettings" },
);
export type ServiceSettings = Static<typeof ServiceSettingsSchema>;

export const isServiceKey = (key: string): key is ServiceKey => Object.hasOwn(SERVICE_TYPES, key);
export const isUsual = (name: string): boolean => DEFAULT_SERVICES.some((service) => service.name === name);

/** The environment variable that says this field now; null when none does. */
export function decidingVariable(name: string, key: ServiceKey, env: Environment): string | null {
  const usual = DEFAULT_SERVICES.find((service) => service.name === name);
  if (key === "disabled") return isHiddenByEnvironment(name, env) ? "DISABLED_SERVICES" : null;
  if (!usual || !environmentKeys(usual.kind).includes(key)) return null;
  const variable = serviceVariable(usual.prefix, key);
  return environmentField(env, variable) === undefined ? null : variable;
}

function isHiddenByEnvironment(name: string, env: Environment): boolean {
  const hidden = (environmentList(env, "DISABLED_SERVICES")?.value ?? []) as readonly string[];
  return hidden.some((each) => each.toLowerCase() === name);
}

export function serviceSettings(file: TextFile, env: Environment, services: readonly Service[]): ServiceSettings[] {
  const document = readYaml(file).value;
  const entries = isMapping(document) && isMapping(document.services) ? document.services : {};
  return services.map((service) => {
    const { name, kind } = service;
    const entry = entries[name];
    const keys = KEYS.filter((key) => kind === "bot" || !BOT_KEYS.some((each) => each === key));
    return {
      name,
      kind,
      usual: isUsual(name),
      fields: keys.map((key) => {
        const variable = decidingVariable(name, key, env);
        const said = isMapping(entry) ? (entry[key] ?? null) : null;
        return {
          key,
          description: SERVICE_TYPES[key].description ?? "",
          value: fieldOf(service, key),
          file_value: isPlain(said) ? said : null,
          variable,
          from: variable === null ? (said === null ? "default" : "file") : "environment",
        };
      }),
    };
  });
}

const isPlain = (value: unknown): value is string | number | boolean =>
  ["string", "number", "boolean"].includes(typeof value);

function fieldOf(service: Service, key: ServiceKey): string | number | boolean | null {
  if (key === "user" || key === "directory" || key === "branch") return service.bot?.[key] ?? null;
  if (key === "port") return service.port ?? usualPort(service.kind);
  return service[key];
}
