/** Differences that have been seen twice in a row: a single look may meet a slot in the middle of a change. */
import type { Failure } from "./swap.ts";

export interface Difference extends Failure {
  /** When it was first seen, ISO 8601. */
  readonly since: string;
}

export class Differences {
  readonly #seen = new Map<string, { readonly difference: Difference; readonly isConfirmed: boolean }>();

  /** @param found of one look; null: all was as believed. @param at of that look, ISO 8601 */
  take(slot: string, found: Failure | null, at: string): void {
    const before = this.#seen.get(slot);
    if (!found) this.#seen.delete(slot);
    else if (before?.difference.code === found.code)
      this.#seen.set(slot, { difference: { ...found, since: before.difference.since }, isConfirmed: true });
    else this.#seen.set(slot, { difference: { ...found, since: at }, isConfirmed: false });
  }

  of(slot: string): Difference | null {
    const seen = this.#seen.get(slot);
    return seen?.isConfirmed ? seen.difference : null;
  }

  /** What was seen before no longer counts. */
  forget(slot: string): void {
    this.#seen.delete(slot);
  }
}
