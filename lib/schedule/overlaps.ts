/**
 * Which entries get in each other's way: one sweep over all runs by their start, which remembers of each entry its latest run
 * only. All runs of an entry are of one length, so that the latest ends last. Pure.
 */
import type { KeptEntry } from "./schedule.ts";

/** A run in milliseconds; one of unknown length is a moment. */
export interface Span {
  readonly entry: KeptEntry;
  readonly start: number;
  readonly end: number;
}

export interface Overlap {
  /** The first two runs that meet, the one that begins earlier first. */
  readonly first: Span;
  readonly second: Span;
  /** Pairs of their runs that meet. */
  readonly count: number;
}

/**
 * Each pair of entries once. Beyond `most` pairs only those that name an entry which no other pair has named.
 * @param spans by their start
 * @param share whether two entries want the same GPUs
 */
export function overlapsOf(
  spans: readonly Span[],
  share: (one: KeptEntry, other: KeptEntry) => boolean,
  most: number,
): Overlap[] {
  const numbers = new Map<KeptEntry, number>();
  const starts: number[][] = [];
  for (const { entry, start } of spans) {
    if (!numbers.has(entry)) starts[numbers.size] = [];
    if (!numbers.has(entry)) numbers.set(entry, numbers.size);
    starts[numbers.get(entry)!]!.push(start);
  }
  const size = numbers.size;
  /** Of each entry: the others of which it is not known yet whether the two meet, or want the same GPUs. */
  const unsettled = Array.from({ length: size }, (_, own) => new Set(starts.keys().filter((each) => each !== own)));
  const latest: Span[] = [];
  /** Whose latest run may still go on. */
  const open = new Set<number>();
  const named = new Set<number>();
  const found: { readonly one: number; readonly other: number; readonly first: Span; readonly second: Span }[] = [];

  const goesOn = (first: Span | undefined, { start }: Span): first is Span =>
    first !== undefined && (first.end > start || first.start === start);
  const settle = (one: number, other: number, first: Span, second: Span) => {
    unsettled[one]!.delete(other);
    unsettled[other]!.delete(one);
    if (!share(first.entry, second.entry)) return;
    if (found.length >= most && named.has(one) && named.has(other)) return;
    found.push({ one, other, first, second });
    named.add(one).add(other);
  };

  for (const second of spans) {
    if (found.length >= most && named.size === size) break;
    const other = numbers.get(second.entry)!;
    const others = unsettled[other]!;
    // Whichever are fewer: with thousands of runs it is mostly none.
    if (others.size < open.size) {
      for (const one of others) if (goesOn(latest[one], second)) settle(one, other, latest[one]!, second);
    } else
      for (const one of open) {
        const first = latest[one];
        if (!goesOn(first, second)) open.delete(one);
        else if (others.has(one)) settle(one, other, first, second);
      }
    latest[other] = second;
    open.add(other);
  }
  return found.map(({ one, other, first, second }) => ({
    first,
    second,
    count: meetings(starts[one]!, lengthOf(first), starts[other]!, lengthOf(second)),
  }));
}

/** A moment takes the place of a millisecond. */
const lengthOf = ({ start, end }: Span) => Math.max(end - start, 1);

/** How many pairs of runs meet. @param starts ascending */
function meetings(starts: readonly number[], length: number, others: readonly number[], otherLength: number): number {
  let [from, to, count] = [0, 0, 0];
  for (const start of starts) {
    while (from < others.length && others[from]! <= start - otherLength) from++;
    while (to < others.length && others[to]! < start + length) to++;
    count += to - from;
  }
  return count;
}
