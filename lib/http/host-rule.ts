/**
 * Which `Host` is served. DNS rebinding makes a foreign page same-origin with us, so that only the name in `Host`
 * tells: every route is behind this rule, GET and streams included.
 */
import { isIPv4, isIPv6 } from "node:net";

export interface Host {
  /** Lower case, without port, brackets and trailing dot. */
  readonly name: string;
  readonly port: number | null;
}

export type HostDecision =
  | { readonly verdict: "accepted"; readonly host: Host }
  | { readonly verdict: "malformed" }
  | { readonly verdict: "refused"; readonly name: string };

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const NAME_AND_PORT = /^([^:[\]]+)(?::(\d{1,5}))?$/;
const BRACKETED = /^\[([0-9a-f:.]+)\](?::(\d{1,5}))?$/;
/** Suffixes that public DNS does not serve, so that no attacker can point such a name at the LAN. */
const PRIVATE_SUFFIXES = [".localhost", ".local", ".onion", ".startos"];
const MAX_NAME_LENGTH = 253;

/** Null for anything that is not exactly one host name or IP literal with an optional port. */
export function parseHost(header: string): Host | null {
  const text = header.toLowerCase();
  const bracketed = BRACKETED.exec(text);
  const match = bracketed ?? NAME_AND_PORT.exec(text);
  if (!match?.[1]) return null;
  const port = match[2] === undefined ? null : Number(match[2]);
  if (port !== null && (port < 1 || port > 65_535)) return null;
  if (bracketed) return isIPv6(match[1]) ? { name: match[1], port } : null;
  const name = match[1].endsWith(".") ? match[1].slice(0, -1) : match[1];
  if (name.length > MAX_NAME_LENGTH || !name.split(".").every((label) => LABEL.test(label))) return null;
  return { name, port };
}

function isAccepted(name: string, allowed: readonly string[]): boolean {
  if (isIPv4(name) || (name.includes(":") && isIPv6(name))) return true;
  if (!name.includes(".")) return true;
  if (PRIVATE_SUFFIXES.some((suffix) => name.endsWith(suffix))) return true;
  return allowed.some((entry) => parseHost(entry.trim())?.name === name);
}

/**
 * @param header  value of `Host`; null when missing. Two headers arrive joined with a comma and are malformed
 * @param allowed exact names from `ALLOWED_HOSTS`, Settings and hosts.json
 */
export function decideHost(header: string | null, allowed: readonly string[]): HostDecision {
  const host = header === null ? null : parsed(header);
  if (!host) return { verdict: "malformed" };
  return isAccepted(host.name, allowed) ? { verdict: "accepted", host } : { verdict: "refused", name: host.name };
}

/** Clients send the same few names all day. */
const MOST_PARSED = 64;
const known = new Map<string, Host | null>();

function parsed(header: string): Host | null {
  const before = known.get(header);
  if (before !== undefined) return before;
  if (known.size >= MOST_PARSED) known.clear();
  const host = parseHost(header);
  known.set(header, host);
  return host;
}
