/** How much of a time a Spark could be reached, bar by bar, and the same in words. */
import { type Child, h } from "../dom.ts";
import { clockTime, duration, plural } from "../format.ts";
import type { Availability, Window } from "./calls.ts";

type Reach = Availability["sparks"][number];
type Bucket = Reach["buckets"][number];

/** Bars that a telephone has room for; the server tells finer ones. */
const MOST_BARS = 48;
export const WINDOW_WORDS: Readonly<Record<Window, string>> = {
  day: "last 24 hours",
  week: "last 7 days",
  month: "last 30 days",
};

export function reachBars(reach: Reach, window: Window, now: number): Child {
  const bars = mergedTo(MOST_BARS, reach.buckets);
  return h(
    "div",
    { class: "reach", role: "img", "aria-label": reachWords(reach, window) },
    ...bars.map((bar) => h("i", { "data-s": stateOf(bar), title: `From ${clockTime(bar.at, now)}: ${barWords(bar)}` })),
  );
}

export const percentWord = ({ percent_up: percent }: Reach): string =>
  // What is not whole must not look as if it were.
  percent === null ? "not known" : `${percent === 100 ? 100 : Math.min(percent, 99.99).toFixed(2)} %`;

function reachWords(reach: Reach, window: Window): string {
  const { spark, outages, down_seconds: down, percent_up: percent } = reach;
  if (percent === null) return `${spark}: nobody watched in the ${WINDOW_WORDS[window]}.`;
  const share = `${spark} could be reached ${percentWord(reach)} of the ${WINDOW_WORDS[window]}`;
  return outages === 0
    ? `${share}, without an outage.`
    : `${share}, with ${plural(outages, "outage")} of ${duration(down)} together.`;
}

function stateOf({ down_seconds: down, up_seconds: up }: Bucket): "ok" | "warn" | "bad" | "unknown" {
  if (down > 0) return down > up ? "bad" : "warn";
  return up > 0 ? "ok" : "unknown";
}

function barWords({ down_seconds: down, up_seconds: up, unknown_seconds: unknown }: Bucket): string {
  if (down > 0) return `out of reach for ${duration(down)}`;
  return up > 0 ? "reachable" : unknown > 0 ? "nobody watched" : "not yet";
}

/** Neighbours added up, so that no more than so many are left. */
function mergedTo(most: number, buckets: readonly Bucket[]): Bucket[] {
  const each = Math.ceil(buckets.length / most);
  const merged: Bucket[] = [];
  for (let at = 0; at < buckets.length; at += each) {
    const group = buckets.slice(at, at + each);
    const sum = (of: (bucket: Bucket) => number) => group.reduce((total, bucket) => total + of(bucket), 0);
    merged.push({
      at: group[0]?.at ?? "",
      up_seconds: sum((bucket) => bucket.up_seconds),
      down_seconds: sum((bucket) => bucket.down_seconds),
      unknown_seconds: sum((bucket) => bucket.unknown_seconds),
    });
  }
  return merged;
}
