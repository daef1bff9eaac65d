/** Calls of the HTTP API. */
import type { HostKeyStatus } from "../lib/host-keys.ts";
import type { modelsOf, Status as ServerStatus } from "../lib/status.ts";
import type { Plan, SwapJob } from "../lib/swap/swap.ts";

export type { HostKeyStatus, Plan, SwapJob };

export interface Lock {
  readonly holder: string;
  readonly acquired_at: string;
  readonly expires_at: string;
  readonly seconds_remaining: number;
  readonly note: string | null;
  readonly slots?: readonly string[] | null;
  readonly generation?: number;
}

export type Status = ServerStatus & { readonly lock?: Lock | null };
export type Models = ReturnType<typeof modelsOf>;
export type Model = Models["models"][number];
export type Slot = Status["slots"][number];
export type SparkNode = ServerStatus["nodes"][number];
export type Problem = ServerStatus["problems"][number];
export interface RefusedHost {
  readonly name: string;
  readonly last_at: string;
  readonly count: number;
}

/** An answer that says no. The message is the problem document's `detail`: a sentence for a person. */
export class Refused extends Error {
  override readonly name = "Refused";
  constructor(
    message: string,
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
  ) {
    super(message);
  }
}

/** What to tell a person about something that was thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Refused ? error.message : "This page made a mistake. Reload it.";
}

export async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const init: RequestInit = { method, cache: "no-store" };
  if (body !== undefined) {
    init.headers = { "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Refused("Spark Control cannot be reached. Nothing was changed.", 0);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as Answer;
  const detail = answer !== null && typeof answer === "object" && "detail" in answer ? answer.detail : null;
  const message = typeof detail === "string" ? detail : `Spark Control answered with status ${response.status}.`;
  throw new Refused(message, response.status);
}

export interface SwapWish {
  readonly model: string;
  readonly slot?: string | undefined;
  /** Load the previous model again if this one fails. */
  readonly rollback?: boolean;
}

const one = encodeURIComponent;
export const fetchStatus = () => call<Status>("GET", "/api/status");
export const fetchModels = () => call<Models>("GET", "/api/models");
export const fetchSwaps = (limit: number) => call<{ swaps: SwapJob[] }>("GET", `/api/swap?limit=${limit}`);
export const fetchSwap = (id: string) => call<SwapJob>("GET", `/api/swap/${one(id)}`);
export const planSwap = (wish: SwapWish) => call<Plan>("POST", "/api/swap/plan", wish);
export const startSwap = (wish: SwapWish) => call<SwapJob>("POST", "/api/swap", wish);
export const cancelSwap = (id: string) => call<SwapJob>("DELETE", `/api/swap/${one(id)}`);
export const fetchHostKeys = () => call<{ host_keys: HostKeyStatus[] }>("GET", "/api/host-keys");
export const acceptHostKey = (node: string, fingerprint: string) =>
  call<HostKeyStatus>("POST", `/api/host-keys/${one(node)}/accept`, { fingerprint });
export const takeOver = (node: string, instance: string) =>
  call<{ node: string }>("POST", `/api/nodes/${one(node)}/take-over`, { instance });
export const fetchRefusedHosts = () => call<{ refused_hosts: RefusedHost[] }>("GET", "/api/refused-hosts");
