/** Which model an OpenAI-style server serves. */
import { type Model, servedSource } from "../catalog/catalog.ts";
import type { HttpAnswer } from "./cluster.ts";

/** Ids of `/v1/models`, base models only (LoRA adapters have a parent); null when that was no such answer. */
export function servedIds(answer: HttpAnswer): string[] | null {
  if (answer.status !== 200 || typeof answer.body !== "object" || answer.body === null) return null;
  const { data } = answer.body as { data?: unknown };
  if (!Array.isArray(data)) return null;
  return data.flatMap((entry: { id?: unknown; parent?: unknown } | null) =>
    typeof entry?.id === "string" && !entry.parent ? [entry.id] : [],
  );
}

/** Ids of the LoRA adapters of `/v1/models`: they have a parent. */
export function adapterIds(answer: HttpAnswer): string[] {
  const { data } = (answer.body ?? {}) as { data?: unknown };
  if (answer.status !== 200 || !Array.isArray(data)) return [];
  return data.flatMap((entry: { id?: unknown; parent?: unknown } | null) =>
    typeof entry?.id === "string" && entry.parent ? [entry.id] : [],
  );
}

/** The name under which this model is served. */
export function servedName(model: Model): string {
  return model.served_name ?? servedSource(model);
}

export function servesModel(answer: HttpAnswer, model: Model): boolean {
  return servedIds(answer)?.includes(servedName(model)) ?? false;
}
