/** How long a caller is willing to wait: its deadline and its AbortSignal as one thing, with one timer and one listener. */
import { SshError, targetName } from "./errors.ts";
import type { SshTarget } from "./ssh.ts";

/** `setTimeout` fires at once above this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class CallLimit {
  #error: SshError | null = null;
  readonly #listeners = new Set<(error: SshError) => void>();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #endsAt: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;

  constructor(target: SshTarget, deadlineMs: number, signal?: AbortSignal) {
    const where = targetName(target);
    const seconds = Math.round(deadlineMs / 100) / 10;
    const timeout = () => this.end(new SshError("timeout", target, `${where} did not finish within ${seconds} s.`));
    this.#endsAt = performance.now() + deadlineMs;
    this.#timer = setTimeout(timeout, Math.min(Math.max(deadlineMs, 0), MAX_TIMER_MS));
    this.#signal = signal;
    this.#onAbort = () =>
      this.end(new SshError("aborted", target, `The command on ${where} was called off.`, { cause: signal?.reason }));
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Milliseconds until the deadline, not below 0. */
  get remainingMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  /** @throws SshError when the limit has been reached */
  check(): void {
    if (this.#error !== null) throw this.#error;
  }

  /** Calls back once when the limit is reached, at once if it has been. The answer unsubscribes. */
  onReached(listener: (error: SshError) => void): () => void {
    if (this.#error !== null) {
      listener(this.#error);
      return () => {};
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The promise's outcome, or the limit's error if that comes first. */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const off = this.onReached(reject);
      promise.then(resolve, reject).finally(off);
    });
  }

  /** Frees the timer and the listener. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#listeners.clear();
  }

  /** Ends the wait now, for the given reason. */
  end(error: SshError): void {
    if (this.#error !== null) return;
    this.#error = error;
    const listeners = [...this.#listeners];
    this.dispose();
    for (const listener of listeners) listener(error);
  }
}
