/** The next 24 hours as lanes: where each bar begins and ends, and in which row it has room. Pure. */
import type { Schedule } from "./api.ts";

export const HOURS = 24;
const HOUR_MS = 3_600_000;
/** Room for the label of a short bar, so that two do not share a place. */
const LABEL_HOURS = 6;
/** A run without a duration is drawn this long. */
const UNKNOWN_HOURS = 0.5;
export const ROWS = 3;

export interface Span {
  /** Hours since the beginning of the line, 0..24. */
  readonly from: number;
  readonly to: number;
}
export interface PlannedBar extends Span {
  readonly run: Schedule["runs"][number];
  readonly row: number;
  /** The label stands before the bar, where behind it there is no room. */
  readonly before: boolean;
  readonly clashes: boolean;
}

/** The line begins with the hour that runs. @param now milliseconds since 1970 */
export function startOf(now: number): number {
  const hour = new Date(now);
  return hour.setMinutes(0, 0, 0);
}

/** Null when nothing of it lies within the line. */
export function spanOf(start: number, from: string | number, to: string | number): Span | null {
  const at = (time: string | number) => (new Date(time).getTime() - start) / HOUR_MS;
  const span = { from: Math.max(0, at(from)), to: Math.min(HOURS, at(to)) };
  return span.to > 0 && span.from < HOURS && span.to > span.from ? span : null;
}

/** Those that have room, in the first row that is free; others are in the list of plans. */
export function plannedBars(start: number, { runs, warnings }: Schedule): PlannedBar[] {
  const clashing = new Set(warnings.filter(({ kind }) => kind === "overlap").flatMap(({ entries }) => entries));
  const taken: Span[][] = Array.from({ length: ROWS }, () => []);
  return runs.flatMap((run): PlannedBar[] => {
    const end = run.ends_at ?? new Date(run.starts_at).getTime() + UNKNOWN_HOURS * HOUR_MS;
    const span = spanOf(start, run.starts_at, end);
    if (!span) return [];
    const before = span.to + LABEL_HOURS > HOURS;
    const room = before
      ? { from: span.from - LABEL_HOURS, to: span.to }
      : { from: span.from, to: span.to + LABEL_HOURS };
    const row = taken.findIndex((spans) => spans.every((each) => each.to <= room.from || each.from >= room.to));
    if (row < 0) return [];
    taken[row]?.push(room);
    return [{ ...span, run, row, before, clashes: clashing.has(run.entry_id) }];
  });
}
