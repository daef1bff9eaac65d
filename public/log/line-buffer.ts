/** The lines of a log that the page keeps: an unbroken stretch, newest last, at most so many. */
import type { LogLine } from "../../lib/swap/swap.ts";

export type { LogLine };

export class LineBuffer {
  #lines: LogLine[] = [];

  /** @param most lines that are kept */
  constructor(readonly most: number) {}

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** Number of the first line that is kept; 1 when there is none. */
  get first(): number {
    return this.#lines[0]?.seq ?? 1;
  }

  /** Number of the last line that is kept; 0 when there is none. */
  get last(): number {
    return this.#lines.at(-1)?.seq ?? 0;
  }

  /** Lines at the beginning that are not here: dropped, or never asked for. */
  get skipped(): number {
    return this.first - 1;
  }

  /**
   * Takes newer lines. What is known is passed over; after a gap the former lines go, so that the stretch is unbroken.
   * @returns how many were dropped at the front
   */
  append(newer: readonly LogLine[]): number {
    const fresh = newer.filter(({ seq }) => seq > this.last);
    const [first] = fresh;
    if (!first) return 0;
    const before = this.#lines.length;
    const kept = first.seq === this.last + 1 || before === 0 ? this.#lines : [];
    const whole = [...kept, ...fresh];
    this.#lines = whole.length > this.most ? whole.slice(whole.length - this.most) : whole;
    return Math.max(0, before + fresh.length - this.#lines.length);
  }

  /** Takes older lines, as many as there is room for, that end where the kept ones begin. @returns how many */
  prepend(older: readonly LogLine[]): number {
    const room = this.most - this.#lines.length;
    if (older.at(-1)?.seq !== this.first - 1 || room <= 0) return 0;
    const fitting = older.slice(-room);
    this.#lines = [...fitting, ...this.#lines];
    return fitting.length;
  }
}
