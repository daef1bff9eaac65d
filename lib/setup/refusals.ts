/** What is wrong with submitted entries, field by field. */
import { refusalOf } from "../config/field-types.ts";
import type { Environment } from "../config/fields.ts";
import { NodeFields, SlotFields } from "../config/topology-schema.ts";
import { Fault } from "../fault.ts";
import { SLOT_VARIABLES } from "../topology/load-slots.ts";
import { fromEnvironment, NODE_KEYS, nodeVariable, type SetupEntries, type Value, VLLM_KEYS } from "./settings.ts";

export interface FieldError {
  /** JSON Pointer into the body. */
  readonly path: string;
  readonly in: "body";
  /** Completes "The value …", or a sentence of its own. */
  readonly message: string;
}

const LABELS: Readonly<Record<string, string>> = {
  name: "name",
  host: "address",
  user: "user",
  ssh_port: "SSH port",
  address: "address between the Sparks",
  launch_dir: "launch folder",
  eth_if: "Ethernet interface",
  ib_if: "RDMA interface",
  port: "port",
  container: "container",
  image: "image",
};

/** @throws Fault with all of them in `errors`, the first one in words */
export function refuse(kind: "invalid" | "conflict", code: string, errors: readonly FieldError[]): void {
  const [first] = errors;
  if (first === undefined) return;
  throw new Fault(kind, code, first.message, { errors });
}

export const fieldError = (path: string, message: string): FieldError => ({ path, in: "body", message });

/** Blank counts as nothing. */
export function given(value: Value | undefined): Value {
  return typeof value === "string" && value.trim() === "" ? null : (value ?? null);
}

/** @throws Fault 422 `malformed_setting`, 409 `set_by_environment` */
export function refuseMalformed(entries: SetupEntries, env: Environment): void {
  const malformed: FieldError[] = [];
  const overruled: FieldError[] = [];
  const look = (
    path: string,
    whose: string,
    key: string,
    value: Value,
    type: Parameters<typeof refusalOf>[0],
    variable: string | null,
  ) => {
    const label = `${LABELS[key] ?? key} of ${whose}`;
    const said = fromEnvironment(env, variable);
    if (value === null) {
      if (said === undefined && (key === "host" || key === "user"))
        malformed.push(fieldError(path, `The ${label} is missing.`));
      return;
    }
    const refusal = refusalOf(type, value);
    if (refusal !== null) malformed.push(fieldError(path, `The ${label} ${refusal.reason}.`));
    else if (said !== undefined && said !== value)
      overruled.push(
        fieldError(path, `The ${label} is set by the environment variable ${variable}. Change it there, or unset it.`),
      );
  };
  entries.nodes.forEach((entry, index) => {
    const { properties } = NodeFields;
    look(`/nodes/${index}/name`, "a Spark", "name", entry.name, properties.name, null);
    if (entries.nodes.findIndex((other) => other.name === entry.name) !== index)
      malformed.push(fieldError(`/nodes/${index}/name`, `There are two Sparks named ${entry.name}.`));
    for (const key of NODE_KEYS)
      look(
        `/nodes/${index}/${key}`,
        entry.name,
        key,
        given(entry[key]),
        properties[key],
        nodeVariable(entry.name, key),
      );
  });
  for (const key of VLLM_KEYS) {
    if (entries.vllm === undefined) break;
    look(`/vllm/${key}`, "vLLM", key, given(entries.vllm[key]), SlotFields.properties[key], SLOT_VARIABLES[key]);
  }
  refuse("invalid", "malformed_setting", malformed);
  refuse("conflict", "set_by_environment", overruled);
}
