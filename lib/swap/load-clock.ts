/**
 * How long a load has been watched, and for how long it has shown nothing new. Counted in rounds rather than told from the wall
 * clock, which may be set while a model loads; kept with the swap, so that a restart of the controller does not begin anew.
 */
export interface LoadTimes {
  readonly watchedMs: number;
  /** Since it last showed that it goes on; what passed while no controller watched is not in it. */
  readonly quietMs: number;
}

export const NOT_WATCHED: LoadTimes = { watchedMs: 0, quietMs: 0 };

/** A round that seems to have taken longer is a clock that was set, or a machine that slept. */
const MOST_ROUND_MS = 60_000;

export class LoadClock {
  #last = Date.now();

  constructor(private times: LoadTimes) {}

  /** To be called in every round. */
  tick(): LoadTimes {
    const now = Date.now();
    const passed = Math.min(Math.max(now - this.#last, 0), MOST_ROUND_MS);
    this.#last = now;
    this.times = { watchedMs: this.times.watchedMs + passed, quietMs: this.times.quietMs + passed };
    return this.times;
  }

  /** It has shown that it goes on. */
  heard(): void {
    this.tick();
    this.times = { ...this.times, quietMs: 0 };
  }
}
