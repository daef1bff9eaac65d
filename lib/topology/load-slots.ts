/** The places where a vLLM may run. */
import {
  accept,
  type Environment,
  environmentField,
  type Field,
  type Fields,
  fieldsAt,
  type ProblemLog,
} from "../config/fields.ts";
import type { Origin } from "../config/origin.ts";
import { SlotFields } from "../config/topology-schema.ts";
import type { YamlDocument } from "../config/yaml-document.ts";
import type { NodeEntry, Slot } from "./topology.ts";

/** The slot that VLLM_PORT, VLLM_CONTAINER and VLLM_IMAGE decide for. */
export const MAIN = "main";
const SKIPPED = "The slot is skipped.";

/** Of a slot that says no name. @param index in the list */
export const impliedName = (index: number): string => (index === 0 ? MAIN : `slot-${index + 1}`);

/** What a slot has that says nothing else. */
export const SLOT_DEFAULTS = { port: 8888, container: "vllm_node", image: "vllm-node" } as const;

export const SLOT_VARIABLES = { port: "VLLM_PORT", container: "VLLM_CONTAINER", image: "VLLM_IMAGE" } as const;

type Defaults = Pick<Slot, "port" | "container" | "image">;

/**
 * The slots of topology.yaml, or one slot `main` over all usable nodes, which is what `main` means too when it names none. VLLM_PORT, VLLM_CONTAINER and VLLM_IMAGE decide
 * for `main` and are the defaults of every other slot.
 */
export function loadSlots(
  field: Field | undefined,
  document: YamlDocument,
  nodes: readonly NodeEntry[],
  env: Environment,
  log: ProblemLog,
): readonly Slot[] {
  const variables = environmentFields(env);
  const defaults = placeOf(variables, SLOT_DEFAULTS, log);
  if (field !== undefined && !Array.isArray(field.value)) {
    log.add(field.at(), "This must be a list of slots.", "No slot of this file is used.");
    return [];
  }
  const items: readonly unknown[] = field === undefined ? [] : (field.value as unknown[]);
  if (items.length === 0) return mainSlot(nodes, defaults);
  const slots: Slot[] = [];
  for (const [index, item] of items.entries()) {
    const slot = slotOf(index, item, document, nodes, { variables, defaults }, log);
    if (slot === null) continue;
    if (slots.some((other) => other.name === slot.name)) {
      log.add(
        document.origin(["slots", index]),
        `A slot named "${slot.name}" exists already.`,
        "The first one is kept.",
      );
    } else {
      slots.push(slot);
    }
  }
  return slots;
}

function environmentFields(env: Environment): Fields {
  const fields: [string, Field | undefined][] = [
    ["port", environmentField(env, SLOT_VARIABLES.port, "number")],
    ["container", environmentField(env, SLOT_VARIABLES.container)],
    ["image", environmentField(env, SLOT_VARIABLES.image)],
  ];
  return new Map(fields.filter((entry): entry is [string, Field] => entry[1] !== undefined));
}

/** Each malformed value falls back to its default. */
function placeOf(fields: Fields, defaults: Defaults, log: ProblemLog): Defaults {
  const { port, container, image } = SlotFields.properties;
  const instead = (value: string | number) => `Uses ${value} instead.`;
  return {
    port: accept(port, fields.get("port"), log, instead(defaults.port)) ?? defaults.port,
    container: accept(container, fields.get("container"), log, instead(defaults.container)) ?? defaults.container,
    image: accept(image, fields.get("image"), log, instead(defaults.image)) ?? defaults.image,
  };
}

/** Without a usable head there is no slot: another node in its place would surprise whoever runs services there. */
function mainSlot(nodes: readonly NodeEntry[], defaults: Defaults): Slot[] {
  const members = allUsable(nodes);
  return members === null ? [] : [{ name: MAIN, nodes: members, ...defaults }];
}

function allUsable(nodes: readonly NodeEntry[]): readonly string[] | null {
  const [head] = nodes;
  if (head === undefined || !isUsable(head)) return null;
  return nodes.filter(isUsable).map((node) => node.name);
}

function slotOf(
  index: number,
  item: unknown,
  document: YamlDocument,
  nodes: readonly NodeEntry[],
  environment: { readonly variables: Fields; readonly defaults: Defaults },
  log: ProblemLog,
): Slot | null {
  const path = ["slots", index];
  const fields = fieldsAt(document, path, item, SlotFields, log, { instead: SKIPPED });
  if (fields === null) return null;
  const given = accept(SlotFields.properties.name, fields.get("name"), log, SKIPPED);
  if (given === undefined && fields.has("name")) return null;
  const name = given ?? impliedName(index);
  const said = fields.get("nodes");
  // As it is without any slot in the file: a Spark that is added later joins by itself.
  const isOverAll = name === MAIN && said === undefined;
  const members = isOverAll ? allUsable(nodes) : membersOf(said, document.origin(path), nodes, log);
  if (members === null) return null;
  const valid =
    name === MAIN ? new Map([...fields, ...validOnly(environment.variables, environment.defaults)]) : fields;
  return { name, nodes: members, ...placeOf(valid, environment.defaults, log) };
}

/** Variables that were refused have been reported and must not hide what the file says. */
function validOnly(variables: Fields, accepted: Defaults): Fields {
  return new Map([...variables].filter(([key, field]) => accepted[key as keyof Defaults] === field.value));
}

function membersOf(
  field: Field | undefined,
  slot: Origin,
  nodes: readonly NodeEntry[],
  log: ProblemLog,
): readonly string[] | null {
  const members = accept(SlotFields.properties.nodes, field, log, SKIPPED);
  if (field === undefined) log.add(slot, "The slot names no nodes.", SKIPPED);
  if (field === undefined || members === undefined) return null;
  for (const [index, name] of members.entries()) {
    const reason = unusable(name, members.indexOf(name) !== index, nodes);
    if (reason !== null) {
      log.add(field.at(index), reason, SKIPPED);
      return null;
    }
  }
  return members;
}

function unusable(name: string, isRepeated: boolean, nodes: readonly NodeEntry[]): string | null {
  if (isRepeated) return `The node "${name}" is named twice.`;
  const node = nodes.find((other) => other.name === name);
  if (node === undefined) return `There is no node named "${name}".`;
  return isUsable(node) ? null : `The node "${name}" is misconfigured.`;
}

const isUsable = (node: NodeEntry): boolean => node.status === "configured";
