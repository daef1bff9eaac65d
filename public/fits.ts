/**
 * Whether a model fits, as it was before the swap that runs now: in the middle of one, memory is neither the old model's
 * nor the new one's. Reads signals.
 */
import type { Model } from "./api.ts";
import { models, running } from "./state.ts";

type Fit = Model["fit"];

const UNKNOWN: Fit = { verdict: "unknown", left_gib: null, reason: null };
let before = new Map<string, Fit>();

/** A model that cannot be loaded for any reason counts as one that does not fit; the reason is a whole sentence. */
export function fitOf(model: Model): Fit {
  if (model.not_now !== null) return { verdict: "does_not_fit", left_gib: null, reason: model.not_now };
  const fit = measured(model);
  return fit.verdict === "does_not_fit" ? { ...fit, reason: `Does not fit. ${fit.reason ?? ""}` } : fit;
}

function measured(model: Model): Fit {
  if (running.value.length > 0) return before.get(model.key) ?? UNKNOWN;
  if (before.get(model.key) !== model.fit) before = new Map(models.value.map(({ key, fit }) => [key, fit]));
  return model.fit;
}
