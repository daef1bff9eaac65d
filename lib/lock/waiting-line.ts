/** Those who wait for the lock: first come, first served. */
import type { Ask } from "./machine.ts";
import type { Asker } from "./respite.ts";
import { isSameDigest } from "./token.ts";

export interface Waiter<Granted> extends Asker {
  readonly ask: Ask;
  /** Leaves the line. */
  readonly signal: AbortSignal;
  readonly resolve: (granted: Granted) => void;
  readonly reject: (error: unknown) => void;
}

export type Outcome<Granted> = Granted | { readonly refused: unknown; readonly mayChange: boolean };

export function answer<Granted extends object>({ resolve, reject }: Waiter<Granted>, outcome: Outcome<Granted>): void {
  if ("refused" in outcome) reject(outcome.refused);
  else resolve(outcome);
}

export interface Patience<Granted> {
  readonly waitMs: number;
  /** Its time is over, and it has left the line: it is to be answered now. */
  onDeadline(waiter: Waiter<Granted>, wasFirst: boolean): void;
  /** It has gone away. */
  onLeave(): void;
}

export class WaitingLine<Granted> {
  readonly #waiters: Waiter<Granted>[] = [];
  readonly #forget = new Map<Waiter<Granted>, () => void>();
  #toldLength = 0;

  /** @param onLength it has another length than before: told after what changed it, once */
  constructor(private readonly onLength: () => void = () => undefined) {}

  get length(): number {
    return this.#waiters.length;
  }

  get first(): Waiter<Granted> | undefined {
    return this.#waiters[0];
  }

  /** The one who waits with the same request id: its answer will be lost, the repeat takes its place. */
  twin({ holder, requestDigest }: Ask): Waiter<Granted> | undefined {
    return this.#waiters.find(({ ask }) => ask.holder === holder && isSameDigest(ask.requestDigest, requestDigest));
  }

  /** @param instead of whom; at the end of the line when left out */
  add(waiter: Waiter<Granted>, patience: Patience<Granted>, instead?: Waiter<Granted>): void {
    const { signal } = waiter;
    const leave = () => {
      this.remove(waiter);
      waiter.reject(signal.reason);
      patience.onLeave();
    };
    const timer = setTimeout(() => {
      const wasFirst = this.first === waiter;
      this.remove(waiter);
      patience.onDeadline(waiter, wasFirst);
    }, patience.waitMs);
    signal.addEventListener("abort", leave, { once: true });
    this.#forget.set(waiter, () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
    });
    if (instead) this.#waiters.splice(this.#waiters.indexOf(instead), 0, waiter);
    else this.#waiters.push(waiter);
    this.#tell();
  }

  remove(waiter: Waiter<Granted>): void {
    const at = this.#waiters.indexOf(waiter);
    if (at >= 0) this.#waiters.splice(at, 1);
    this.#forget.get(waiter)?.();
    this.#forget.delete(waiter);
    this.#tell();
  }

  /** Takes everyone out. */
  clear(): Waiter<Granted>[] {
    const all = [...this.#waiters];
    for (const waiter of all) this.remove(waiter);
    return all;
  }

  /** Later: one who takes another's place is there before that one has gone. */
  #tell(): void {
    queueMicrotask(() => {
      if (this.length === this.#toldLength) return;
      this.#toldLength = this.length;
      this.onLength();
    });
  }
}
