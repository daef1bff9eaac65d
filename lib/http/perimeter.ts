/** What every request passes before its route, and what every answer carries. */
import type { AnyElysia } from "elysia";
import { Fault } from "../fault.ts";
import { newId } from "../ids.ts";
import { withoutTokens } from "../token-text.ts";
import type { Pace } from "../upload-pace.ts";
import { type Refusal, refusalOf } from "./admission.ts";
import { rememberBody } from "./audit-trail.ts";
import { bodyLimit, CONTROL_BODY_BYTES, mayBeLong, readJson } from "./body-limit.ts";
import { corsHeaders } from "./cors.ts";
import { inItsTime } from "./idle-time.ts";
import type { MethodTable } from "./method-table.ts";
import { misdirected } from "./misdirected.ts";
import { refuseMisplacedToken } from "./misplaced-token.ts";
import { problem, problemResponse } from "./problem.ts";
import type { RefusedHosts } from "./refused-hosts.ts";
import { isExempt, isReading } from "./same-origin.ts";
import { answerHeaders, isTrustworthy, OPENER_POLICY } from "./security-headers.ts";
import { proxyList } from "./trusted-proxies.ts";
import { pathOfUrl } from "./url-path.ts";

export interface PerimeterOptions {
  /** Read at every request, so that a new name works without a restart. */
  readonly allowedHosts: () => readonly string[];
  /** Origins of other sites that may read. */
  readonly corsOrigins: () => readonly string[];
  /** IP addresses whose `X-Forwarded-Host` and `X-Forwarded-Proto` count. */
  readonly trustedProxies: () => readonly string[];
  readonly refusedHosts: RefusedHosts;
  /** Headers of the refusal of a request that is a webhook's delivery from here; null when it is none. */
  readonly loopRefusal: (headers: Headers) => Readonly<Record<string, string>> | null;
  readonly methods: () => MethodTable;
  readonly simulated: boolean;
}

function answerTo(refusal: Refusal, path: string, requestId: string): Response {
  const refuse = (status: number, code: string, detail: string, headers?: Record<string, string>) =>
    problemResponse(path, problem(status, code, detail, requestId), headers);
  switch (refusal.kind) {
    case "host_malformed":
      return refuse(400, "host_malformed", "The request must carry exactly one valid Host.");
    case "misdirected":
      return misdirected();
    case "cross_origin":
      return refuse(403, "cross_origin", "A page from another address may not send this request.");
    case "method":
      return refuse(405, "method_not_allowed", "This address does not know that method.", {
        allow: refusal.allow.join(", "),
      });
    case "options":
      return new Response(null, { status: 204, headers: { allow: refusal.allow.join(", ") } });
    case "not_json":
      return refuse(415, "not_json", "The body must be sent as application/json.");
    case "too_large":
      return refuse(413, "too_large", `The body is larger than the ${refusal.limit} bytes accepted here.`);
  }
}

function looped(path: string, requestId: string, headers: Readonly<Record<string, string>>): Response {
  const say =
    "This request is a delivery of a webhook of this very Spark Control: its URL leads back here. Give it the URL of a receiver.";
  return problemResponse(path, problem(508, "webhook_loop", say, requestId), headers);
}

/** What the browser asked, as far as it can be believed. */
function askedFor({ headers }: Request, peer: string | undefined, trustedProxies: readonly string[]) {
  const isTrusted = peer !== undefined && proxyList(trustedProxies)(peer);
  return {
    host: (isTrusted ? headers.get("x-forwarded-host") : null) ?? headers.get("host"),
    scheme: isTrusted ? headers.get("x-forwarded-proto") : null,
  };
}

const originOf = ({ headers }: Request) => ({
  origin: headers.get("origin"),
  preflight: headers.get("access-control-request-method"),
});

/** The server that a request came to; null in tests without a listening one. */
export interface Peers {
  requestIP(request: Request): { readonly address: string } | null;
}

export interface Passed {
  readonly requestId: string;
  /** What every answer to it carries, those that it has itself come first. */
  readonly headers: Record<string, string>;
  /** Null: it may go on to its route. */
  readonly refused: Response | null;
}

export type Perimeter = (request: Request, server: Peers | null) => Passed;

export function createPerimeter(options: PerimeterOptions): Perimeter {
  return (request, server) => {
    const requestId = newId();
    const headers = answerHeaders(requestId);
    if (options.simulated) headers["x-spark-simulated"] = "1";

    const path = pathOfUrl(request.url);
    const allowedMethods = options.methods().allowed(path);
    const allowedOrigins = options.corsOrigins();
    if (allowedOrigins.length > 0) {
      // What the same-origin guard would refuse is not offered.
      const methods = () => (allowedMethods ?? []).filter((method) => isReading(method) || isExempt(path));
      Object.assign(headers, corsHeaders({ ...originOf(request), allowedOrigins, methods }));
    }
    const proxies = options.trustedProxies();
    const peer = proxies.length > 0 ? server?.requestIP(request)?.address : undefined;
    const { host, scheme } = askedFor(request, peer, proxies);
    if (isTrustworthy(host, scheme)) headers["cross-origin-opener-policy"] = OPENER_POLICY;
    const loop = options.loopRefusal(request.headers);
    if (loop) return { requestId, headers, refused: looped(path, requestId, loop) };
    const refusal = refusalOf({
      method: request.method,
      path,
      headers: request.headers,
      host,
      allowedHosts: options.allowedHosts(),
      allowedMethods,
    });
    if (!refusal) return { requestId, headers, refused: null };
    if (refusal.kind === "misdirected") options.refusedHosts.note(refusal.name);
    return { requestId, headers, refused: answerTo(refusal, path, requestId) };
  };
}

/**
 * A misspelt field must not be lost without a word.
 * @throws Fault 422
 */
function refuseUnknownFields(body: unknown, known: ReadonlySet<string> | null): void {
  if (known === null || body === null || typeof body !== "object" || Array.isArray(body)) return;
  const unknown = Object.keys(body).filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  const names = unknown.slice(0, 5).map((name) => JSON.stringify(withoutTokens(name).slice(0, 60)));
  const say = `The body has fields that nothing is known of: ${names.join(", ")}. Known are ${[...known].sort().join(", ")}.`;
  throw new Fault("invalid", "unknown_field", say);
}

/** Registered right after the error renderer. @param pace at which clients send at least */
export function guard(app: AnyElysia, perimeter: Perimeter, methods: () => MethodTable, pace: Pace): void {
  app
    .onRequest(({ request, server, set }) => {
      const { headers, refused } = perimeter(request, server);
      Object.assign(set.headers, headers);
      return refused ?? undefined;
    })
    .onParse({ as: "global" }, async ({ request, server }) => {
      const path = pathOfUrl(request.url);
      const limit = bodyLimit(path);
      // Null is a body to Elysia: no parser of its own touches the request then, which "none" beside a hook does not achieve.
      if (limit === null) return null;
      const read = () => readJson(request, limit, pace);
      const body = mayBeLong(request, limit) ? await inItsTime(server, request, read) : await read();
      rememberBody(request, body);
      if (limit === CONTROL_BODY_BYTES) refuseMisplacedToken(path, body);
      refuseUnknownFields(body, methods().fields(request.method, path));
      return body;
    });
}
