/** The simulator's only source of delays: simulated seconds, divided by one factor. */

/** What a sleeping simulated process is woken with when it is killed or the simulator closes. */
export class Ended extends Error {
  override readonly name = "Ended";
}

export class Scheduler {
  readonly #begun = performance.now();
  readonly #pending = new Set<() => void>();
  #closed = false;

  /** @param speed simulated seconds per real second; 1 is real time */
  constructor(readonly speed: number) {
    if (!(speed > 0) || !Number.isFinite(speed)) throw new RangeError("speed must be a positive number");
  }

  /** Simulated seconds since the scheduler was made. */
  now(): number {
    return ((performance.now() - this.#begun) / 1000) * this.speed;
  }

  /** Runs `action` after simulated seconds, unless cancelled or closed before. @returns cancels it */
  after(seconds: number, action: () => void): () => void {
    if (this.#closed) return () => undefined;
    const cancel = () => {
      clearTimeout(timer);
      this.#pending.delete(cancel);
    };
    const timer = setTimeout(
      () => {
        this.#pending.delete(cancel);
        action();
      },
      (Math.max(0, seconds) * 1000) / this.speed,
    );
    timer.unref();
    this.#pending.add(cancel);
    return cancel;
  }

  /** @throws Ended when `signal` aborts or the scheduler closes first */
  sleep(seconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed || signal?.aborted) return reject(new Ended("ended while sleeping"));
      const settle = (ended: boolean) => {
        clearTimeout(timer);
        this.#pending.delete(stop);
        signal?.removeEventListener("abort", stop);
        if (ended) reject(new Ended("ended while sleeping"));
        else resolve();
      };
      const stop = () => settle(true);
      const timer = setTimeout(() => settle(false), (Math.max(0, seconds) * 1000) / this.speed);
      timer.unref();
      this.#pending.add(stop);
      signal?.addEventListener("abort", stop);
    });
  }

  /** Cancels what is pending; sleepers get `Ended`. */
  close(): void {
    this.#closed = true;
    for (const stop of [...this.#pending]) stop();
    this.#pending.clear();
  }
}

/**
 * A sequence of waits measured from one start, so that timers that fire late (they round up to a millisecond, which
 * is long at a high speed) are caught up with instead of adding up.
 */
export class Timeline {
  #at: number;

  constructor(
    readonly scheduler: Scheduler,
    readonly signal?: AbortSignal,
  ) {
    this.#at = scheduler.now();
  }

  /** @throws Ended */
  async wait(seconds: number): Promise<void> {
    this.#at += seconds;
    if (this.signal?.aborted) throw new Ended("ended while waiting");
    const left = this.#at - this.scheduler.now();
    if (left > 0) await this.scheduler.sleep(left, this.signal);
  }
}
