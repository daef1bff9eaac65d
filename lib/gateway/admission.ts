/**
 * Who may go to an upstream now, and who waits. So many at a time; a free place goes to the caller with the fewest requests
 * in flight, among equals to the one that was served longest ago. One caller's hundred requests so delay another's single one
 * by no more than the request that happens to end first.
 */
import { Fault } from "../fault.ts";
import { ADAPTIVE, AdaptiveLimit } from "./adaptive-limit.ts";

export interface Limit {
  /** Requests at a time. */
  readonly inFlight: number;
  /** Requests that may wait. */
  readonly queue: number;
  /** How long one may wait. */
  readonly waitMs: number;
  /** Fewer at a time, where their latency says so. */
  readonly isAdaptive?: boolean;
}

/** Gives the place back; calling it again does nothing. */
export type Release = () => void;

interface Waiter {
  readonly caller: string;
  grant(): void;
  refuse(fault: Fault): void;
}

interface Caller {
  inFlight: number;
  /** Number of the grant. Who is new comes before whoever was served last, and after those who have waited since before that. */
  lastServed: number;
  readonly waiting: Waiter[];
}

const LEAST_RETRY_SECONDS = 1;
const MOST_RETRY_SECONDS = 60;
/** Below this, who holds each place always matters. */
const SMALL_LIMIT = 8;
/** Holds the places that were given out while there was room. */
const ANYBODY = "";
/** Weight of the newest duration in the running mean. */
const NEWEST = 0.2;

/**
 * Places in the queue that a caller leaves to others, the more of them the more it has there itself: one alone gets four fifths of them.
 * So whoever comes new finds one, and nobody who waits already has to give way and hear of it late.
 */
const leftFree = (waiting: number): number => Math.ceil(waiting / 4);

export class Admission {
  readonly #callers = new Map<string, Caller>();
  #inFlight = 0;
  #queued = 0;
  #grants = 0;
  #meanMs = 1_000;
  readonly #adaptive = new AdaptiveLimit(() => ({ ...ADAPTIVE, most: this.limit().inFlight }));

  constructor(
    /** What stands behind it, for people. */
    private readonly name: string,
    private readonly limit: () => Limit,
    private readonly now: () => number = Date.now,
  ) {}

  get inFlight(): number {
    return this.#inFlight;
  }
  get queued(): number {
    return this.#queued;
  }

  /** Requests at a time, now. */
  get most(): number {
    const { inFlight, isAdaptive = false } = this.limit();
    return isAdaptive ? Math.min(inFlight, this.#adaptive.limit) : inFlight;
  }

  /** An answer has begun so long after its request had its place; null: there was none. */
  saw(latencyMs: number | null): void {
    if (!this.limit().isAdaptive) return;
    if (latencyMs === null) this.#adaptive.failed();
    else this.#adaptive.saw(latencyMs, this.#inFlight);
  }

  /**
   * A place, at once where one is free.
   * @param hasWaited see `wait`
   * @throws Fault `unavailable` with `retry_after_seconds`: the queue is full, or the wait was too long
   */
  enter(caller: () => string, signal: AbortSignal, hasWaited = false): Release | Promise<Release> {
    return this.enterAtOnce(caller) ?? this.wait(caller, signal, hasWaited);
  }

  /** Null: none is free, or others wait already. */
  enterAtOnce(caller: () => string): Release | null {
    const inFlight = this.most;
    if (this.#queued > 0 || this.#inFlight >= inFlight) return null;
    // While there is room for all, nobody is asked who it is: looking up an address costs more than everything else here.
    const isRoomy = inFlight > SMALL_LIMIT && this.#inFlight < inFlight / 2;
    return this.#take(isRoomy ? ANYBODY : caller());
  }

  #caller(name: string): Caller {
    let caller = this.#callers.get(name);
    if (!caller) {
      caller = { inFlight: 0, lastServed: this.#grants - 0.5, waiting: [] };
      this.#callers.set(name, caller);
    }
    return caller;
  }

  #take(name: string): Release {
    const caller = this.#caller(name);
    const began = this.now();
    this.#inFlight++;
    caller.inFlight++;
    caller.lastServed = ++this.#grants;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#inFlight--;
      caller.inFlight--;
      this.#meanMs += NEWEST * (this.now() - began - this.#meanMs);
      this.#forgetIdle(name, caller);
      this.#fill();
    };
  }

  /**
   * A place, once it is this caller's turn.
   * @param hasWaited for its model, or at another upstream: it leaves no place free, for it would hear late what others hear at once
   * @throws Fault
   */
  wait(by: () => string, signal: AbortSignal, hasWaited = false): Promise<Release> {
    const name = by();
    const { queue, waitMs } = this.limit();
    const caller = this.#caller(name);
    if (queue - this.#queued <= (hasWaited ? 0 : leftFree(caller.waiting.length))) {
      this.#forgetIdle(name, caller);
      return Promise.reject(this.#busy("queue_full", `${this.name} is busy and its queue is full.`));
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#remove(name, waiter);
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        caller: name,
        grant: () => {
          leave();
          resolve(this.#take(name));
        },
        refuse: (fault) => {
          leave();
          reject(fault);
        },
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        const seconds = Math.round(waitMs / 1000);
        waiter.refuse(
          this.#busy("queue_timeout", `${this.name} was busy for ${seconds} s, and the request still waits.`),
        );
      }, waitMs);
      caller.waiting.push(waiter);
      this.#queued++;
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      this.#fill();
    });
  }

  #remove(name: string, waiter: Waiter): void {
    const caller = this.#callers.get(name);
    const at = caller?.waiting.indexOf(waiter) ?? -1;
    if (!caller || at === -1) return;
    caller.waiting.splice(at, 1);
    this.#queued--;
    this.#forgetIdle(name, caller);
  }

  /** Gives every free place away. */
  #fill(): void {
    while (this.#queued > 0 && this.#inFlight < this.most) {
      let next: Caller | null = null;
      for (const caller of this.#callers.values()) {
        if (caller.waiting.length === 0) continue;
        if (!next || caller.inFlight < next.inFlight) next = caller;
        else if (caller.inFlight === next.inFlight && caller.lastServed < next.lastServed) next = caller;
      }
      next?.waiting[0]?.grant();
    }
  }

  #busy(code: string, message: string): Fault {
    const seconds = Math.ceil(((this.#queued + 1) / Math.max(1, this.most)) * (this.#meanMs / 1000));
    return new Fault("unavailable", code, message, {
      retry_after_seconds: Math.min(MOST_RETRY_SECONDS, Math.max(LEAST_RETRY_SECONDS, seconds)),
    });
  }

  #forgetIdle(name: string, caller: Caller): void {
    if (caller.inFlight === 0 && caller.waiting.length === 0) this.#callers.delete(name);
  }
}
