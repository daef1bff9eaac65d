/**
 * Is there an order of all calls, each between its sending and its answer, in which one lock would have given these answers?
 * The search of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) with the memory of Lowe: the next call of
 * each client is a candidate; what changes nothing is taken at once; grants and claims come in the order of their generations,
 * which is what a fencing token promises.
 */
import type { Op, Seen } from "./_history.ts";

/** The clock of the lock counts in steps, and looks at the time every so often. */
const EARLY_MS = 30;
const LATE_MS = 2_000;

interface State {
  /** What is held; null when nothing is. */
  readonly held: { readonly name: string; readonly generation: number } | null;
  /** The grant cannot end by its time before this; not be seen after `endsBefore`. */
  readonly endsAfter: number;
  readonly endsBefore: number;
  /** Highest generation given out. */
  readonly highest: number;
  /** No later call takes effect before this. */
  readonly now: number;
}

/** Answers that change nothing, so that it does no harm to take them as early as they fit. */
const LOOKS: ReadonlySet<string> = new Set(["held", "free", "permitted", "other"]);

const FREE = { held: null, endsAfter: 0, endsBefore: 0 } as const;

/** @returns null when such an order exists, else what stands in its way */
export function check(history: readonly Op[]): string | null {
  const lasting = usable(history);
  const answered = lasting.filter((op) => op.answeredMs !== null);
  const lost = lasting.filter((op) => op.answeredMs === null);
  const clients = [...new Set(answered.map(({ client }) => client))].map((client) =>
    answered.filter((op) => op.client === client).sort((a, b) => a.sentMs - b.sentMs),
  );
  return new Search(clients, lost).run();
}

/** An unanswered acquire that nobody ever saw held, and an unanswered swap, explain nothing: they are left out. */
function usable(history: readonly Op[]): Op[] {
  const seen = new Map<string, Seen>();
  for (const { outcome } of history) if (outcome && "seen" in outcome) seen.set(outcome.seen.name, outcome.seen);
  return history.flatMap((op): Op[] => {
    if (op.answeredMs !== null) return [op];
    if (op.call.do === "get" || op.call.do === "swap") return [];
    if (op.call.do !== "acquire") return [op];
    const grant = seen.get(op.call.name);
    return grant ? [{ ...op, outcome: { is: "granted", seen: grant } }] : [];
  });
}

class Search {
  /** From when on nothing fits: what does not from an earlier time does not from a later one either, but not the other way round. */
  readonly #failed = new Map<string, number>();
  readonly #next: number[];
  readonly #used: boolean[];
  /** Generations that answers gave, lowest first: grants and claims have to come in this order. */
  readonly #generations: readonly number[];
  #deepest = 0;
  #stuckAt = "";

  constructor(
    private readonly clients: readonly (readonly Op[])[],
    private readonly lost: readonly Op[],
  ) {
    this.#next = clients.map(() => 0);
    this.#used = lost.map(() => false);
    const given = clients.flat().flatMap(({ outcome }) => {
      if (outcome?.is === "claimed") return [outcome.generation];
      return outcome?.is === "granted" ? [outcome.seen.generation] : [];
    });
    this.#generations = [...new Set(given)].sort((a, b) => a - b);
  }

  run(): string | null {
    return this.#go({ ...FREE, highest: 0, now: 0 }, 0) ? null : this.#stuckAt;
  }

  #go(state: State, depth: number): boolean {
    const undo: number[] = [];
    let now = state;
    // What changes nothing is in nobody's way: it is taken as soon as it fits.
    for (let moved = true; moved; ) {
      moved = false;
      for (const client of this.#candidates()) {
        const op = this.#op(client)!;
        const after = LOOKS.has(op.outcome!.is) ? apply(op, now) : null;
        if (!after || after.held !== now.held) continue;
        now = after;
        this.#next[client]!++;
        undo.push(client);
        moved = true;
      }
    }
    const found = this.#branch(now, depth + undo.length);
    if (!found) for (const client of undo) this.#next[client]!--;
    return found;
  }

  #branch(state: State, depth: number): boolean {
    const candidates = this.#candidates();
    if (candidates.length === 0) return true;
    const key = this.#key(state);
    if (state.now >= (this.#failed.get(key) ?? Number.POSITIVE_INFINITY)) return false;
    if (depth >= this.#deepest) {
      this.#deepest = depth;
      this.#stuckAt = this.#describe(state, candidates);
    }
    for (const client of candidates) {
      const op = this.#op(client)!;
      for (const before of [state, ...expired(state, op)]) {
        const after = this.#isItsTurn(op, before) ? apply(op, before) : null;
        if (!after) continue;
        this.#next[client]!++;
        if (this.#go(after, depth + 1)) return true;
        this.#next[client]!--;
      }
    }
    for (const [index, op] of this.lost.entries()) {
      if (this.#used[index] || !candidates.some((client) => op.sentMs <= this.#op(client)!.answeredMs!)) continue;
      const after = this.#isItsTurn(op, state) ? take(op, state) : null;
      if (!after) continue;
      this.#used[index] = true;
      if (this.#go(after, depth)) return true;
      this.#used[index] = false;
    }
    this.#failed.set(key, state.now);
    return false;
  }

  #op(client: number): Op | undefined {
    return this.clients[client]![this.#next[client]!];
  }

  /** Clients whose next call was sent before any other pending one was answered. */
  #candidates(): number[] {
    let first = Number.POSITIVE_INFINITY;
    for (let client = 0; client < this.clients.length; client++)
      first = Math.min(first, this.#op(client)?.answeredMs ?? Number.POSITIVE_INFINITY);
    return this.clients.flatMap((_, client) => {
      const op = this.#op(client);
      return op && op.sentMs <= first ? [client] : [];
    });
  }

  /** No generation that is still to come lies between. */
  #isItsTurn({ outcome }: Op, { highest }: State): boolean {
    const given =
      outcome?.is === "claimed" ? outcome.generation : outcome?.is === "granted" ? outcome.seen.generation : 0;
    if (given <= highest) return true;
    return !this.#generations.some((other) => other > highest && other < given);
  }

  /** All but the time. */
  #key({ held, endsAfter, endsBefore, highest }: State): string {
    const used = this.#used.map((each) => (each ? 1 : 0)).join("");
    return `${this.#next.join(",")}|${used}|${held?.name}|${held?.generation}|${endsAfter}|${endsBefore}|${highest}`;
  }

  #describe({ held }: State, candidates: readonly number[]): string {
    const holds = held ? `${held.name} holds generation ${held.generation}` : "nothing is held";
    const next = candidates.map((client) => {
      const { call, outcome } = this.#op(client)!;
      return `client ${client} ${JSON.stringify(call)} → ${JSON.stringify(outcome)}`;
    });
    return `where ${holds}, none of these fits:\n  ${next.join("\n  ")}`;
  }
}

/** The grant ends by its time before the call takes effect, if it can. */
function expired(state: State, op: Op): State[] {
  if (!state.held || op.answeredMs! < state.endsAfter) return [];
  return [{ ...state, ...FREE, now: Math.max(state.now, state.endsAfter) }];
}

/** The state after an answered call with this answer; null when the lock could not have answered so. */
function apply(op: Op, state: State): State | null {
  const { call, outcome, answeredMs } = op;
  if (answeredMs === null || !outcome || answeredMs < state.now) return null;
  const after = { ...state, now: Math.max(state.now, op.sentMs) };
  const { held } = state;
  // It was seen long after its time.
  const isPast = held !== null && op.sentMs > state.endsBefore;
  switch (outcome.is) {
    case "granted": {
      const { name, generation } = outcome.seen;
      if (held) return held.name === name && held.generation === generation && !isPast ? after : null;
      return generation > state.highest ? hold(after, outcome.seen) : null;
    }
    case "renewed":
      if (held?.generation !== outcome.seen.generation || call.do !== "renew" || held.name !== call.name) return null;
      return hold(after, outcome.seen);
    case "held":
      if (held?.name !== outcome.seen.name || held.generation !== outcome.seen.generation || isPast) return null;
      // Whoever holds it, and shows the token, is not refused.
      if ((call.do === "swap" || call.do === "release" || call.do === "renew") && call.name === held.name) return null;
      return after;
    case "free":
      return held ? null : after;
    case "freed":
      if (!held) return after;
      // Not the holder, and no person: it would have been refused.
      return call.do === "force" || (call.do === "release" && call.name === held.name) ? { ...after, ...FREE } : null;
    case "permitted":
      return mayPass(op, state) ? after : null;
    case "claimed":
      return mayPass(op, state) && outcome.generation > state.highest
        ? { ...after, highest: outcome.generation }
        : null;
    case "other":
      return after;
  }
}

/** The gate: the holder's token while something is held, no token while nothing is. */
function mayPass({ call, sentMs }: Op, { held, endsBefore }: State): boolean {
  if (call.do !== "swap") return false;
  return held ? call.name === held.name && sentMs <= endsBefore : call.name === null;
}

function hold(state: State, { name, generation, expiresMs }: Seen): State {
  const highest = Math.max(state.highest, generation);
  const ends = { endsAfter: expiresMs - EARLY_MS, endsBefore: expiresMs + LATE_MS };
  return { ...state, held: { name, generation }, ...ends, highest };
}

/** An unanswered call takes effect after all. */
function take(op: Op, state: State): State | null {
  const { call, outcome } = op;
  const after = { ...state, now: Math.max(state.now, op.sentMs) };
  const { held } = state;
  switch (call.do) {
    case "acquire":
      if (held || outcome?.is !== "granted" || outcome.seen.generation <= state.highest) return null;
      return hold(after, outcome.seen);
    case "renew":
      if (held?.name !== call.name) return null;
      return { ...after, endsAfter: op.sentMs + call.ttlMs - EARLY_MS, endsBefore: Number.POSITIVE_INFINITY };
    case "release":
      return held?.name === call.name ? { ...after, ...FREE } : null;
    case "force":
      return held && (call.name === null || call.name === held.name) ? { ...after, ...FREE } : null;
    default:
      return null;
  }
}
