/** Has the time looked at while something is reserved or waited for. */

const TICK_MS = 1_000;

export interface WatchMeans {
  /** Milliseconds until a look is due at the latest; null: there is nothing to look for. */
  left(): number | null;
  /** To arm it again is up to this. */
  look(): void;
  report(error: unknown): void;
}

export class TimeWatch {
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;

  constructor(private readonly means: WatchMeans) {}

  /** The next look: at the end of what is reserved, and each second before it. */
  arm(): void {
    if (this.#closed) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const leftMs = this.means.left();
    if (leftMs === null) return;
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(leftMs, 1), TICK_MS));
    this.#timer.unref();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  #look(): void {
    try {
      this.means.look();
    } catch (error) {
      this.means.report(error);
      this.arm();
    }
  }
}
