/**
 * Whether a model fits, as it was before the swap that runs now: in the middle of one, memory is neither the old model's
 * nor the new one's. Reads signals.
 */
import type { Model } from "./api.ts";
import { models, running } from "./state.ts";

type Fit = Model["fit"];

const UNKNOWN: Fit = { verdict: "unknown", left_gib: null, reason: null };
let before = new Map<string, Fit>();

export function fitOf(model: Model): Fit {
  if (running.value.length > 0) return before.get(model.key) ?? UNKNOWN;
  if (before.get(model.key) !== model.fit) before = new Map(models.value.map(({ key, fit }) => [key, fit]));
  return model.fit;
}
