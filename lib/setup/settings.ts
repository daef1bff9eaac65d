/** What a person may set about the Sparks, where each value comes from, and the shape in which it is sent and shown. */
import { type Static, Type } from "@sinclair/typebox";
import { isMapping } from "../config/field-types.ts";
import { type Environment, environmentField } from "../config/fields.ts";
import { readYaml } from "../config/yaml-document.ts";
import { LAUNCH_DIR, NODE_VARIABLES, SSH_PORT } from "../topology/load-nodes.ts";
import { impliedName, MAIN, SLOT_DEFAULTS, SLOT_VARIABLES } from "../topology/load-slots.ts";
import type { Topology } from "../topology/topology.ts";

export type NodeKey = keyof typeof NODE_VARIABLES;
export const NODE_KEYS = Object.keys(NODE_VARIABLES) as NodeKey[];
export type VllmKey = keyof typeof SLOT_VARIABLES;
export const VLLM_KEYS = Object.keys(SLOT_VARIABLES) as VllmKey[];

const Blankable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));
const Words = () => Type.String({ maxLength: 1024 });

/** Blank, null or left out: what the environment says, else the default. */
export const SparkEntrySchema = Type.Object(
  {
    name: Type.String({ maxLength: 64 }),
    host: Blankable(Words()),
    user: Blankable(Words()),
    ssh_port: Blankable(Type.Integer()),
    address: Blankable(Words()),
    launch_dir: Blankable(Words()),
    eth_if: Blankable(Words()),
    ib_if: Blankable(Words()),
  },
  { title: "SparkEntry", additionalProperties: false },
);
export const SetupEntriesSchema = Type.Object(
  {
    nodes: Type.Array(SparkEntrySchema, { minItems: 1, maxItems: 8, description: "All Sparks; the first is the head" }),
    vllm: Type.Optional(
      Type.Object(
        { port: Blankable(Type.Integer()), container: Blankable(Words()), image: Blankable(Words()) },
        { title: "VllmEntry", additionalProperties: false, description: "Of the slot `main`. Left out: as it is" },
      ),
    ),
  },
  { title: "SetupEntries", additionalProperties: false },
);
export type SetupEntries = Static<typeof SetupEntriesSchema>;
export type SparkEntry = Static<typeof SparkEntrySchema>;
export type Value = string | number | null;

const SettingSchema = Type.Object(
  {
    value: Type.Union([Type.String(), Type.Integer(), Type.Null()]),
    from: Type.Unsafe<"file" | "environment" | "default">(
      Type.Union((["file", "environment", "default"] as const).map((word) => Type.Literal(word))),
    ),
    variable: Type.Union([Type.String(), Type.Null()], {
      description: "The environment variable that decides; null when none can or does",
    }),
  },
  { title: "Setting" },
);
export type Setting = Static<typeof SettingSchema>;

const each = <K extends string>(keys: readonly K[]) =>
  Type.Object(Object.fromEntries(keys.map((key) => [key, SettingSchema])) as Record<K, typeof SettingSchema>);

export const SettingsSchema = Type.Object(
  {
    nodes: Type.Array(
      Type.Object({
        name: Type.String(),
        reason: Type.Union([Type.String(), Type.Null()], { description: "Why it cannot be used; null: it can" }),
        settings: each(NODE_KEYS),
      }),
    ),
    vllm: each(VLLM_KEYS),
  },
  { title: "SparkSettings" },
);
export type Settings = Static<typeof SettingsSchema>;

const NODE_DEFAULTS: Readonly<Record<NodeKey, Value>> = {
  host: null,
  user: null,
  ssh_port: SSH_PORT,
  address: null,
  launch_dir: LAUNCH_DIR,
  eth_if: null,
  ib_if: null,
};

/** The variable behind a field of a node; null for a node that the environment does not know. */
export function nodeVariable(name: string, key: NodeKey): string | null {
  const number = /^spark-([12])$/.exec(name)?.[1];
  return number === undefined ? null : `SPARK${number}_${NODE_VARIABLES[key]}`;
}

/** What the environment says; undefined when it is silent. */
export function fromEnvironment(env: Environment, variable: string | null): Value | undefined {
  if (variable === null) return undefined;
  const kind = /_PORT$/.test(variable) ? "number" : "text";
  return environmentField(env, variable, kind)?.value as Value | undefined;
}

/** Every setting as it holds now. @param text of topology.yaml; empty when there is none */
export function settingsOf(text: string, env: Environment, topology: Pick<Topology, "nodes">): Settings {
  const document = readYaml({ name: "topology.yaml", text }).value;
  const section = (name: string): unknown[] => {
    const value = isMapping(document) ? document[name] : null;
    return Array.isArray(value) ? value : [];
  };
  const named = (items: unknown[], name: string, implied: (index: number) => string) =>
    items.find((item, index) => isMapping(item) && (item.name ?? implied(index)) === name);
  const setting = (entry: unknown, key: string, variable: string | null, fallback: Value): Setting => {
    const said = fromEnvironment(env, variable);
    if (said !== undefined) return { value: said, from: "environment", variable };
    const value = isMapping(entry) ? entry[key] : null;
    const isPlain = typeof value === "string" || Number.isInteger(value);
    if (isPlain) return { value: value as Value, from: "file", variable: null };
    return { value: fallback, from: "default", variable: null };
  };
  const record = <K extends string>(keys: readonly K[], of: (key: K) => Setting) =>
    Object.fromEntries(keys.map((key) => [key, of(key)])) as Record<K, Setting>;

  const main = named(section("slots"), MAIN, impliedName);
  return {
    nodes: topology.nodes.map((node) => {
      const entry = named(section("nodes"), node.name, (index) => `spark-${index + 1}`);
      return {
        name: node.name,
        reason: node.status === "misconfigured" ? node.reason : null,
        settings: record(NODE_KEYS, (key) => setting(entry, key, nodeVariable(node.name, key), NODE_DEFAULTS[key])),
      };
    }),
    vllm: record(VLLM_KEYS, (key) => setting(main, key, SLOT_VARIABLES[key], SLOT_DEFAULTS[key])),
  };
}
