/** Calls of the HTTP API. */
import type { ActivityPage, RequestEntry } from "../lib/activity/activity.ts";
import type { Traffic } from "../lib/activity/traffic.ts";
import type { AuditEntry } from "../lib/audit/audit.ts";
import type { HostKeyStatus } from "../lib/host-keys.ts";
import type { Lock } from "../lib/lock/lock.ts";
import type { Schedule } from "../lib/schedule/schedule.ts";
import type { modelsOf, Status as ServerStatus } from "../lib/status.ts";
import type { Plan, SwapJob } from "../lib/swap/swap.ts";

import type { Delivery, Webhook, WebhookChange } from "../lib/webhook/webhook.ts";
import { patientFetch } from "./patient-fetch.ts";

export type {
  ActivityPage,
  AuditEntry,
  Delivery,
  HostKeyStatus,
  Lock,
  Plan,
  RequestEntry,
  Schedule,
  SwapJob,
  Traffic,
  Webhook,
};

export type Status = ServerStatus;
export type Models = ReturnType<typeof modelsOf>;
export type Model = Models["models"][number];
export type Slot = Status["slots"][number];
export type SparkNode = ServerStatus["nodes"][number];
export type StoreProblem = NonNullable<ServerStatus["store_problem"]>;
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

interface Asked {
  readonly body?: unknown;
  /** Of the reservation that this tab holds. */
  readonly token?: string | null | undefined;
}

export async function call<Answer>(method: string, path: string, { body, token }: Asked = {}): Promise<Answer> {
  const headers = new Headers();
  const init: RequestInit = { method, cache: "no-store", headers };
  if (token) headers.set("x-swap-lock-token", token);
  if (body !== undefined) {
    headers.set("content-type", "application/json");
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await patientFetch(path, init);
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

export interface ReserveWish {
  readonly holder: string;
  readonly ttl_seconds: number;
  readonly note?: string;
  /** A secret, so that the same request may be sent again after its answer was lost. */
  readonly request_id: string;
}
export type Granted = Lock & { readonly token: string };
export interface WebhookWish {
  readonly url: string;
  readonly name?: string;
  readonly events: readonly string[];
  readonly generate_secret?: boolean;
}
/** With the secret that was made just now, if one was. */
export type SavedWebhook = Webhook & { readonly secret?: string };
export interface WebhookList {
  readonly webhooks: readonly Webhook[];
  readonly events: readonly string[];
  /** A simulated cluster sends nothing. */
  readonly suppressed: boolean;
}

const one = encodeURIComponent;
export const fetchModels = () => call<Models>("GET", "/api/models");
export const fetchSwaps = (limit: number) => call<{ swaps: SwapJob[] }>("GET", `/api/swap?limit=${limit}`);
export const fetchSwap = (id: string) => call<SwapJob>("GET", `/api/swap/${one(id)}`);
/** Looking leaves no trace in the audit log; only whoever holds a reservation has to show the token for a plan that is theirs. */
export const planSwap = async (wish: SwapWish, token: string | null) =>
  token === null
    ? call<Plan>("POST", "/api/swap/plan", { body: wish })
    : (await call<{ plan: Plan }>("POST", "/api/swap", { body: { ...wish, dry_run: true }, token })).plan;
export const startSwap = (wish: SwapWish, token: string | null) =>
  call<SwapJob>("POST", "/api/swap", { body: wish, token });
export const cancelSwap = (id: string, token: string | null) =>
  call<SwapJob>("DELETE", `/api/swap/${one(id)}`, { token });
export const reserve = (asked: ReserveWish) => call<Granted>("POST", "/api/swap/lock", { body: asked });
export const renew = (asked: Pick<ReserveWish, "holder" | "ttl_seconds">, token: string) =>
  call<Granted>("POST", "/api/swap/lock", { body: asked, token });
export const release = (token: string) => call<{ held: false }>("DELETE", "/api/swap/lock", { token });
export const forceRelease = (generation: number, reason: string) =>
  call<{ held: false }>(
    "DELETE",
    `/api/swap/lock?${new URLSearchParams({ force: "true", generation: String(generation), reason })}`,
  );
export const fetchHostKeys = () => call<{ host_keys: HostKeyStatus[] }>("GET", "/api/host-keys");
export const acceptHostKey = (node: string, fingerprint: string) =>
  call<HostKeyStatus>("POST", `/api/host-keys/${one(node)}/accept`, { body: { fingerprint } });
export const takeOver = (node: string, instance: string) =>
  call<{ node: string }>("POST", `/api/nodes/${one(node)}/take-over`, { body: { instance } });
export const fetchRefusedHosts = () => call<{ refused_hosts: RefusedHost[] }>("GET", "/api/refused-hosts");
export const fetchSchedule = () => call<Schedule>("GET", "/api/schedule?hours=24");
export const removePlanned = (id: string) => call<unknown>("DELETE", `/api/schedule/${one(id)}`);
export const fetchWebhooks = () => call<WebhookList>("GET", "/api/webhooks");
export const addWebhook = (body: WebhookWish) => call<SavedWebhook>("POST", "/api/webhooks", { body });
export const changeWebhook = (
  id: string,
  body: Omit<WebhookChange, "events"> & { readonly events?: readonly string[] },
) => call<SavedWebhook>("PATCH", `/api/webhooks/${one(id)}`, { body });
export const testWebhook = (id: string) => call<unknown>("POST", `/api/webhooks/${one(id)}/test`);
export const removeWebhook = (id: string) => call<unknown>("DELETE", `/api/webhooks/${one(id)}`);
export const fetchDeliveries = (id: string, before?: string) =>
  call<{ deliveries: Delivery[]; next: string | null }>(
    "GET",
    `/api/webhooks/${one(id)}/deliveries?limit=10${before === undefined ? "" : `&before=${one(before)}`}`,
  );
export const redeliver = (id: string) => call<Delivery>("POST", `/api/webhooks/deliveries/${one(id)}/redeliver`);
export interface RequestsWish {
  readonly text: string;
  /** "" for all. */
  readonly outcome: string;
  readonly before?: number | undefined;
  readonly after?: number | undefined;
}
export const fetchRequests = ({ text, outcome, before, after }: RequestsWish) => {
  const query = new URLSearchParams({ limit: "50" });
  if (text !== "") query.set("q", text);
  if (outcome !== "") query.set("outcome", outcome);
  if (before !== undefined) query.set("before", String(before));
  if (after !== undefined) query.set("after", String(after));
  return call<ActivityPage>("GET", `/api/activity?${query}`);
};
/** @param from ISO 8601: since when requests count */
export const fetchTraffic = (slot: string, from: string) =>
  call<Traffic>("GET", `/api/activity/traffic?${new URLSearchParams({ upstream: `slot:${slot}`, from })}`);
export const answerDrain = (id: string, answer: "keep_waiting" | "cut_off", token: string | null) =>
  call<SwapJob>("POST", `/api/swap/${one(id)}/drain`, { body: { answer }, token });
export const fetchAudit = (text: string, before?: number) => {
  const query = new URLSearchParams({ limit: "50" });
  if (text !== "") query.set("q", text);
  if (before !== undefined) query.set("before", String(before));
  return call<{ entries: AuditEntry[]; next: number | null }>("GET", `/api/audit?${query}`);
};
