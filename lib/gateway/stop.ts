/**
 * Ends a request from outside, once. An AbortController with its signal does the same, at a cost that is seen where a request takes
 * no longer than 0.04 ms.
 */
export class Stop {
  /** Null: it goes on. */
  reason: Error | null = null;
  #stop: ((reason: Error) => void) | null = null;

  /** Only the first reason counts. */
  stop(reason: Error): void {
    if (this.reason) return;
    this.reason = reason;
    this.#stop?.(reason);
  }

  /** What has to be done; takes the place of what had to be done before. */
  whenStopped(stop: ((reason: Error) => void) | null): void {
    this.#stop = stop;
    if (this.reason) stop?.(this.reason);
  }

  throwIfStopped(): void {
    if (this.reason) throw this.reason;
  }
}
