/**
 * When an entry runs. croner reads crontab's five fields and knows time zones. Around a change of daylight saving a fixed
 * time that does not exist runs at the first moment after the gap, one that exists twice runs once, at the first; entries
 * of every so many minutes keep to their real distance. No callback is ever given to croner: it computes, nothing fires.
 */
import { Cron } from "croner";
import { Fault } from "../fault.ts";
import type { KeptEntry } from "./schedule.ts";

type When = Pick<KeptEntry, "at" | "cron" | "timezone">;

const OFFSET = /(?:Z|[+-]\d{2}:?\d{2})$/i;
const LOCAL = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?)?$/;
const MACRO = /^@/;
/** What begins more often is not a plan for the GPUs. */
const CLOSEST_MS = 5 * 60_000;
const LOOKED_AT = 12;

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
  const pattern = patternOf(when);
  const runs: number[] = [];
  for (let last = new Date(after); runs.length < most; ) {
    const next = pattern.nextRun(last);
    if (next === null || (next.getTime() >= until && runs.length >= least)) break;
    runs.push(next.getTime());
    last = next;
  }
  return runs;
}

/** The moment of a one-time entry; null when there is no such time. */
function momentOf(at: string, timezone: string): number | null {
  if (!isDay(at)) return null;
  if (OFFSET.test(at)) {
    const moment = Date.parse(at);
    return Number.isNaN(moment) ? null : moment;
  }
  if (!LOCAL.test(at)) return null;
  const text = at.length === 10 ? `${at}T00:00:00` : at.length === 16 ? `${at}:00` : at;
  try {
    return new Cron(text, { timezone, paused: true }).nextRun(new Date(0))?.getTime() ?? null;
  } catch {
    return null;
  }
}

/** Dates such as 31 February would be taken for another day. */
function isDay(at: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})/.exec(at)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return false;
  return new Date(Date.UTC(year, month - 1, day)).toISOString().startsWith(at.slice(0, 10));
}

const patternOf = ({ cron, timezone }: When): Cron => new Cron(cron ?? "", { timezone, paused: true, mode: "5-part" });

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
  let next: readonly number[] = [];
  try {
    next = runsAfter({ at, cron, timezone }, Date.now(), { most: LOOKED_AT });
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
