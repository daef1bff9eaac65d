/** The services beside vLLM: the usual ones, changed and added to by services-overrides.yaml and the environment. */

import { isMapping } from "../config/field-types.ts";
import {
  accept,
  type Environment,
  environmentField,
  environmentList,
  type Field,
  type Fields,
  fieldsAt,
  type ProblemLog,
} from "../config/fields.ts";
import { showKey } from "../config/origin.ts";
import { ServiceFields } from "../config/services-schema.ts";
import { invalidName } from "../config/values.ts";
import type { YamlDocument } from "../config/yaml-document.ts";
import { DEFAULT_SERVICES, type DefaultService, usualPort } from "./default-services.ts";
import type { BotSettings, NodeEntry, Service, ServiceKind, Slot } from "./topology.ts";

const SKIPPED = "The service is skipped.";
const BOT_DEFAULTS = { directory: "~/matrix-bridge", branch: "main" } as const;
const { properties } = ServiceFields;

/** All services; without any node and host of its own a service has neither `node` nor `host`: not configured. */
export function loadServices(
  field: Field | undefined,
  document: YamlDocument,
  { nodes, slots }: { readonly nodes: readonly NodeEntry[]; readonly slots: readonly Slot[] },
  env: Environment,
  log: ProblemLog,
): readonly Service[] {
  const entries = fileEntries(field, document, log);
  const usual = DEFAULT_SERVICES.map((service) => {
    const fields = new Map([...(entries.get(service.name) ?? []), ...environmentFields(service, env)]);
    entries.delete(service.name);
    return serviceOf(service.name, service, fields, nodes, log);
  });
  const further = [...entries].map(([name, fields]) => furtherService(name, fields, document, nodes, log));
  const services = [...usual, ...further.filter((service) => service !== null)];
  // Both are called by their name, by people and in the API: each name has to mean one of them.
  const apart = services.filter(({ name }) => {
    const isSlot = slots.some((slot) => slot.name === name);
    if (isSlot) log.add(document.origin(["services", name]), `A slot is named "${name}", too.`, SKIPPED);
    return !isSlot;
  });
  return disable(apart, env, log);
}

function fileEntries(field: Field | undefined, document: YamlDocument, log: ProblemLog): Map<string, Fields> {
  const entries = new Map<string, Fields>();
  if (field === undefined) return entries;
  if (!isMapping(field.value)) {
    log.add(field.at(), "This must be a mapping of services by name.", "No service of this file is used.");
    return entries;
  }
  for (const [name, item] of Object.entries(field.value)) {
    const refusal = invalidName(name);
    const path = ["services", name];
    if (refusal !== null) {
      log.add(document.origin(path), `The name "${showKey(name)}" ${refusal}.`, SKIPPED);
      continue;
    }
    const fields = fieldsAt(document, path, item, ServiceFields, log, { instead: "The entry is skipped." });
    if (fields !== null) entries.set(name, fields);
  }
  return entries;
}

/** Fields of a usual service that the environment may say. */
export function environmentKeys(kind: ServiceKind): readonly string[] {
  return kind === "bot" ? ["host", "container", "user", "directory", "branch"] : ["host", "port", "container"];
}

export function serviceVariable(prefix: string, key: string): string {
  return `${prefix}_${key === "directory" ? "DIR" : key.toUpperCase()}`;
}

function environmentFields({ prefix, kind }: DefaultService, env: Environment): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const key of environmentKeys(kind)) {
    const field = environmentField(env, serviceVariable(prefix, key), key === "port" ? "number" : "text");
    if (field !== undefined) fields.set(key, field);
  }
  return fields;
}

function furtherService(
  name: string,
  fields: Fields,
  document: YamlDocument,
  nodes: readonly NodeEntry[],
  log: ProblemLog,
): Service | null {
  const origin = document.origin(["services", name]);
  if (!fields.has("kind")) {
    log.add(origin, "The service has no kind.", SKIPPED);
    return null;
  }
  const kind = accept(properties.kind, fields.get("kind"), log, SKIPPED);
  if (kind === undefined) return null;
  const port = usualPort(kind);
  if (port === null && kind !== "bot") {
    if (!fields.has("port")) log.add(origin, "The service has no port.", SKIPPED);
    if (accept(properties.port, fields.get("port"), log, SKIPPED) === undefined) return null;
  }
  return serviceOf(name, { kind, port }, fields, nodes, log);
}

/** Each malformed value falls back to its default. */
function serviceOf(
  name: string,
  usual: Pick<DefaultService, "kind" | "port">,
  fields: Fields,
  nodes: readonly NodeEntry[],
  log: ProblemLog,
): Service {
  const kind = accept(properties.kind, fields.get("kind"), log, `Uses ${usual.kind} instead.`) ?? usual.kind;
  const portText = usual.port === null ? "It counts as unset." : `Uses ${usual.port} instead.`;
  const bot = kind === "bot" ? botSettings(fields, log) : null;
  const restarts = `Uses ${kind !== "vllm"} instead.`;
  return {
    name,
    kind,
    ...placeOf(fields, nodes, log),
    port: accept(properties.port, fields.get("port"), log, portText) ?? usual.port,
    container: accept(properties.container, fields.get("container"), log, `Uses ${name} instead.`) ?? name,
    disabled:
      (accept(properties.disabled, fields.get("disabled"), log, "Uses false instead.") ?? false) ||
      (kind === "bot" && bot === null),
    auto_restart: accept(properties.auto_restart, fields.get("auto_restart"), log, restarts) ?? kind !== "vllm",
    ...(bot === null ? {} : { bot }),
  };
}

/**
 * Services stand on the second Spark, the first being busy with vLLM; on the only one where there is just one. A host
 * that is a node's own address means that node, so that its container can be restarted there.
 */
function placeOf(fields: Fields, nodes: readonly NodeEntry[], log: ProblemLog): Pick<Service, "node" | "host"> {
  const usual = (nodes[1] ?? nodes[0])?.name ?? null;
  const instead = usual === null ? "It counts as unset." : `Uses ${usual} instead.`;
  const host = accept(properties.host, fields.get("host"), log, instead) ?? null;
  const named = knownNode(fields.get("node"), nodes, log, instead);
  if (host === null) return { node: named ?? usual, host };
  if (named !== null) return { node: named, host };
  const owner = nodes.find((node) => isAt(node, host));
  return owner === undefined ? { node: null, host } : { node: owner.name, host: null };
}

function knownNode(
  field: Field | undefined,
  nodes: readonly NodeEntry[],
  log: ProblemLog,
  instead: string,
): string | null {
  const name = accept(properties.node, field, log, instead);
  if (field === undefined || name === undefined) return null;
  if (nodes.some((node) => node.name === name)) return name;
  log.add(field.at(), `There is no node named "${name}".`, instead);
  return null;
}

function isAt(node: NodeEntry, host: string): boolean {
  if (node.status === "misconfigured") return false;
  return [node.name, node.host.toLowerCase(), node.address].includes(host.toLowerCase());
}

/** Null without a user: the tile is hidden then. */
function botSettings(fields: Fields, log: ProblemLog): BotSettings | null {
  const user = accept(properties.user, fields.get("user"), log, "The bot stays hidden.");
  if (user === undefined) return null;
  const instead = (value: string) => `Uses ${value} instead.`;
  return {
    user,
    directory:
      accept(properties.directory, fields.get("directory"), log, instead(BOT_DEFAULTS.directory)) ??
      BOT_DEFAULTS.directory,
    branch: accept(properties.branch, fields.get("branch"), log, instead(BOT_DEFAULTS.branch)) ?? BOT_DEFAULTS.branch,
  };
}

function disable(services: readonly Service[], env: Environment, log: ProblemLog): readonly Service[] {
  const field = environmentList(env, "DISABLED_SERVICES");
  if (field === undefined) return services;
  const names = new Set((field.value as string[]).map((name) => name.toLowerCase()));
  for (const name of names) {
    if (services.some((service) => service.name === name)) continue;
    const known = services.map((service) => service.name).join(", ");
    log.add(field.at(), `There is no service named "${showKey(name)}"; there are ${known}.`, "The name is ignored.");
  }
  return services.map((service) => (names.has(service.name) ? { ...service, disabled: true } : service));
}
