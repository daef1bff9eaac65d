/** How far a load is and how long it still takes, from what its log has told. */
import { type LoadEstimate, remaining } from "./eta.ts";
import type { LoadTimes } from "./load-clock.ts";
import { LOAD_BEGINS, type LoadProgress } from "./phases.ts";
import type { SwapJob } from "./swap.ts";

export type Measured = Pick<SwapJob, "progress" | "eta_seconds" | "part" | "quiet_seconds">;

export const UNMEASURED = { part: null, quiet_seconds: null } as const;

export class LoadMeter {
  #load: LoadProgress = LOAD_BEGINS;
  #phaseBegan = Date.now();
  /** When the percents of the phase last grew. */
  #measured = Date.now();
  /** When it last showed that it goes on. */
  #news: number | null = null;

  /** @returns null when nothing is new, else whether a phase has begun */
  take(progress: LoadProgress): { readonly moved: boolean } | null {
    if (progress === this.#load) return null;
    const moved = progress.phase !== this.#load.phase;
    this.#load = progress;
    this.#measured = Date.now();
    return { moved };
  }

  watched({ quietMs }: LoadTimes): void {
    this.#news = Date.now() - quietMs;
  }

  /** The log is read from its beginning. */
  begin(): void {
    this.#load = LOAD_BEGINS;
    this.#news = null;
  }

  phaseBegins(): void {
    this.#phaseBegan = Date.now();
  }

  /** @param shown what is shown of this leg already: it never falls */
  measure(state: SwapJob["state"], estimate: LoadEstimate, shown: number): Measured {
    if (state !== "loading" && state !== "verifying")
      return { progress: 0, eta_seconds: Math.ceil(estimate.totalSeconds), ...UNMEASURED };
    const load: LoadProgress = state === "verifying" ? { phase: "serving", part: null } : this.#load;
    const now = Date.now();
    const left = remaining(estimate, load, (now - this.#phaseBegan) / 1000, (now - this.#measured) / 1000);
    return {
      progress: Math.max(left.progress, shown),
      eta_seconds: Math.ceil(left.etaSeconds),
      part: load.part,
      quiet_seconds: state === "loading" && this.#news !== null ? Math.floor((now - this.#news) / 1000) : null,
    };
  }
}
