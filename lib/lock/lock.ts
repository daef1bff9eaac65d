/** The wire shapes of the reservation lock: one definition for the HTTP API, the events and the code. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable } from "../schema.ts";

export const DEFAULT_TTL_SECONDS = 900;
export const MIN_TTL_SECONDS = 1;
export const MAX_TTL_SECONDS = 86_400;
export const MAX_WAIT_SECONDS = 600;
/** Waiting at once; each holds a connection. */
export const MAX_WAITING = 64;

/** Of what stands for data that cannot be read. */
export const UNKNOWN_HOLDER = "unknown";

/** What everyone may see of a reservation: never its token, nor a digest of it. */
export const LockSchema = Type.Object(
  {
    holder: Type.String(),
    acquired_at: Type.String({ description: "ISO 8601 UTC" }),
    expires_at: Type.String({ description: "ISO 8601 UTC; moves along when the controller's clock is set" }),
    seconds_remaining: Type.Integer(),
    note: Nullable(Type.String()),
    slots: Nullable(Type.Array(Type.String(), { description: "Slots that are reserved; null: the whole cluster" })),
    nodes: Nullable(
      Type.Array(Type.String(), {
        description:
          "Sparks that those slots had when they were reserved: every slot on one of them is covered; null: the whole cluster",
      }),
    ),
    generation: Type.Integer({ description: "Fencing token: grows with every reservation and every swap" }),
    reason: Nullable(
      Type.String({ description: "Why this reservation is not an ordinary one, and what to do; null when it is" }),
    ),
  },
  { title: "Lock" },
);
export type Lock = Static<typeof LockSchema>;

interface Happened<Type extends string> {
  readonly type: Type;
  /** ISO 8601 UTC. */
  readonly at: string;
  /** As it stands after a change; as it last stood, when it has ended. */
  readonly lock: Lock;
}

export interface LockAcquired extends Happened<"lock.acquired"> {
  readonly by: string;
  /** True when a lost answer was asked for again: the same reservation, a new token. */
  readonly repeated: boolean;
}
export type LockRenewed = Happened<"lock.renewed">;
export type LockReleased = Happened<"lock.released">;
export type LockExpired = Happened<"lock.expired">;
/** A person took the reservation from its holder. */
export interface LockForced extends Happened<"lock.forced"> {
  readonly by: string;
  readonly reason: string | null;
}
/** A reservation in old, copied or unreadable data. */
export interface LockDropped extends Happened<"lock.dropped"> {
  readonly reason: string;
}
/** The wall clock was set while the reservation was held: what was left of it is still left, the shown end has moved. */
export interface LockClockSet extends Happened<"lock.clock_set"> {
  readonly by_seconds: number;
}
/** The data of the lock could not be read: everything counts as reserved until a person, or a day, has passed. */
export interface LockUnreadable extends Happened<"lock.unreadable"> {
  readonly reason: string;
}

export type LockEvent =
  | LockAcquired
  | LockRenewed
  | LockReleased
  | LockExpired
  | LockForced
  | LockDropped
  | LockClockSet
  | LockUnreadable;
