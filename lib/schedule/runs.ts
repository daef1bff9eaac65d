/**
 * When an entry runs. croner reads crontab's five fields and names wall times; what a change of daylight saving makes of
 * them is decided here. With `*` for the hour an entry follows real time: it runs at every matching minute that passes, twice
 * in an hour that comes twice, never in a gap. With any other hour each wall time of the pattern happens once: one that does
 * not exist at the first moment after the gap (all that fall into it are one run), one that exists twice at the first.
 * No callback is ever given to croner: it computes, nothing fires.
 */
import { Cron } from "croner";
import { Fault } from "../fault.ts";
import { LocalTime } from "./local-time.ts";
import type { KeptEntry } from "./schedule.ts";

type When = Pick<KeptEntry, "at" | "cron" | "timezone">;

const OFFSET = /(?:Z|[+-]\d{2}:?\d{2})$/i;
const LOCAL = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?)?$/;
const MACRO = /^@/;
/** The second of the five fields; croner takes `?` for `*`. */
const EVERY_HOUR = /^\s*\S+\s+[*?]\s/;
/** What begins more often is not a plan for the GPUs. */
const CLOSEST_MS = 5 * 60_000;
const LOOKED_AT = 12;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export interface Wanted {
  /** At most so many. */
  readonly most: number;
  /** Only those before this moment, in milliseconds since the epoch … */
  readonly until?: number;
  /** … but always so many, if there are. */
  readonly least?: number;
}

/** Starts of runs as milliseconds since the epoch, ascending: the first ones after `after`. */
export function runsAfter(
  when: When,
  after: number,
  { most, until = Number.POSITIVE_INFINITY, least = 0 }: Wanted,
): number[] {
  if (when.at !== null) {
    const at = momentOf(when.at, when.timezone);
    return at !== null && at > after && (at < until || least > 0) ? [at] : [];
  }
  const runs: number[] = [];
  for (const run of repeated(when, after)) {
    if (runs.length >= most || (run >= until && runs.length >= least)) break;
    runs.push(run);
  }
  return runs;
}

/** Runs of a pattern after that moment, ascending, each once. */
function* repeated(when: When, after: number): Generator<number, void, undefined> {
  const local = LocalTime.in(when.timezone);
  const isRealTime = EVERY_HOUR.test(when.cron ?? "");
  let last = after;
  /** Of wall times that come twice: the second pass begins when the first is over. */
  let secondPass: number[] = [];
  for (const wall of wallTimes(when, local.before(after))) {
    const [first, second] = isRealTime ? local.moments(wall) : [local.firstMoment(wall)];
    if (first === undefined) continue;
    if (secondPass.length > 0) {
      yield* secondPass.filter((moment) => moment < first);
      secondPass = secondPass.filter((moment) => moment >= first);
    }
    if (second !== undefined && second > after) secondPass.push(second);
    if (first <= last) continue;
    yield first;
    last = first;
  }
  yield* secondPass;
}

/**
 * What a local clock shows when the pattern matches, as fake UTC (local-time.ts). Croner takes its time over each answer, so
 * it is asked for the days only: minutes and hours are the same on each.
 */
function* wallTimes({ cron }: When, after: number): Generator<number, void, undefined> {
  const pattern = patternOf(cron ?? "");
  const [minute, hour] = (cron ?? "").trim().split(/\s+/);
  const minutes = matches(`${minute} * * * *`, HOUR_MS);
  const times = matches(`0 ${hour} * * *`, DAY_MS).flatMap((start) => minutes.map((past) => start + past));
  for (let next = pattern.nextRun(new Date(after)); next !== null; ) {
    const day = Math.floor(next.getTime() / DAY_MS) * DAY_MS;
    for (const time of times) if (day + time >= next.getTime()) yield day + time;
    next = pattern.nextRun(new Date(day + DAY_MS - MINUTE_MS));
  }
}

const patternOf = (cron: string) => new Cron(cron, { timezone: "UTC", paused: true, mode: "5-part" });

/** Milliseconds after midnight at which a pattern matches, within the first part of a day. */
function matches(cron: string, within: number): number[] {
  const pattern = patternOf(cron);
  const found: number[] = [];
  // Of a day after 1970, so that its midnight can be among them.
  for (let next = pattern.nextRun(new Date(DAY_MS - MINUTE_MS)); next !== null; next = pattern.nextRun(next)) {
    if (next.getTime() >= DAY_MS + within) break;
    found.push(next.getTime() - DAY_MS);
  }
  return found;
}

/** The moment of a one-time entry; null when there is no such time. */
function momentOf(at: string, timezone: string): number | null {
  if (!isDay(at)) return null;
  if (OFFSET.test(at)) {
    const moment = Date.parse(at);
    return Number.isNaN(moment) ? null : moment;
  }
  if (!LOCAL.test(at)) return null;
  const wall = Date.parse(at.length === 10 ? `${at}T00:00Z` : `${at}Z`);
  return Number.isNaN(wall) ? null : LocalTime.in(timezone).firstMoment(wall);
}

/** Dates such as 31 February would be taken for another day. */
function isDay(at: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})/.exec(at)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return false;
  return new Date(Date.UTC(year, month - 1, day)).toISOString().startsWith(at.slice(0, 10));
}

/** @throws Fault 422 which says what cannot be used */
export function checkWhen({ at, cron, timezone }: When): void {
  const refuse = (code: string, message: string): never => {
    throw new Fault("invalid", code, message);
  };
  if (!isTimezone(timezone))
    refuse("unknown_timezone", "There is no such time zone. Use a name such as Europe/Berlin.");
  if ((at === null) === (cron === null))
    refuse("at_or_cron", "Say when: either `at` for once, or `cron` for again and again.");
  if (at !== null) {
    if (momentOf(at, timezone) === null)
      refuse("unusable_time", "`at` is not a time. Write it as 2026-01-31T03:00:00+01:00, or without the offset.");
    return;
  }
  if (cron !== null && MACRO.test(cron))
    refuse("unusable_cron", "Write the five fields of crontab, such as `0 3 * * *`.");
  // On the clock of a wall: whether a pattern is dense does not depend on the season in which it is registered.
  const next: number[] = [];
  try {
    for (const wall of wallTimes({ at, cron, timezone }, Date.now())) if (next.push(wall) === LOOKED_AT) break;
  } catch {
    refuse(
      "unusable_cron",
      "`cron` cannot be read. Write five fields: minute, hour, day, month, weekday; `0 3 * * *` is 3 o'clock.",
    );
  }
  if (next.length === 0) refuse("unusable_cron", "`cron` names a day that never comes.");
  if (next.some((start, index) => index > 0 && start - next[index - 1]! < CLOSEST_MS))
    refuse("too_often", "Runs must be at least five minutes apart.");
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
