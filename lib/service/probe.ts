/** The light probe: one small GET, bounded in time. */
import type { ServiceKind } from "../topology/topology.ts";
import type { Answer } from "./judge.ts";

/** Without an answer for so long a service counts as silent. */
export const PROBE_DEADLINE_MS = 5_000;
/** The deadline and the timer of the request are not the same clock. */
const TIMER_SLACK_MS = 50;

export interface HttpAnswer {
  /** Null: no answer (refused, reset, timed out). */
  readonly status: number | null;
  readonly body: unknown;
}

/** A request to one service: its base URL is the asker's to know. */
export type Ask = (path: string, init: RequestInit, deadlineMs: number, signal: AbortSignal) => Promise<HttpAnswer>;

/** Where a service of this kind says that it is well. Others answer 404 there, which tells as much. */
export function probePath(kind: ServiceKind): string {
  if (kind === "qdrant") return "/healthz";
  return kind === "http" || kind === "bot" ? "/" : "/health";
}

export async function probe(kind: ServiceKind, ask: Ask, signal: AbortSignal): Promise<Answer> {
  const began = performance.now();
  const { status } = await ask(probePath(kind), { method: "GET" }, PROBE_DEADLINE_MS, signal);
  const ms = performance.now() - began;
  if (status !== null) return { kind: "answered", status, ms: Math.round(ms) };
  return ms >= PROBE_DEADLINE_MS - TIMER_SLACK_MS
    ? { kind: "silent", afterMs: PROBE_DEADLINE_MS }
    : { kind: "refused" };
}
