/**
 * The one place where every state-changing request passes on its way out: what was asked, by whom, and what became of it.
 * Only what is on a list is taken from a request, so that no token and no secret can get in; what looks like a token there is taken out.
 */
import type { AuditNote, Details } from "../audit/audit.ts";
import type { Logger } from "../log.ts";
import { withoutTokens } from "../token-text.ts";
import type { Around } from "./listen.ts";
import { clientAddress } from "./peer.ts";
import { REQUEST_ID } from "./request-id.ts";
import { isExempt, isReading } from "./same-origin.ts";
import { pathOfUrl } from "./url-path.ts";

export interface AuditTrailOptions {
  readonly note: (note: AuditNote) => void;
  /** `operationId` of the route that serves this; null when nothing does. */
  readonly operation: (method: string, path: string) => string | null;
  readonly trustedProxies: () => readonly string[];
  /** Holder of the reservation now; null when nothing is reserved. */
  readonly holder: () => string | null;
  readonly log: Logger;
}

/** They only look, whatever their method. */
const LOOKING = new Set(["planSwap", "validateModel", "checkSetup"]);
const BODY_FIELDS = [
  "model",
  "key",
  "repo",
  "local_path",
  "slot",
  "slots",
  "holder",
  "owner",
  "title",
  "id",
  "name",
  "events",
  "enabled",
  "reason",
  "note",
  "force",
  "generation",
  "allow_running_swap",
  "ttl_seconds",
  "dry_run",
  "rollback",
  "drain_on_timeout",
  "answer",
  "instance",
  "fingerprint",
  "host",
  "ssh_port",
  "trial",
  "cron",
  "at",
  "values",
];
const QUERY_FIELDS = ["confirm", "node", "id", "force", "generation", "wait", "reason"];
const LONGEST_TEXT = 200;
const MOST_ITEMS = 20;
const CONTROL = /[\u0000-\u001f\u007f]/g;

const bodies = new WeakMap<Request, unknown>();

/** What is asked of the models themselves, below /v1 and beside it, changes nothing here. */
const changesSomething = (path: string) => path.startsWith("/api/") && !isExempt(path);

/** The parsed body of a request, for its entry. */
export function rememberBody(request: Request, body: unknown): void {
  bodies.set(request, body);
}

export function auditTrail(options: AuditTrailOptions): Around {
  return async (request, respond, peer) => {
    const path = pathOfUrl(request.url);
    if (isReading(request.method) || !changesSomething(path)) return respond(request);
    const action = options.operation(request.method, path);
    if (action === null || LOOKING.has(action)) return respond(request);
    // Asked before: a release ends what it was about.
    const holderBefore = heldBy(options);
    const response = await respond(request);
    const { headers } = request;
    const body = objectOf(bodies.get(request));
    const usedToken = hasToken(request, body);
    const details = detailsOf(request, body);
    const problem = response.ok ? {} : await problemOf(response);
    const { holder: reservedBy, generation } = objectOf(problem.lock);
    const refusedFor = textOf(reservedBy);
    const concernsHolder = response.ok && (usedToken || "force" in details);
    options.note({
      via: headers.has("origin") || headers.has("sec-fetch-site") ? "dashboard" : "api",
      address: clientAddress(peer, headers.get("x-forwarded-for"), options.trustedProxies()),
      user_agent: textOf(headers.get("user-agent")),
      holder: textOf(body.holder) ?? (concernsHolder ? holderBefore : refusedFor),
      action,
      method: request.method,
      path: withoutTokens(path).slice(0, LONGEST_TEXT),
      outcome: response.ok ? "done" : response.status < 500 ? "refused" : "failed",
      status: response.status,
      code: textOf(problem.code),
      details: {
        ...details,
        ...(usedToken ? { with_token: true } : {}),
        ...(refusedFor === null ? {} : { reserved_by: refusedFor }),
        ...(typeof generation === "number" ? { reservation: generation } : {}),
      },
      request_id: response.headers.get(REQUEST_ID),
    });
    return response;
  };
}

/** A record that cannot be made must not keep the request from being answered. */
function heldBy({ holder, log }: AuditTrailOptions): string | null {
  try {
    return holder();
  } catch (error) {
    log.error("the holder of the reservation could not be read", { error });
    return null;
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** What came from outside, as it may be kept: short, on one line, without a reservation's token. @returns null for what is no text */
export function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== ""
    ? withoutTokens(value.replace(CONTROL, " ")).slice(0, LONGEST_TEXT)
    : null;
}

const texts = (values: readonly unknown[]) => values.slice(0, MOST_ITEMS).flatMap((value) => textOf(value) ?? []);

function hasToken({ url, headers }: Request, body: Record<string, unknown>): boolean {
  const inQuery = URL.parse(url)?.searchParams.has("token") ?? false;
  return inQuery || headers.has("x-swap-lock-token") || "token" in body || "lock_token" in body;
}

function detailsOf({ url, headers }: Request, body: Record<string, unknown>): Details {
  const details: Details = {};
  const query = URL.parse(url)?.searchParams;
  for (const name of QUERY_FIELDS) {
    const value = textOf(query?.get(name));
    if (value !== null) details[name] = value;
  }
  for (const name of BODY_FIELDS) {
    const value = body[name];
    const text = textOf(value);
    if (text !== null) details[name] = text;
    else if (typeof value === "number" || typeof value === "boolean") details[name] = value;
    else if (Array.isArray(value)) details[name] = texts(value);
    // Which settings were changed, not to what.
    else if (name === "values" && value !== undefined) details[name] = texts(Object.keys(objectOf(value)));
  }
  const origin = textOf(headers.get("origin"));
  if (origin !== null) details.origin = origin;
  return details;
}

/** Read from a copy of the answer: it is small, and this happens only when something was refused. */
async function problemOf(response: Response): Promise<Record<string, unknown>> {
  if (!response.headers.get("content-type")?.includes("json")) return {};
  try {
    return objectOf(await response.clone().json());
  } catch {
    return {};
  }
}
