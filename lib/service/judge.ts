/** From what was seen of a service to the state that is shown of it. Pure. */
import type { ServiceState } from "./service.ts";

/** What is read of a container; null: there is none of that name. */
export interface SeenContainer {
  readonly name: string;
  readonly status: string;
  readonly running: boolean;
  readonly startedAt: string | null;
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  readonly health: string | null;
}

export type Seen =
  /** Docker there was asked. */
  | { readonly how: "looked"; readonly container: SeenContainer | null }
  /** Nobody could look, with the reason: the Spark is out of reach, or docker cannot be used. */
  | { readonly how: "failed"; readonly reason: string }
  /** It has no container that could be looked at. */
  | { readonly how: "none" };

export type Answer =
  | { readonly kind: "answered"; readonly status: number; readonly ms: number }
  | { readonly kind: "refused" }
  | { readonly kind: "silent"; readonly afterMs: number }
  /** It has no HTTP, or no address is known. */
  | { readonly kind: "none" };

export interface Facts {
  readonly name: string;
  /** Somebody said where it is. */
  readonly configured: boolean;
  readonly node: string | null;
  readonly port: number | null;
  readonly seen: Seen;
  readonly answer: Answer;
  /** Why the GPU, or the service itself, is busy now; null when it is not. */
  readonly busy: string | null;
  /** It was stopped from here, and nobody started it since. */
  readonly stoppedHere: boolean;
  /** It was there before: what is missing now has gone. */
  readonly wasThere: boolean;
  /** Why its last deep check failed; null when it did not. */
  readonly deepFailure: string | null;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** So long a start may take, in milliseconds. */
  readonly startMs: number;
}

export interface Verdict {
  readonly state: ServiceState;
  readonly reason: string | null;
  /** False: one look says little, a second one must agree before it counts. */
  readonly certain: boolean;
}

/** An answer that took longer is worth a word. */
export const SLOW_MS = 2_000;
const SERVER_ERROR = 500;

const sure = (state: ServiceState, reason: string | null): Verdict => ({ state, reason, certain: true });
const perhaps = (state: ServiceState, reason: string): Verdict => ({ state, reason, certain: false });

export function judge(facts: Facts): Verdict {
  const { answer, seen } = facts;
  if (!facts.configured) return sure("not_configured", "Nobody has said on which Spark or host it runs.");
  if (answer.kind === "answered" && answer.status < SERVER_ERROR) return answering(facts, answer.ms);
  if (seen.how === "looked") return inContainer(facts, seen.container);
  if (facts.stoppedHere) return sure("stopped", "It was stopped from here.");
  if (seen.how === "failed") return perhaps("unreachable", seen.reason);
  return silent(facts, null);
}

function answering({ busy, deepFailure }: Facts, ms: number): Verdict {
  if (deepFailure !== null) return busy === null ? sure("unhealthy", deepFailure) : sure("busy", busy);
  if (ms <= SLOW_MS) return sure("healthy", null);
  if (busy !== null) return sure("busy", busy);
  return sure("healthy", `It answers slowly: ${seconds(ms)}.`);
}

function inContainer(facts: Facts, container: SeenContainer | null): Verdict {
  const { node, port, stoppedHere, wasThere, answer } = facts;
  if (container?.running) return running(facts, container);
  if (stoppedHere) return sure("stopped", "It was stopped from here.");
  if (container === null) {
    if (answer.kind === "answered") return silent(facts, null);
    if (wasThere) return sure("unhealthy", `Its container has gone from ${node}.`);
    const port_ = port === null ? "" : `, and nothing answers on port ${port}`;
    return sure("not_configured", `There is no container of its name on ${node}${port_}.`);
  }
  const { status, exitCode, outOfMemory } = container;
  if (status === "restarting") return perhaps("unhealthy", "Docker restarts its container again and again.");
  if (status === "paused") return sure("unhealthy", "Its container is paused.");
  if (status === "created") return sure("unhealthy", "Its container was made but never started.");
  const why = outOfMemory ? "it ran out of memory" : `exit code ${exitCode ?? "unknown"}`;
  return sure("unhealthy", `Its container has stopped: ${why}.`);
}

function running(facts: Facts, container: SeenContainer): Verdict {
  if (facts.answer.kind !== "none") return silent(facts, container);
  // A bot, or no address: docker alone tells.
  if (container.health === "starting") return sure("starting", "Its own health check has not passed yet.");
  if (container.health === "unhealthy") return sure("unhealthy", "Its own health check fails.");
  if (facts.deepFailure !== null) return sure("unhealthy", facts.deepFailure);
  return sure("healthy", null);
}

/** It should answer and does not, or answers that it cannot. */
function silent(facts: Facts, container: SeenContainer | null): Verdict {
  const { answer, busy, port, now, startMs } = facts;
  const started = container?.startedAt ? Date.parse(container.startedAt) : Number.NaN;
  const isNew = now - started < startMs;
  switch (answer.kind) {
    case "answered": {
      const said = `It answers with status ${answer.status}.`;
      return isNew ? sure("starting", said) : perhaps("unhealthy", said);
    }
    case "silent": {
      if (busy !== null) return sure("busy", busy);
      const said = `It gave no answer within ${seconds(answer.afterMs)}.`;
      return isNew ? sure("starting", said) : perhaps("unhealthy", said);
    }
    case "refused": {
      if (isNew) return sure("starting", "Its container runs; it does not answer yet.");
      const runs = container ? "Its container runs, but nothing" : "Nothing";
      return perhaps(container ? "unhealthy" : "unreachable", `${runs} answers on port ${port}.`);
    }
    case "none":
      return sure("unknown", "Its address is not known.");
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
