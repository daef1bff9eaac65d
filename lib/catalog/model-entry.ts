/** One entry of the catalog: from fields, whichever layers they come from, to a model. */
import { ModelFields } from "../config/catalog-schema.ts";
import { refusalOf } from "../config/field-types.ts";
import type { Field, Fields, ProblemLog } from "../config/fields.ts";
import type { Origin } from "../config/origin.ts";
import type { Model } from "./catalog.ts";
import { reservedArgument, templateRefusal, templatesInArguments } from "./model-arguments.ts";

export const GPU_MEMORY_UTILIZATION = 0.8;

const { properties } = ModelFields;
type Key = keyof typeof properties;

/** Reports every malformed field with `instead`. @returns whether all are fine */
export function checkFields(fields: Fields, log: ProblemLog, instead: string): boolean {
  const before = log.problems.length;
  for (const [key, field] of fields) {
    if (field.value === null) continue;
    const refusal = refusalOf(properties[key as Key], field.value);
    if (refusal !== null) log.add(field.at(...refusal.path), `The value ${refusal.reason}.`, instead);
  }
  return log.problems.length === before;
}

/**
 * The model that checked fields describe, or null when they contradict each other, which is reported with `instead`.
 * @param origin of the whole entry, for what is missing rather than wrong
 */
export function modelOf(
  key: string,
  fields: Fields,
  origin: Origin,
  layer: Model["origin"],
  log: ProblemLog,
  instead: string,
): Model | null {
  const text = (name: Key): string | null => (fields.get(name)?.value as string | null | undefined) ?? null;
  const number = (name: Key): number | null => (fields.get(name)?.value as number | null | undefined) ?? null;
  const list = (name: Key): readonly string[] => (fields.get(name)?.value as string[] | null | undefined) ?? [];
  const refuse = (at: Origin, message: string): null => {
    log.add(at, message, instead);
    return null;
  };

  const [repo, path] = [text("repo"), text("local_path")];
  if (repo !== null && path !== null) {
    return refuse(
      fields.get("local_path")?.at() ?? origin,
      "The entry has both repo and local_path; exactly one is needed.",
    );
  }
  const source =
    repo !== null
      ? ({ kind: "repo", repo } as const)
      : path !== null
        ? ({ kind: "local", path: withoutSlash(path) } as const)
        : null;
  if (source === null) return refuse(origin, "The entry has neither repo nor local_path; exactly one is needed.");

  const args = list("args");
  const reserved = reservedArgument(args);
  if (reserved !== null) return refuse(fields.get("args")?.at(reserved.index) ?? origin, reserved.message);

  for (const { path, at } of templates(fields, args)) {
    const reason = source.kind === "local" ? templateRefusal(source.path, path) : null;
    if (reason !== null) return refuse(at, reason);
  }

  return {
    key,
    name: text("name") ?? nameFrom(repo ?? path ?? key),
    source,
    nodes: number("nodes") ?? 1,
    quantization: text("quantization"),
    size_gb: number("size_gb"),
    gpu_memory_utilization: number("gpu_memory_utilization") ?? GPU_MEMORY_UTILIZATION,
    max_model_len: number("max_model_len"),
    served_name: text("served_name"),
    aliases: [...new Set(list("aliases"))],
    args,
    chat_template: text("chat_template"),
    env: environmentOf(fields.get("env")),
    mods: list("mods"),
    image: text("image"),
    note: text("note"),
    origin: layer,
  };
}

function templates(fields: Fields, args: readonly string[]): { path: string; at: Origin }[] {
  const field = fields.get("chat_template");
  const argsField = fields.get("args");
  const own = field && typeof field.value === "string" ? [{ path: field.value, at: field.at() }] : [];
  const inArguments = templatesInArguments(args).map(({ index, path }) => ({ path, at: argsField?.at(index) }));
  return [...own, ...inArguments].filter((one): one is { path: string; at: Origin } => one.at !== undefined);
}

function environmentOf(field: Field | undefined): Readonly<Record<string, string>> {
  const entries = Object.entries((field?.value as Record<string, string | number> | null | undefined) ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

const withoutSlash = (path: string): string => (path.endsWith("/") ? path.slice(0, -1) : path);

/** `QuantTrio/MiniMax-M2-AWQ` → `MiniMax-M2-AWQ` */
const nameFrom = (source: string): string => withoutSlash(source).split("/").at(-1) ?? source;
