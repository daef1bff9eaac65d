/** How far a download is and how fast it goes, from the sizes of its folder. Pure. */

const WINDOW_MS = 30_000;
const MOST_SAMPLES = 200;
/** Sizes are stated in rounded figures: it is not done before the script says so. */
const NEARLY = 0.99;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

/** The pace of the last half minute. One for each Spark that is being filled. */
export class Pace {
  #samples: Sample[] = [];

  /** @param at milliseconds */
  add(at: number, bytes: number): void {
    // A folder that shrank was begun anew.
    if (bytes < (this.#samples.at(-1)?.bytes ?? 0)) this.#samples = [];
    this.#samples = [...this.#samples, { at, bytes }].filter((each) => at - each.at <= WINDOW_MS).slice(-MOST_SAMPLES);
  }

  /** Null before there are two different times. */
  get bytesPerSecond(): number | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.at <= first.at) return null;
    return Math.round(((last.bytes - first.bytes) / (last.at - first.at)) * 1000);
  }
}

/** 0 to 0.99, over all Sparks. @param sizes bytes on each, in the order of the nodes */
export function progressOf(sizes: readonly (number | null)[], total: number | null): number | null {
  if (total === null || total <= 0 || sizes.length === 0) return null;
  const share = sizes.reduce<number>((sum, bytes) => sum + Math.min(1, (bytes ?? 0) / total), 0) / sizes.length;
  return Math.round(Math.min(NEARLY, share) * 1000) / 1000;
}

export function etaOf(bytes: number | null, total: number | null, bytesPerSecond: number | null): number | null {
  if (bytes === null || total === null || bytesPerSecond === null || bytesPerSecond <= 0) return null;
  return Math.max(0, Math.round((total - bytes) / bytesPerSecond));
}
