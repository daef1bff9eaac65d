/** When something that the page watches got into its state. The API does not say it of every thing. */
import type { SparkNode } from "./api.ts";
import { serverNow } from "./clock.ts";

const seen = new Map<string, { readonly state: string; readonly at: number | null }>();

/**
 * @param name of what is watched, among all that are
 * @returns milliseconds since 1970; null when it was in this state before the page first saw it
 */
export function changedAt(name: string, state: string): number | null {
  const before = seen.get(name);
  if (before?.state === state) return before.at;
  const at = before ? serverNow() : null;
  seen.set(name, { state, at });
  return at;
}

export const nodeChangedAt = ({ name, state }: SparkNode): number | null => changedAt(`node ${name}`, state);
