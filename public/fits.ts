/** Whether a model fits, in the words of the list. While a swap runs it is as before: what the controller says takes that into account. */
import type { Model } from "./api.ts";

/** Not on every disk that it needs, and it can be had: a swap to it begins with a download. */
export function needsDownload({ local, availability }: Model): boolean {
  return !local && (availability === "needs_download" || availability === "partial");
}

type Fit = Model["fit"];

/** A model that cannot be loaded for any reason counts as one that does not fit; the reason is a whole sentence. */
export function fitOf({ not_now: notNow, fit }: Model): Fit {
  if (notNow !== null) return { verdict: "does_not_fit", left_gib: null, reason: notNow };
  return fit.verdict === "does_not_fit" ? { ...fit, reason: `Does not fit. ${fit.reason ?? ""}` } : fit;
}
