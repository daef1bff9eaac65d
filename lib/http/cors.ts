/**
 * What pages of listed origins may read (Fetch Standard, "CORS protocol"). Off unless `CORS_ORIGINS` lists an origin. It
 * opens reading only: what starts, stops or swaps stays behind the same-origin guard.
 */
const PREFLIGHT_SECONDS = 600;
const SENDABLE = "authorization, content-type, last-event-id, x-swap-lock-token";
const READABLE = "retry-after, x-request-id, x-should-retry, x-spark-simulated";

export interface CorsRequest {
  /** Value of `Origin`; null when there is none. */
  readonly origin: string | null;
  /** Value of `Access-Control-Request-Method`: set on a preflight only. */
  readonly preflight: string | null;
  readonly allowedOrigins: readonly string[];
  /** Methods of the path. */
  methods(): readonly string[];
}

/** Headers of the answer; with a list, `Vary` is always there, so that no cache gives one origin's answer to another. */
export function corsHeaders({ origin, preflight, allowedOrigins, methods }: CorsRequest): Record<string, string> {
  if (allowedOrigins.length === 0) return {};
  if (origin === null || !allowedOrigins.includes(origin)) return { vary: "Origin" };
  const headers = { vary: "Origin", "access-control-allow-origin": origin, "access-control-expose-headers": READABLE };
  if (preflight === null) return headers;
  return {
    ...headers,
    "access-control-allow-methods": methods().join(", "),
    "access-control-allow-headers": SENDABLE,
    "access-control-max-age": String(PREFLIGHT_SECONDS),
  };
}
