/** The knee of a service: how many requests at a time it takes before more of them only make each other wait. Pure but for `measure`. */

export interface Level {
  /** Requests at a time. */
  readonly concurrency: number;
  readonly perSecond: number;
  /** Median, in milliseconds. */
  readonly latencyMs: number;
  readonly failed: number;
}

export interface Knee {
  readonly level: Level;
  /** `gateway_…_in_flight` to set. */
  readonly limit: number;
  /** False: throughput still grew with the highest level, so that the knee may lie beyond. */
  readonly isReached: boolean;
}

/** More throughput than this from one level to the next counts as growth. */
const GROWTH = 1.1;

/** 1, 2, 3, 4, 6, 8, 12, … */
export function levels(most: number): number[] {
  const all: number[] = [];
  for (let power = 1; power <= most; power *= 2) all.push(power, Math.floor(power * 1.5));
  return [...new Set(all)].filter((level) => level <= most).sort((a, b) => a - b);
}

/**
 * Kleinrock's knee: where throughput ÷ latency is greatest ("Power and deterministic rules of thumb for probabilistic problems
 * in computer communications", 1979).
 * @throws RangeError when nothing was measured without failures
 */
export function kneeOf(measured: readonly Level[]): Knee {
  const sound = measured.filter(({ failed, perSecond }) => failed === 0 && perSecond > 0);
  const power = ({ perSecond, latencyMs }: Level) => perSecond / latencyMs;
  const [first, ...rest] = sound;
  if (!first) throw new RangeError("not one level was measured without failures");
  const level = rest.reduce((best, one) => (power(one) > power(best) ? one : best), first);
  const last = measured.at(-1);
  const before = measured.at(-2);
  const stillGrows =
    last === level ||
    (!!last &&
      !!before &&
      last.failed === 0 &&
      last.perSecond > before.perSecond * GROWTH &&
      power(last) >= power(before));
  return { level, limit: level.concurrency, isReached: !stillGrows };
}

/**
 * So many requests at a time, each followed by the next.
 * @param ask one request, to the end of its answer; rejects when it fails
 */
export async function measure(ask: () => Promise<void>, concurrency: number, forMs: number): Promise<Level> {
  const latencies: number[] = [];
  let failed = 0;
  const began = performance.now();
  const end = began + forMs;
  let last = began;
  const worker = async () => {
    do {
      const at = performance.now();
      try {
        await ask();
        last = performance.now();
        latencies.push(last - at);
      } catch {
        failed++;
      }
    } while (performance.now() < end && failed === 0);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    concurrency,
    perSecond: latencies.length / Math.max(0.001, (last - began) / 1000),
    latencyMs: sorted[Math.floor(sorted.length / 2)] ?? 0,
    failed,
  };
}
