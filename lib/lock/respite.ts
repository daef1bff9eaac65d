/**
 * The minute after a forced release: only whoever forced it may reserve, ahead of everyone in line, and anyone may swap. Without it the
 * next program in line, or one that asks every second, would have the GPUs again before a person can do anything. In memory: a
 * restart ends it.
 */
import type { LockClock } from "./clock.ts";

export const RESPITE_MS = 60_000;

/** Who asks, as well as a request tells: the program, and the address that it comes from. */
export interface Asker {
  readonly by: string;
  readonly from?: string | null | undefined;
}

export class Respite {
  #whose: Asker | null = null;
  #endsAtMs = 0;

  constructor(
    private readonly clock: Pick<LockClock, "now">,
    private readonly lengthMs = RESPITE_MS,
  ) {}

  begin({ by, from }: Asker): void {
    this.#whose = { by, from };
    this.#endsAtMs = this.clock.now().steadyMs + this.lengthMs;
  }

  /** Whoever forced it has what they wanted. */
  end(): void {
    this.#whose = null;
  }

  /** Milliseconds; 0 when there is none. A clock that has begun anew, with its machine, ends it. */
  get leftMs(): number {
    if (this.#whose === null) return 0;
    const left = this.#endsAtMs - this.clock.now().steadyMs;
    if (left > 0 && left <= this.lengthMs) return left;
    this.#whose = null;
    return 0;
  }

  isOf({ by, from }: Asker): boolean {
    return this.#whose?.by === by && (this.#whose.from ?? null) === (from ?? null);
  }
}
