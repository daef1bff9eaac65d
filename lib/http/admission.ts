/** The order in which a request is judged before any route sees it. Pure; the glue to Elysia is perimeter.ts. */
import { bodyLimit, isJson, isStreamed } from "./body-limit.ts";
import { decideHost, type Host } from "./host-rule.ts";
import { isExempt, isReading, maySend } from "./same-origin.ts";

export type Refusal =
  | { readonly kind: "host_malformed" }
  | { readonly kind: "misdirected"; readonly name: string }
  | { readonly kind: "cross_origin" }
  | { readonly kind: "method"; readonly allow: readonly string[] }
  | { readonly kind: "options"; readonly allow: readonly string[] }
  | { readonly kind: "not_json" }
  | { readonly kind: "too_large"; readonly limit: number };

export interface Judged {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  /** Value of `Host`, or of `X-Forwarded-Host` from a trusted proxy. */
  readonly host: string | null;
  readonly allowedHosts: readonly string[];
  /** Methods of the path; null when nothing is there. */
  readonly allowedMethods: readonly string[] | null;
}

/** Known everywhere, whatever a router would do with them. */
const METHODS = new Set(["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]);

function sends(request: Judged, host: Host): boolean {
  const { method, path, headers } = request;
  // Reading a header is no small part of a small request.
  if (isReading(method) || isExempt(path)) return true;
  const header = (name: string) => headers.get(name);
  const secFetchSite = header("sec-fetch-site");
  return maySend({ method, path, host, origin: header("origin"), referer: header("referer"), secFetchSite });
}

function methodRefusal({ method, allowedMethods }: Judged): Refusal | null {
  if (!METHODS.has(method)) return { kind: "method", allow: allowedMethods ?? [...METHODS] };
  if (allowedMethods === null) return null;
  if (!allowedMethods.includes(method)) return { kind: "method", allow: allowedMethods };
  return method === "OPTIONS" ? { kind: "options", allow: allowedMethods } : null;
}

function bodyRefusal({ method, path, headers }: Judged): Refusal | null {
  if (method === "GET" || method === "HEAD" || isStreamed(path)) return null;
  const length = headers.get("content-length");
  const hasBody = headers.has("transfer-encoding") || (length !== null && length !== "0");
  if (!hasBody) return null;
  const limit = bodyLimit(path);
  if (limit !== null && length !== null && Number(length) > limit) return { kind: "too_large", limit };
  return isJson(headers.get("content-type")) ? null : { kind: "not_json" };
}

/** Null when the request may go on to its route. */
export function refusalOf(request: Judged): Refusal | null {
  const decision = decideHost(request.host, request.allowedHosts);
  if (decision.verdict === "malformed") return { kind: "host_malformed" };
  if (decision.verdict === "refused") return { kind: "misdirected", name: decision.name };
  if (!sends(request, decision.host)) return { kind: "cross_origin" };
  return methodRefusal(request) ?? bodyRefusal(request);
}
