/**
 * The grant on disk: every change is one transaction that reads it, ages it to now, decides, and writes it together with the
 * facts that tell of it.
 */
import { isoTime } from "../ids.ts";
import type { LockClock, Reading } from "./clock.ts";
import { age, type Grant, shown } from "./grant.ts";
import { type Lock, type LockEvent, MAX_TTL_SECONDS } from "./lock.ts";
import type { LockStore } from "./lock-store.ts";
import { alive, sealed } from "./machine.ts";

/** How old the kept readings of the clocks may get while something is reserved. */
const SEEN_EVERY_MS = 30_000;
const UNREADABLE =
  "The reservation on disk could not be read. Until someone forces its release, or a day has passed, everything counts as reserved.";

export interface LedgerOptions {
  readonly store: Pick<LockStore, "read" | "write" | "spend" | "isSpent">;
  readonly clock: LockClock;
  /** One immediate, durable transaction. */
  transaction<T>(run: () => T): T;
  /** Fencing tokens, of the counter that swaps use too. */
  nextGeneration(): number;
  /** A Spark remembers a generation that was given out by a later state of these data: they go on above it. */
  goOnAfterOthers(seen: number): void;
  highestGeneration(): number;
  /** Called within the transaction of the change. */
  record(event: LockEvent): void;
  /** Called after it. */
  publish(event: LockEvent): void;
}

export interface Decision<Result> {
  readonly grant: Grant | null;
  readonly event?: LockEvent;
  readonly result: Result;
}

interface Kept {
  readonly grant: Grant | null;
  readonly events: readonly LockEvent[];
  /** As it was read; null when there was none. */
  readonly before: Grant | null;
  readonly isWorthWriting: boolean;
}

export class Ledger {
  constructor(private readonly options: LedgerOptions) {}

  /** What is reserved now. Reads only. */
  current(now: Reading): Grant | null {
    const kept = this.options.store.read();
    if (kept === "unreadable") return sealed(UNREADABLE, this.options.highestGeneration(), MAX_TTL_SECONDS, now);
    return alive(kept, now);
  }

  /** @param decide gets what is reserved now, and says what is to be */
  change<Result>(decide: (grant: Grant | null, now: Reading) => Decision<Result>): Result {
    const { store, clock, transaction, record, publish } = this.options;
    const { result, events } = transaction(() => {
      const now = clock.now();
      const kept = this.#take(now);
      // Before the decision: a repeat that comes in the very moment of the end must not bring it back.
      if (!kept.grant) this.#spend(kept.before);
      const decision = decide(kept.grant, now);
      const all = decision.event ? [...kept.events, decision.event] : kept.events;
      if (kept.isWorthWriting || decision.grant !== kept.grant) store.write(decision.grant);
      if (kept.grant && kept.grant.generation !== decision.grant?.generation) this.#spend(kept.grant);
      for (const event of all) record(event);
      return { result: decision.result, events: all };
    });
    for (const event of events) publish(event);
    return result;
  }

  /** Ends whatever is reserved, because these data cannot be believed. @param seen goes on above this generation */
  drop(reason: string, seen?: number): void {
    this.change((grant, now) => {
      if (seen !== undefined) this.options.goOnAfterOthers(seen);
      // What is sealed stands for what nobody knows, and later than these data it may well have been.
      if (!grant || (seen !== undefined && grant.token_digest === null)) return { grant, result: null };
      return { grant: null, event: { type: "lock.dropped", ...happened(grant, now), reason }, result: null };
    });
  }

  /** @param disbelieved why what is reserved is dropped @param unknown why everything counts as reserved, by what no token opens */
  open(disbelieved: string | null, unknown: string | null): void {
    if (disbelieved !== null) this.drop(disbelieved);
    if (unknown === null) return;
    this.change((_, now) => {
      const grant = sealed(unknown, this.options.nextGeneration(), MAX_TTL_SECONDS, now);
      return { grant, event: { type: "lock.unreadable", ...happened(grant, now), reason: unknown }, result: null };
    });
  }

  #spend(ended: Grant | null): void {
    if (ended?.request_digest) this.options.store.spend(ended.request_digest);
  }

  #take(now: Reading): Kept {
    const before = this.options.store.read();
    if (before === null) return { grant: null, events: [], before, isWorthWriting: false };
    if (before === "unreadable") {
      const grant = sealed(UNREADABLE, this.options.nextGeneration(), MAX_TTL_SECONDS, now);
      const event = { type: "lock.unreadable", ...happened(grant, now), reason: UNREADABLE } as const;
      return { grant, events: [event], before: null, isWorthWriting: true };
    }
    const { grant, isOver, clockSetMs, hasDrifted } = age(before, now);
    if (isOver) {
      const event = { type: "lock.expired", ...happened(grant, now) } as const;
      return { grant: null, events: [event], before, isWorthWriting: true };
    }
    const by_seconds = Math.round(clockSetMs / 1000);
    const set = { type: "lock.clock_set", ...happened(grant, now), by_seconds } as const;
    const isStale = now.steadyMs - before.seen_steady_ms > SEEN_EVERY_MS;
    // What is kept decides after a restart of the machine: a wall clock that was set must not count as time that has passed.
    const hasMoved = before.boot !== grant.boot || before.expires_ms !== grant.expires_ms || hasDrifted;
    return { grant, events: clockSetMs === 0 ? [] : [set], before, isWorthWriting: isStale || hasMoved };
  }
}

export function show(grant: Grant, now: Reading): Lock {
  return shown(grant, grant.ends_steady_ms - now.steadyMs);
}

export const happened = (grant: Grant, now: Reading) => ({ at: isoTime(now.wallMs), lock: show(grant, now) });
