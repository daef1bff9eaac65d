/** Which headers travel through a proxy. Pure. */

/** RFC 9110 §7.6.1, and what RFC 2616 §13.5.1 named beside it: they speak of one connection only. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
/**
 * `expect` has been answered by our own server; a page's cookies, origin and fetch metadata are for this address and say
 * nothing to a service behind it.
 */
const NOT_FOR_UPSTREAM = new Set([
  ...HOP_BY_HOP,
  ...["host", "content-length", "expect", "cookie", "origin", "referer"],
  // The reservation's secret is for this controller.
  "x-swap-lock-token",
]);
/** Who may read our answers, and what a browser makes of them, is ours to say; so are cookies of this address. */
const NOT_FOR_CLIENT = new Set([
  ...HOP_BY_HOP,
  ...["set-cookie", "alt-svc", "strict-transport-security", "x-request-id"],
  ...["content-security-policy", "x-frame-options", "x-content-type-options", "referrer-policy"],
]);

const NOTHING: readonly string[] = [];

/** Names that a `Connection` header makes hop-by-hop. */
function namedBy(connection: string | null): readonly string[] {
  if (connection === null) return NOTHING;
  return connection.split(",").map((name) => name.trim().toLowerCase());
}

/** Plain objects: iterating `Headers` and adding to others costs several times as much. */
export type PlainHeaders = Record<string, string>;

/** Several values of one name come joined, but those of `set-cookie`, which no one here passes on. */
const plain = (headers: Headers) => headers.toJSON() as Record<string, string>;

/** The lines of a request's head, each with its end. @param length of the body where it is known; null: chunked, or no body */
export function requestLines(from: Headers, length: number | null, host: string | null): string {
  const all = plain(from);
  const named = namedBy(all.connection ?? null);
  let lines = host === null ? "" : `host: ${host}\r\n`;
  if (length !== null) lines += `content-length: ${length}\r\n`;
  // Who offers no encoding gets none.
  if (all["accept-encoding"] === undefined || named.includes("accept-encoding"))
    lines += "accept-encoding: identity\r\n";
  for (const name in all)
    if (!NOT_FOR_UPSTREAM.has(name) && !named.includes(name) && !name.startsWith("sec-"))
      lines += `${name}: ${all[name]}\r\n`;
  return lines;
}

/** @param all lower-cased */
export function responseHeaders(all: PlainHeaders): PlainHeaders {
  const named = namedBy(all.connection ?? null);
  const to: PlainHeaders = Object.create(null);
  for (const name in all)
    if (!NOT_FOR_CLIENT.has(name) && !named.includes(name) && !isOurs(name)) to[name] = all[name]!;
  return to;
}

const isOurs = (name: string) => name.startsWith("access-control-") || name.startsWith("cross-origin-");
