/** What is remembered of a service from look to look: its state since when, and what its auto-restart has done. Pure. */
import type { Verdict } from "./judge.ts";
import type { DeepCheck, ServiceState } from "./service.ts";

export interface Condition {
  readonly state: ServiceState;
  /** ISO 8601 UTC. */
  readonly since: string;
  readonly reason: string | null;
  /** A worse state that one look has seen and a second one has to confirm. */
  readonly suspected: ServiceState | null;
  /** It was stopped from here: who, when. */
  readonly stopped: { readonly at: string; readonly by: string } | null;
  /** It answered, or its container was there, at some time. */
  readonly wasThere: boolean;
  /** Restarts by itself, milliseconds since 1970, oldest first; those of the window only. */
  readonly restarts: readonly number[];
  /** Why it is left alone; null when it is not. */
  readonly givenUp: string | null;
  readonly deep: DeepCheck | null;
  /** It answered the light probe when it was checked deeply: a failure then says something of its own. */
  readonly deepCounts: boolean;
}

export const RESTART_WINDOW_MS = 30 * 60_000;
export const MOST_RESTARTS = 3;

export function firstCondition(at: string): Condition {
  return {
    state: "unknown",
    since: at,
    reason: "Not looked at yet.",
    suspected: null,
    stopped: null,
    wasThere: false,
    restarts: [],
    givenUp: null,
    deep: null,
    deepCounts: false,
  };
}

const GOOD: ReadonlySet<ServiceState> = new Set(["healthy", "busy"]);
/** From these a single failed look is not believed. */
const TRUSTED: ReadonlySet<ServiceState> = new Set(["healthy", "busy", "starting"]);

/** The condition after a look. @param at ISO 8601 UTC */
export function afterLook(before: Condition, verdict: Verdict, at: string): Condition {
  const { state, reason, certain } = verdict;
  if (!certain && TRUSTED.has(before.state) && before.suspected !== state) return { ...before, suspected: state };
  const isGood = GOOD.has(state);
  return {
    ...before,
    state,
    since: state === before.state ? before.since : at,
    reason,
    suspected: null,
    stopped: state === "stopped" ? before.stopped : isGood || state === "starting" ? null : before.stopped,
    wasThere: before.wasThere || isGood || state === "starting" || state === "stopped",
    // Busy is no proof that it works: else one that fails at all it is asked would be restarted for ever.
    givenUp: state === "healthy" ? null : before.givenUp,
  };
}

/** Why its last deep check failed; null when it passed, or was of what ran before. @param startedAt ISO 8601; null: not known */
export function deepFailure({ deep, deepCounts }: Condition, startedAt: string | null): string | null {
  if (deep?.outcome !== "failed" || !deepCounts) return null;
  return startedAt !== null && Date.parse(startedAt) > Date.parse(deep.at) ? null : deep.detail;
}

export type RestartChoice =
  | { readonly what: "nothing" }
  | { readonly what: "restart" }
  | { readonly what: "give_up"; readonly why: string };

/**
 * Whether the controller restarts it by itself now. Only what has failed for sure and has a container is restarted, at
 * most three times in 30 minutes; then it is left alone until it is healthy again or somebody restarts it.
 * @param now milliseconds since 1970
 */
export function chooseRestart(
  condition: Condition,
  { enabled, possible, now }: { readonly enabled: boolean; readonly possible: boolean; readonly now: number },
): RestartChoice {
  const { state, givenUp, stopped, restarts, reason } = condition;
  if (!enabled || !possible || state !== "unhealthy" || givenUp !== null || stopped !== null)
    return { what: "nothing" };
  if (recentRestarts(restarts, now).length < MOST_RESTARTS) return { what: "restart" };
  const why = `It was restarted ${MOST_RESTARTS} times within 30 minutes and failed again. It is left alone now; restart it here once the cause is mended.`;
  return { what: "give_up", why: reason === null ? why : `${why} Last: ${reason}` };
}

export function recentRestarts(restarts: readonly number[], now: number): number[] {
  return restarts.filter((at) => now - at < RESTART_WINDOW_MS && at <= now);
}

/** What outsiders are told: up, down, or nothing because it is neither. */
export function upOrDown(state: ServiceState): "up" | "down" | null {
  if (GOOD.has(state)) return "up";
  return state === "unhealthy" || state === "unreachable" ? "down" : null;
}
