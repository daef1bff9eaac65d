/** Which lines hold the words that are searched for, and which of them is being looked at. Case does not count. */
import type { LogLine } from "./line-buffer.ts";

export class LineSearch {
  #query = "";
  /** Numbers of the lines, ascending. */
  #matches: number[] = [];
  #current: number | null = null;

  get query(): string {
    return this.#query;
  }

  get count(): number {
    return this.#matches.length;
  }

  /** Number of the line that is being looked at; null when none is. */
  get current(): number | null {
    return this.#current;
  }

  /** 1-based place of the current match among all; 0 when there is none. */
  get place(): number {
    return this.#current === null ? 0 : this.#matches.indexOf(this.#current) + 1;
  }

  /** Begins a search; an empty query ends it. */
  start(query: string, lines: readonly LogLine[]): void {
    this.#query = query.trim().toLowerCase();
    this.#current = null;
    this.#matches = this.#find(lines);
  }

  /** Lines that have come at the end. */
  append(lines: readonly LogLine[]): void {
    this.#matches.push(...this.#find(lines));
  }

  /** Lines before this number are gone. */
  dropBefore(first: number): void {
    const kept = this.#matches.findIndex((seq) => seq >= first);
    this.#matches.splice(0, kept === -1 ? this.#matches.length : kept);
    if (this.#current !== null && this.#current < first) this.#current = null;
  }

  /**
   * Goes to the next match (1) or the previous one (-1), round and round. Without a current one it begins at the line
   * `from`. @returns its number; null without matches
   */
  step(direction: 1 | -1, from: number): number | null {
    if (this.count === 0) return null;
    const here = this.#current ?? from - direction * 0.5;
    const found =
      direction === 1 ? this.#matches.find((seq) => seq > here) : this.#matches.findLast((seq) => seq < here);
    this.#current = found ?? this.#matches.at(direction === 1 ? 0 : -1) ?? null;
    return this.#current;
  }

  #find(lines: readonly LogLine[]): number[] {
    if (this.#query === "") return [];
    return lines.filter(({ line }) => line.toLowerCase().includes(this.#query)).map(({ seq }) => seq);
  }
}

/** The text in pieces, the matching ones marked. @param query in lower case; empty: one piece */
export function pieces(text: string, query: string): { readonly text: string; readonly isMatch: boolean }[] {
  if (query === "") return [{ text, isMatch: false }];
  const found: { text: string; isMatch: boolean }[] = [];
  const lower = text.toLowerCase();
  // Some characters get longer in lower case; then places in one are not places in the other.
  if (lower.length !== text.length) return [{ text, isMatch: false }];
  let from = 0;
  for (let at = lower.indexOf(query); at !== -1; at = lower.indexOf(query, from)) {
    if (at > from) found.push({ text: text.slice(from, at), isMatch: false });
    from = at + query.length;
    found.push({ text: text.slice(at, from), isMatch: true });
  }
  if (from < text.length || text === "") found.push({ text: text.slice(from), isMatch: false });
  return found;
}
