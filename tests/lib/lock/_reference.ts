/**
 * What the lock ought to do, said a second time and as simply as possible: one true time that never jumps, a list of those
 * who wait, and what everyone has been told. Shares no code with lib/lock.
 */

export interface RefAsk {
  readonly holder: string;
  readonly ttlSeconds: number;
  readonly slots: readonly string[] | null;
  readonly allowRunningSwap: boolean;
  readonly requestId: string | null;
}

export interface RefGrant extends RefAsk {
  readonly generation: number;
  /** Of true time; the end may lie anywhere between the two, and nowhere else. */
  endsAfterMs: number;
  endsBeforeMs: number;
}

export interface RefSwap {
  readonly slot: string;
  readonly nodes: readonly string[];
}

/** A stop or restart under way. */
export interface RefStop {
  /** Null: of something beside the slots. */
  readonly slot: string | null;
  readonly nodes: readonly string[];
  /** Generation; null when it happens under none. */
  readonly reservation: number | null;
}

/** Slots with the Sparks that they use. */
export type RefSlots = Readonly<Record<string, readonly string[]>>;

/** The steady clock counts in steps of this. */
const STEP_MS = 10;
/** The readings of the clocks on disk may be this old: after a restart into a wrong clock, that much may be added. */
const SEEN_EVERY_MS = 30_000;

export class Reference {
  timeMs = 0;
  isClockUnset = false;
  /** Since the lock last looked at the time of itself. */
  unlookedMs = 0;
  held: RefGrant | null = null;
  highest = 0;
  readonly spent = new Set<string>();
  line: { readonly id: number; readonly ask: RefAsk }[] = [];
  swaps: RefSwap[] = [];
  stops: RefStop[] = [];
  #lapsed: RefGrant | null = null;

  constructor(private readonly slots: RefSlots) {}

  /** @returns `maybe` when the time of the grant may or may not be over */
  isHeld(): boolean | "maybe" {
    if (!this.held || this.timeMs >= this.held.endsBeforeMs + STEP_MS) return false;
    return this.timeMs < this.held.endsAfterMs + STEP_MS ? true : "maybe";
  }

  /** Its time is over, or it was ended. */
  end(): void {
    this.#lapsed = null;
    if (this.held?.requestId) this.spent.add(this.held.requestId);
    this.held = null;
  }

  /** To be called before every step. @param isShown whether the lock says that something is held, where that is open */
  settle(isShown: boolean): void {
    const held = this.isHeld();
    if (this.held && (held === false || (held === "maybe" && !isShown))) {
      const lapsed = this.held;
      this.end();
      this.#lapsed = lapsed;
    } else if (this.held && held === "maybe") this.held.endsAfterMs = this.timeMs;
  }

  covers(slots: readonly string[] | null, slot: string): boolean {
    return slots === null || slots.includes(slot) || this.reaches(slots, this.slots[slot] ?? []);
  }

  reaches(slots: readonly string[] | null, nodes: readonly string[]): boolean {
    if (slots === null) return true;
    const reserved = slots.flatMap((name) => this.slots[name] ?? []);
    return nodes.some((node) => reserved.includes(node));
  }

  /** What an acquire without a token comes to. */
  verdict(ask: RefAsk, isFirst: boolean): string {
    if (this.held) {
      const isRepeat =
        ask.requestId !== null && ask.requestId === this.held.requestId && ask.holder === this.held.holder;
      return isRepeat ? "repeated" : "reserved";
    }
    if (ask.requestId !== null && this.spent.has(ask.requestId)) return "request_spent";
    if (this.isClockUnset) return "clock_unset";
    if (!isFirst) return "others_first";
    if (this.stops.some(({ nodes }) => this.reaches(ask.slots, nodes))) return "stop_running";
    if (!ask.allowRunningSwap && this.swaps.some(({ slot }) => this.covers(ask.slots, slot))) return "swap_running";
    return "acquired";
  }

  grant(ask: RefAsk, generation: number): void {
    this.highest = generation;
    const ends = this.timeMs + ask.ttlSeconds * 1000;
    this.held = { ...ask, generation, endsAfterMs: ends, endsBeforeMs: ends };
  }

  renew(ttlSeconds: number): void {
    if (!this.held) return;
    const ends = this.timeMs + ttlSeconds * 1000;
    this.held = { ...this.held, ttlSeconds, endsAfterMs: ends, endsBeforeMs: ends };
  }

  /** The machine comes up with a clock that is behind: no time counts as passed, nor some that had. @param onDisk generation */
  restartedBehind(downMs: number, onDisk: number): void {
    const lapsed = this.held ? null : this.#lapsed;
    if (lapsed?.generation === onDisk) {
      // Its end was not written down before the machine went off: it may be taken to be still to come.
      if (lapsed.requestId) this.spent.delete(lapsed.requestId);
      this.held = { ...lapsed, endsAfterMs: -STEP_MS, endsBeforeMs: this.timeMs + lapsed.ttlSeconds * 1000 + 1_000 };
    }
    if (!this.held || lapsed) return;
    this.held.endsAfterMs += downMs;
    this.held.endsBeforeMs += downMs + SEEN_EVERY_MS + this.unlookedMs;
  }

  /** @param opens whether its token opens the grant; null without a token */
  mayPass(slot: string, opens: boolean | null): "passed" | "reserved" | "reservation_lost" {
    if (opens === false) return this.held ? "reserved" : "reservation_lost";
    return opens === null && this.held && this.covers(this.held.slots, slot) ? "reserved" : "passed";
  }

  /** The same for what begins anew: while nothing is held, what the first in line wants is theirs next. */
  mayBegin(slot: string, opens: boolean | null) {
    const gate = this.mayPass(slot, opens);
    const [first] = this.line;
    return gate === "passed" && !this.held && first && this.covers(first.ask.slots, slot) ? "others_first" : gate;
  }

  /** Whether a swap in this slot may be claimed. */
  mayClaim(slot: string, opens: boolean | null) {
    const gate = this.mayBegin(slot, opens);
    if (gate !== "passed") return gate;
    if (this.stops.some((stop) => stop.slot === slot)) return "slot_stopping";
    const nodes = this.slots[slot] ?? [];
    return this.swaps.some((swap) => swap.nodes.some((node) => nodes.includes(node))) ? "swap_running" : "claimed";
  }
}
