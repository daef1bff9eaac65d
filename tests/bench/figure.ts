/** What a bench reports: series of measurements with the bar that their median must stay under. */
import { median } from "./statistics.ts";

/** `below` excludes the bar itself, `atMost` includes it. */
export type Bar = { readonly below: number } | { readonly atMost: number } | { readonly atLeast: number };

export interface Figure {
  readonly name: string;
  readonly unit: "ms" | "s" | "MB" | "%" | "lines/s" | "lines" | "×" | "/s";
  /** One value a round, never empty. */
  readonly values: readonly number[];
  /** Null: reported only. */
  readonly bar: Bar | null;
}

/** What could not be measured on this machine, and why. */
export interface Skipped {
  readonly name: string;
  readonly skipped: string;
}

export type Result = Figure | Skipped;

export type Verdict = "pass" | "FAIL" | "skipped" | "";

/** Empty for a figure without a bar. */
export function verdict(result: Result): Verdict {
  if ("skipped" in result) return "skipped";
  const { bar, values } = result;
  if (bar === null) return "";
  const value = median(values);
  if ("below" in bar) return value < bar.below ? "pass" : "FAIL";
  if ("atMost" in bar) return value <= bar.atMost ? "pass" : "FAIL";
  return value >= bar.atLeast ? "pass" : "FAIL";
}

/**
 * 1 when a bar is missed, else 0.
 * @param requireAll what was skipped counts as missed
 */
export function exitCode(results: readonly Result[], requireAll: boolean): 0 | 1 {
  const verdicts = results.map(verdict);
  return verdicts.includes("FAIL") || (requireAll && verdicts.includes("skipped")) ? 1 : 0;
}
