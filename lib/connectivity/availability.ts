/** How much of a time a Spark could be reached, for a chart. Pure. */

export interface Span {
  /** Milliseconds since the epoch; `to` excluded. */
  readonly from: number;
  readonly to: number;
}

export interface Bucket {
  readonly from: number;
  readonly upSeconds: number;
  readonly downSeconds: number;
  /** Nobody watched. */
  readonly unknownSeconds: number;
}

export const WINDOWS = {
  day: { buckets: 96, bucketMs: 900_000 },
  week: { buckets: 84, bucketMs: 7_200_000 },
  month: { buckets: 120, bucketMs: 21_600_000 },
} as const;
export type Window = keyof typeof WINDOWS;

/**
 * Buckets on whole multiples of their length, the last one holding `now`; what lies after `now` counts as nothing.
 * @param watched   when the controller polled this Spark, in order and without overlap
 * @param outages   in order and without overlap; one that goes on ends at `now`
 */
export function bucketsOf(
  window: Window,
  now: number,
  watched: readonly Span[],
  outages: readonly Span[],
): readonly Bucket[] {
  const { buckets, bucketMs } = WINDOWS[window];
  const end = Math.floor(now / bucketMs + 1) * bucketMs;
  return Array.from({ length: buckets }, (_, index) => {
    const from = end - (buckets - index) * bucketMs;
    const bucket = { from, to: Math.min(from + bucketMs, now) };
    const down = overlap(bucket, outages);
    // What began while somebody watched and was still there afterwards is down in between, too.
    const known = overlap(bucket, union(watched, outages));
    const total = Math.max(0, bucket.to - bucket.from);
    return {
      from,
      upSeconds: seconds(known - down),
      downSeconds: seconds(down),
      unknownSeconds: seconds(total - known),
    };
  });
}

/** Null when nothing is known of the time. */
export function percentUp(buckets: readonly Bucket[]): number | null {
  const up = buckets.reduce((sum, bucket) => sum + bucket.upSeconds, 0);
  const down = buckets.reduce((sum, bucket) => sum + bucket.downSeconds, 0);
  return up + down === 0 ? null : Math.round((up / (up + down)) * 1e5) / 1e3;
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10;

function overlap({ from, to }: Span, spans: readonly Span[]): number {
  return spans.reduce((sum, span) => sum + Math.max(0, Math.min(to, span.to) - Math.max(from, span.from)), 0);
}

function union(...lists: readonly (readonly Span[])[]): Span[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of lists.flat().sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}
