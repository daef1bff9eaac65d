/** Whether a state-changing request may come from where it says it comes from. */
import { type Host, parseHost } from "./host-rule.ts";

export interface Asker {
  readonly method: string;
  readonly path: string;
  readonly origin: string | null;
  readonly referer: string | null;
  readonly secFetchSite: string | null;
  /** The host that was asked, as the Host rule accepted it. */
  readonly host: Host;
}

const READING = new Set(["GET", "HEAD", "OPTIONS"]);
/** Called from pages of other tools; none of these starts, stops or swaps anything. A trailing slash: the whole folder. */
export const EXEMPT_PATHS = [
  "/v1/",
  "/scrub",
  "/rehydrate",
  "/api/search",
  "/api/audio/",
  "/api/health-event",
] as const;

export const isReading = (method: string): boolean => READING.has(method);

export function isExempt(path: string): boolean {
  return EXEMPT_PATHS.some((exempt) => (exempt.endsWith("/") ? path.startsWith(exempt) : path === exempt));
}

function defaultPort(protocol: string): number | null {
  if (protocol === "http:") return 80;
  return protocol === "https:" ? 443 : null;
}

/** A `Host` without port means the default of the page's scheme. */
function isSameHost(page: string, host: Host): boolean {
  const url = URL.parse(page);
  const port = url && defaultPort(url.protocol);
  const parsed = url && parseHost(url.host);
  if (!parsed || !port) return false;
  return parsed.name === host.name && (parsed.port ?? port) === (host.port ?? port);
}

/** True when the request may go on. */
export function maySend(asker: Asker): boolean {
  return isReading(asker.method) || isExempt(asker.path) || isOwn(asker);
}

/** False for a page of another address. `null` is a foreign origin; no origin at all is not a browser. */
export function isOwn(asker: Omit<Asker, "method" | "path">): boolean {
  if (asker.secFetchSite !== null) return asker.secFetchSite === "same-origin" || asker.secFetchSite === "none";
  const page = asker.origin ?? asker.referer;
  return page === null || isSameHost(page, asker.host);
}

/** The same of a request that has passed the guards. Behind a trusted proxy a page's own origin counts as foreign here. */
export function isOwnRequest(headers: Headers): boolean {
  const host = parseHost(headers.get("host") ?? "");
  const secFetchSite = headers.get("sec-fetch-site");
  return host !== null && isOwn({ host, origin: headers.get("origin"), referer: headers.get("referer"), secFetchSite });
}
