/**
 * The lock machine: pure. It decides over the one grant that there may be; the clock has been read and the randomness drawn
 * by whoever asks. `ReservationLock` carries out.
 *
 * Invariants (tests/lib/lock/machine-model.test.ts):
 * - There is never more than one grant, and each has a generation above all before it.
 * - A grant that was acknowledged lives until its holder, a person or its time ends it; never longer, never shorter.
 * - A token opens the grant that it was given with, and nothing after it.
 */
import type { Reading } from "./clock.ts";
import { age, covers, type Grant, lasting, type Place } from "./grant.ts";
import { UNKNOWN_HOLDER } from "./lock.ts";
import { isSameDigest, type Token } from "./token.ts";

/** Before this the clock has not been set. 2024-01-01. */
const EARLIEST_MS = Date.UTC(2024, 0, 1);

export interface Ask {
  readonly holder: string;
  /** Left out at a renewal: as before. */
  readonly note?: string | null | undefined;
  readonly ttlSeconds: number;
  /** Null: the whole cluster. Left out at a renewal: as before. */
  readonly slots?: readonly string[] | null | undefined;
  readonly tokenDigest: string | null;
  readonly requestDigest: string | null;
  readonly allowRunningSwap: boolean;
}

/** What else counts in the moment of a decision. */
export interface Circumstances {
  readonly now: Reading;
  /** Drawn beforehand; used only when something is granted. */
  readonly token: Token;
  nextGeneration(): number;
  /** Sparks of the named slots. */
  nodesOf(slots: readonly string[]): readonly string[];
  /** Job id of a swap that owns a place which these slots cover; null when there is none. */
  runningSwap(scope: Pick<Grant, "slots" | "nodes">): string | null;
  /** A stop or restart under way there, in words; null when there is none. */
  disruption(scope: Pick<Grant, "slots" | "nodes">): string | null;
  /** Whether a reservation that was asked for with this request id has ended. */
  isSpent(requestDigest: string): boolean;
  /** Others have been waiting longer. */
  readonly othersFirst: boolean;
}

export type Refusal =
  | { readonly why: "held"; readonly grant: Grant }
  | { readonly why: "swap_running"; readonly jobId: string }
  /** What runs there is being stopped or restarted: it would be taken from under the reservation. */
  | { readonly why: "stop_running"; readonly what: string }
  /** The token that was shown belongs to a reservation that has ended. */
  | { readonly why: "lost" }
  /** So does the request id. */
  | { readonly why: "spent" }
  | { readonly why: "others_first" }
  | { readonly why: "slots_fixed" }
  | { readonly why: "clock_unset" };

export type Acquired =
  | { readonly grant: Grant; readonly how: "acquired" | "repeated"; readonly token: Token }
  | { readonly grant: Grant; readonly how: "renewed" };

/** @param grant the one that is held, aged to now; null when none is */
export function acquire(grant: Grant | null, ask: Ask, world: Circumstances): Acquired | Refusal {
  return grant ? again(grant, ask, world) : anew(ask, world);
}

function again(grant: Grant, ask: Ask, { now, token }: Circumstances): Acquired | Refusal {
  if (ask.holder !== grant.holder) return { why: "held", grant };
  if (isSameDigest(ask.tokenDigest, grant.token_digest)) {
    if (ask.slots !== undefined && !isSameScope(ask.slots, grant.slots)) return { why: "slots_fixed" };
    const note = ask.note === undefined ? grant.note : ask.note;
    return { how: "renewed", grant: { ...grant, note, ...lasting(ask.ttlSeconds, now), reason: null } };
  }
  if (isSameDigest(ask.requestDigest, grant.request_digest))
    return { how: "repeated", token, grant: { ...grant, token_digest: token.digest } };
  return { why: "held", grant };
}

function anew(ask: Ask, world: Circumstances): Acquired | Refusal {
  const { now, token } = world;
  if (ask.tokenDigest !== null) return { why: "lost" };
  if (ask.requestDigest !== null && world.isSpent(ask.requestDigest)) return { why: "spent" };
  if (now.wallMs < EARLIEST_MS) return { why: "clock_unset" };
  if (world.othersFirst) return { why: "others_first" };
  const slots = ask.slots ? [...new Set(ask.slots)] : null;
  const nodes = slots ? [...world.nodesOf(slots)] : [];
  const what = world.disruption({ slots, nodes });
  if (what !== null) return { why: "stop_running", what };
  const jobId = ask.allowRunningSwap ? null : world.runningSwap({ slots, nodes });
  if (jobId !== null) return { why: "swap_running", jobId };
  const grant: Grant = {
    generation: world.nextGeneration(),
    holder: ask.holder,
    note: ask.note ?? null,
    slots,
    nodes,
    acquired_ms: now.wallMs,
    ...lasting(ask.ttlSeconds, now),
    token_digest: token.digest,
    request_digest: ask.requestDigest,
    reason: null,
  };
  return { grant, how: "acquired", token };
}

function isSameScope(one: readonly string[] | null, other: readonly string[] | null): boolean {
  if (one === null || other === null) return one === other;
  const names = new Set(one);
  return names.size === new Set(other).size && other.every((name) => names.has(name));
}

/** Whether a swap, stop or restart at this place may go ahead. */
export type Permit =
  /** @param reservation generation of the reservation under which it happens; null when it is under none */
  | { readonly may: true; readonly reservation: number | null }
  /** A token that opens nothing is refused even where nothing is reserved: whoever shows it believes to hold something. */
  | { readonly may: false; readonly grant: Grant | null };

export function permit(grant: Grant | null, place: Place, tokenDigest: string | null): Permit {
  const isHolder = grant !== null && isSameDigest(tokenDigest, grant.token_digest);
  if (isHolder) return { may: true, reservation: covers(grant, place) ? grant.generation : null };
  if (tokenDigest !== null) return { may: false, grant };
  return grant && covers(grant, place) ? { may: false, grant } : { may: true, reservation: null };
}

/** A grant as it is now. @returns null when its time is over */
export function alive(grant: Grant | null, now: Reading): Grant | null {
  if (!grant) return null;
  const aged = age(grant, now);
  return aged.isOver ? null : aged.grant;
}

/** What stands for data that cannot be read: nothing opens it, and no reservation that they may have held lasts longer. */
export function sealed(reason: string, generation: number, ttlSeconds: number, now: Reading): Grant {
  return {
    generation,
    holder: UNKNOWN_HOLDER,
    note: null,
    slots: null,
    nodes: [],
    acquired_ms: now.wallMs,
    ...lasting(ttlSeconds, now),
    token_digest: null,
    request_digest: null,
    reason,
  };
}
