/** Where each variable of the earlier version's settings goes. */
import type { TSchema } from "@sinclair/typebox";
import { ServiceFields } from "../config/services-schema.ts";
import { NodeFields, SettingsFields, SlotFields } from "../config/topology-schema.ts";
import { DEFAULT_SERVICES } from "../topology/default-services.ts";
import { NODE_VARIABLES } from "../topology/load-nodes.ts";
import { SLOT_VARIABLES } from "../topology/load-slots.ts";

/** One value of a file here. */
export type Target =
  | { readonly file: "topology.yaml"; readonly section: "nodes"; readonly node: 1 | 2; readonly key: string }
  | { readonly file: "topology.yaml"; readonly section: "main" | "settings"; readonly key: string }
  | { readonly file: "services-overrides.yaml"; readonly service: string; readonly key: string };

export interface Variable {
  readonly target: Target;
  readonly type: TSchema;
  readonly kind: "text" | "number" | "list";
}

const kindOf = (key: string): Variable["kind"] => (/port$/.test(key) ? "number" : "text");

function* nodeVariables(): Generator<[string, Variable]> {
  for (const node of [1, 2] as const)
    for (const [key, name] of Object.entries(NODE_VARIABLES)) {
      const type = NodeFields.properties[key as keyof typeof NODE_VARIABLES];
      yield [
        `SPARK${node}_${name}`,
        { target: { file: "topology.yaml", section: "nodes", node, key }, type, kind: kindOf(key) },
      ];
    }
}

function* serviceVariables(): Generator<[string, Variable]> {
  for (const { name, prefix, kind } of DEFAULT_SERVICES) {
    const keys =
      kind === "bot"
        ? (["host", "container", "user", "directory", "branch"] as const)
        : (["host", "port", "container"] as const);
    for (const key of keys) {
      const target = { file: "services-overrides.yaml", service: name, key } as const;
      const suffix = key === "directory" ? "DIR" : key.toUpperCase();
      yield [`${prefix}_${suffix}`, { target, type: ServiceFields.properties[key], kind: kindOf(key) }];
    }
  }
}

function* otherVariables(): Generator<[string, Variable]> {
  for (const [key, name] of Object.entries(SLOT_VARIABLES)) {
    const type = SlotFields.properties[key as keyof typeof SLOT_VARIABLES];
    yield [name, { target: { file: "topology.yaml", section: "main", key }, type, kind: kindOf(key) }];
  }
  for (const key of ["allowed_hosts", "cors_origins", "trusted_proxies"] as const) {
    const target = { file: "topology.yaml", section: "settings", key } as const;
    yield [key.toUpperCase(), { target, type: SettingsFields.properties[key], kind: "list" }];
  }
}

export const VARIABLES: ReadonlyMap<string, Variable> = new Map([
  ...nodeVariables(),
  ...serviceVariables(),
  ...otherVariables(),
]);

/** Known, but not a matter of the data: whoever starts the process says them. */
export const OF_THE_PROCESS: ReadonlySet<string> = new Set([
  "PORT",
  "HOST",
  "DATA_DIR",
  "LOG_LEVEL",
  "SIM_SPEED",
  "SIM_FAULTS",
]);
