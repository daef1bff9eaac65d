/** Outages as sentences, made of the log of who went away and who came back. Pure. */
import { clockTime, duration, forHow } from "../format.ts";
import type { Connectivity, ConnectivityEvent } from "./calls.ts";

export interface Outage {
  readonly spark: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  /** Null: it goes on. */
  readonly seconds: number | null;
  readonly reason: string | null;
}

/** Newest first. @param events newest first */
export function outagesOf(events: readonly ConnectivityEvent[], current: Connectivity["current"]): Outage[] {
  const isNewest = new Set(Object.keys(current));
  return events.flatMap(({ spark, at, transition, down_seconds: seconds, reason }): Outage[] => {
    const isLast = isNewest.delete(spark);
    if (transition === "up" && seconds !== null)
      return [{ spark, from: Date.parse(at) - seconds * 1_000, seconds, reason }];
    return isLast && transition === "down" && current[spark] !== "up"
      ? [{ spark, from: Date.parse(at), seconds: null, reason }]
      : [];
  });
}

/** "unreachable from 03:12 for 4 min", "unreachable since 03:12, for 4 min so far". */
export function outageWords({ from, seconds }: Outage, now: number): string {
  const begin = clockTime(from, now);
  if (seconds === null) return `unreachable since ${begin}, for ${forHow((now - from) / 1_000)} so far`;
  return `unreachable from ${begin} for ${duration(seconds)}`;
}
