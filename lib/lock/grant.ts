/** One reservation as it is kept, and what time does to it. Pure. */
import { type Static, Type } from "@sinclair/typebox";
import { isoTime } from "../ids.ts";
import type { Reading } from "./clock.ts";
import type { Lock } from "./lock.ts";

const Digest = Type.String({ pattern: "^[0-9a-f]{64}$" });
/** Milliseconds that a date and a sum of two can have: what is beyond was not written by this code. */
const Ms = Type.Number({ minimum: -1e14, maximum: 1e14 });

export const GrantSchema = Type.Object({
  generation: Type.Integer({ minimum: 1, maximum: 1e12 }),
  holder: Type.String(),
  note: Type.Union([Type.String(), Type.Null()]),
  /** Null: the whole cluster. */
  slots: Type.Union([Type.Array(Type.String()), Type.Null()]),
  /** Sparks of those slots when they were reserved: a later change of the topology does not take them out. */
  nodes: Type.Array(Type.String()),
  acquired_ms: Ms,
  /** On the wall clock: shown, and what counts after a restart of the machine. */
  expires_ms: Ms,
  /** On the steady clock of `boot`: what counts within it. */
  ends_steady_ms: Ms,
  boot: Type.String(),
  /** Both clocks when last looked at. */
  seen_wall_ms: Ms,
  seen_steady_ms: Ms,
  /** Null: no token opens it. */
  token_digest: Type.Union([Digest, Type.Null()]),
  /** Of the request id that it was asked for with. */
  request_digest: Type.Union([Digest, Type.Null()]),
  reason: Type.Union([Type.String(), Type.Null()]),
});
export type Grant = Static<typeof GrantSchema>;

/** A place where models run, as far as a reservation is concerned. */
export interface Place {
  /** Name of a slot; null: something else on these Sparks, such as a service. */
  readonly slot: string | null;
  readonly nodes: readonly string[];
}

/**
 * A reserved slot covers every slot that shares a Spark with it: a swap there could take the memory or the port of what the
 * holder runs.
 */
export function covers(grant: Pick<Grant, "slots" | "nodes">, place: Place): boolean {
  if (grant.slots === null) return true;
  if (place.slot !== null && grant.slots.includes(place.slot)) return true;
  return place.nodes.some((node) => grant.nodes.includes(node));
}

/** The wall clock may run off by this much within a boot before the shown end is corrected. */
const DRIFT_MS = 1_000;
/** More than this between two looks is a clock that was set, not one that is a little slow. */
const CLOCK_SET_MS = 2_000;

/** The steady clock counts in steps: an end is reached one step late rather than early. */
const STEP_MS = 10;

export interface Aged {
  readonly grant: Grant;
  /** Milliseconds. */
  readonly leftMs: number;
  readonly isOver: boolean;
  /** The wall clock was set by this much since the last look; 0 when it was not. */
  readonly clockSetMs: number;
  /** The wall clock has run off by more than a step of the steady one since the last look that was kept. */
  readonly hasDrifted: boolean;
}

/**
 * What is left of a grant. Within one boot the steady clock decides, whatever is done to the wall clock. After a restart of
 * the machine there is only the wall clock: if it is behind what it has shown before, no time is taken to have passed, so
 * that the grant ends late rather than early.
 */
export function age(grant: Grant, now: Reading): Aged {
  const sameBoot = grant.boot === now.boot && now.steadyMs >= grant.seen_steady_ms;
  if (!sameBoot) return afterRestart(grant, now);
  const leftMs = grant.ends_steady_ms - now.steadyMs;
  const moved = now.wallMs - grant.seen_wall_ms - (now.steadyMs - grant.seen_steady_ms);
  const clockSetMs = Math.abs(moved) > CLOCK_SET_MS ? moved : 0;
  const shownWrong = Math.abs(now.wallMs + leftMs - grant.expires_ms) > DRIFT_MS;
  const expires_ms = clockSetMs !== 0 || shownWrong ? now.wallMs + leftMs : grant.expires_ms;
  const aged = { ...grant, expires_ms, ...seen(now) };
  return { grant: aged, leftMs, isOver: leftMs <= -STEP_MS, clockSetMs, hasDrifted: Math.abs(moved) > STEP_MS };
}

const CLOCK_BEHIND =
  "The clock of Spark Control's machine is behind: nobody knows how long it was off, so what was left of this reservation " +
  "is kept. Set the clock, or force its release.";

function afterRestart(grant: Grant, now: Reading): Aged {
  const isBehind = now.wallMs < grant.seen_wall_ms;
  // By the steady clock until the last look: the shown end may be off by as much as the wall clock is let run off.
  const leftThenMs = grant.ends_steady_ms - grant.seen_steady_ms;
  const leftMs = leftThenMs - (isBehind ? 0 : now.wallMs - grant.seen_wall_ms);
  const clock = { boot: now.boot, ends_steady_ms: now.steadyMs + leftMs, expires_ms: now.wallMs + leftMs };
  const reason = isBehind ? CLOCK_BEHIND : grant.reason;
  const aged = { ...grant, ...clock, ...seen(now), reason };
  return { grant: aged, leftMs, isOver: leftMs <= -STEP_MS, clockSetMs: 0, hasDrifted: false };
}

/** Milliseconds until a grant that has been aged is over. */
export function untilOver(grant: Grant, now: Reading): number {
  return grant.ends_steady_ms - now.steadyMs + STEP_MS;
}

export function seen(now: Reading): Pick<Grant, "seen_wall_ms" | "seen_steady_ms" | "boot"> {
  return { seen_wall_ms: now.wallMs, seen_steady_ms: now.steadyMs, boot: now.boot };
}

/** @returns the clocks of a grant that lasts from now on */
export function lasting(ttlSeconds: number, now: Reading) {
  const ms = ttlSeconds * 1000;
  return { expires_ms: now.wallMs + ms, ends_steady_ms: now.steadyMs + ms, ...seen(now) };
}

export function shown(grant: Grant, leftMs: number): Lock {
  return {
    holder: grant.holder,
    acquired_at: isoTime(grant.acquired_ms),
    expires_at: isoTime(grant.expires_ms),
    seconds_remaining: Math.max(0, Math.ceil(leftMs / 1000)),
    note: grant.note,
    slots: grant.slots === null ? null : [...grant.slots],
    nodes: grant.slots === null ? null : [...grant.nodes],
    generation: grant.generation,
    reason: grant.reason,
  };
}
