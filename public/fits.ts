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
  // While nothing is set up there is nowhere to fit.
  if (model.fit.verdict === "does_not_fit" && model.fit.reason === null) return UNKNOWN;
  if (before.get(model.key) !== model.fit) before = new Map(models.value.map(({ key, fit }) => [key, fit]));
  return model.fit;
}
