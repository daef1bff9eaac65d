/**
 * What the stream tells of single things, one at a time. A signal that holds only the last one loses what is told before
 * its readers have their turn, and an answer that was asked for before is older than what was told since.
 */
import { signal } from "./store.ts";

/** More at once than a page shows. */
const MOST = 200;

export class News<Thing extends { readonly id: string }> {
  readonly #told = signal<readonly Thing[]>([]);

  /** As each was told last in this connection, the latest first. Reads a signal. */
  get all(): readonly Thing[] {
    return this.#told.value;
  }

  tell(thing: Thing): void {
    this.#told.value = [thing, ...this.all.filter(({ id }) => id !== thing.id)].slice(0, MOST);
  }

  /** At a new connection: whatever is asked for from now on knows more. */
  forget(): void {
    if (this.all.length > 0) this.#told.value = [];
  }
}

/** @returns `list` with what was told since `before`, the latest first, where it is new */
export function withNews<Thing extends { readonly id: string }>(
  list: readonly Thing[],
  told: readonly Thing[],
  before: readonly Thing[],
): readonly Thing[] {
  const fresh = told.filter((thing) => !before.includes(thing));
  if (fresh.length === 0) return list;
  const known = new Set(list.map(({ id }) => id));
  return [
    ...fresh.filter(({ id }) => !known.has(id)),
    ...list.map((thing) => fresh.find(({ id }) => id === thing.id) ?? thing),
  ];
}
