/**
 * How many requests at a time an upstream takes without making them wait inside it, found by their latency. Pure.
 *
 * A gradient limit as in Netflix' concurrency-limits: while latency stays near what it is when the upstream has room, the limit
 * grows by its square root for each window of samples; when latency is above the tolerance, it shrinks in proportion. What "has
 * room" means is measured anew from time to time with half the limit, because a baseline that only learns from a busy
 * upstream takes its queue for its service time.
 */

export interface AdaptiveOptions {
  readonly least: number;
  readonly most: number;
  /** Latency above the baseline that is accepted, as a factor. */
  readonly tolerance: number;
  /** Share of a new estimate in the limit. */
  readonly smoothing: number;
  /** Windows from one look at the baseline to the next. */
  readonly windowsPerProbe: number;
}

export const ADAPTIVE: Omit<AdaptiveOptions, "most"> = {
  least: 1,
  tolerance: 1.5,
  smoothing: 0.3,
  windowsPerProbe: 50,
};

const FEWEST_SAMPLES = 10;
/** A single window never cuts the limit by more. */
const LEAST_GRADIENT = 0.5;
/** Below this part of the limit in flight its latency says nothing about the limit. */
const USED = 0.8;
/** Windows before the first look at the baseline. */
const FIRST_PROBE = 3;
const ALL_WAITING = 1.8;
/** After a failure of the upstream. */
const BACK_OFF = 0.8;

export class AdaptiveLimit {
  #limit: number;
  #baselineMs: number | null = null;
  readonly #samples: number[] = [];
  /** Of the last window that was no look at the baseline. */
  #latencyMs = 0;
  #mostInFlight = 0;
  #windows = 0;
  /** Samples to pass over: their requests went out under another limit. */
  #skip = 0;
  #isProbing = false;

  constructor(
    private readonly options: () => AdaptiveOptions,
    start = 8,
  ) {
    this.#limit = start;
  }

  /** Requests at a time. */
  get limit(): number {
    const { least, most } = this.options();
    const limit = this.#isProbing ? this.#limit / 2 : this.#limit;
    return Math.max(least, Math.min(most, Math.floor(limit)));
  }

  /** An answer has begun. @param inFlight how many were out when its request went */
  saw(latencyMs: number, inFlight: number): void {
    if (this.#skip > 0) {
      this.#skip--;
      return;
    }
    this.#samples.push(latencyMs);
    this.#mostInFlight = Math.max(this.#mostInFlight, inFlight);
    if (this.#samples.length >= Math.max(FEWEST_SAMPLES, this.limit)) this.#close();
  }

  /** The upstream gave no answer. */
  failed(): void {
    this.#set(this.#limit * BACK_OFF);
  }

  #close(): void {
    const latencyMs = median(this.#samples);
    const isUsed = this.#mostInFlight >= this.limit * USED;
    this.#samples.length = 0;
    this.#mostInFlight = 0;
    this.#windows++;
    if (this.#isProbing) {
      this.#probed(latencyMs);
      return;
    }
    this.#latencyMs = latencyMs;
    if (this.#baselineMs === null || latencyMs < this.#baselineMs) this.#baselineMs = latencyMs;
    if (isUsed) this.#adjust(latencyMs, this.#baselineMs);
    const { windowsPerProbe } = this.options();
    if (this.#windows === FIRST_PROBE || this.#windows % windowsPerProbe === 0) this.#probe();
  }

  #probe(): void {
    this.#isProbing = true;
    // Those that are out and those that they made wait.
    this.#skip = Math.ceil(this.#limit);
  }

  /** Where half the limit has (nearly) halved the latency, all of it was waiting: that half is looked at in the same way. */
  #probed(latencyMs: number): void {
    this.#baselineMs = latencyMs;
    this.#isProbing = false;
    this.#skip = this.limit;
    if (this.#latencyMs < latencyMs * ALL_WAITING) return;
    this.#set(this.#limit / 2);
    this.#latencyMs = latencyMs;
    if (this.#limit > this.options().least) this.#probe();
  }

  #adjust(latencyMs: number, baselineMs: number): void {
    const { tolerance, smoothing } = this.options();
    const gradient = Math.max(LEAST_GRADIENT, Math.min(1, (tolerance * baselineMs) / latencyMs));
    const room = gradient === 1 ? Math.sqrt(this.#limit) : 0;
    this.#set(this.#limit * (1 - smoothing) + (this.#limit * gradient + room) * smoothing);
  }

  #set(limit: number): void {
    const { least, most } = this.options();
    this.#limit = Math.max(least, Math.min(most, limit));
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
