/**
 * Time that passes only when a test says so. While installed it stands for `Date.now`, `performance.now` and the global timers, so that
 * what runs under it needs no clock of its own; one event at a time, everything that follows from it before the next.
 */
const turn = () => new Promise<void>((resolve) => realSetImmediate(resolve));
const realSetImmediate = globalThis.setImmediate;

interface Timer {
  at: number;
  readonly order: number;
  readonly run: () => void;
  /** Milliseconds after which it strikes again. */
  readonly every: number | null;
  /** Made through the global functions: a timer of the controller, which dies with it. */
  readonly controllers: boolean;
}

export class VirtualClock {
  now = Date.parse("2026-01-01T00:00:00Z");
  #timers = new Set<Timer>();
  #made = 0;

  /** A timer of the world: it outlives the controller. */
  after(milliseconds: number, run: () => void): void {
    this.#add(milliseconds, run, null, false);
  }

  /** The process of the controller is gone, and its timers with it. */
  dropControllersTimers(): void {
    for (const timer of this.#timers) if (timer.controllers) this.#timers.delete(timer);
  }

  /** One event, and all that follows from it without waiting. @returns false when nothing waits */
  async step(): Promise<boolean> {
    let next: Timer | undefined;
    for (const timer of this.#timers)
      if (!next || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    if (!next) return false;
    this.now = Math.max(this.now, next.at);
    if (next.every === null) this.#timers.delete(next);
    else next.at = this.now + next.every;
    next.run();
    await turn();
    return true;
  }

  async pass(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    while (this.#earliest() <= end) await this.step();
    this.now = end;
  }

  /** Stands for the real clock. @returns how to end that */
  install(): () => void {
    const real = { setTimeout, clearTimeout, setInterval, clearInterval, now: Date.now };
    const { now: monotonic } = performance;
    const add = (repeats: boolean) => (run: () => void, milliseconds: number) =>
      this.#add(milliseconds, run, repeats ? milliseconds : null, true);
    const clear = (timer: unknown) => void this.#timers.delete(timer as Timer);
    Object.assign(globalThis, {
      setTimeout: add(false),
      setInterval: add(true),
      clearTimeout: clear,
      clearInterval: clear,
    });
    Date.now = () => this.now;
    performance.now = () => this.now;
    return () => {
      const { now, ...timers } = real;
      Object.assign(globalThis, timers);
      Date.now = now;
      performance.now = monotonic;
    };
  }

  #earliest(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const timer of this.#timers) at = Math.min(at, timer.at);
    return at;
  }

  #add(milliseconds: number, run: () => void, every: number | null, controllers: boolean): Timer {
    const timer = { at: this.now + Math.max(milliseconds, 0), order: ++this.#made, run, every, controllers };
    this.#timers.add(timer);
    return timer;
  }
}
