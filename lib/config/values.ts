/** Predicates for values that never reach a command; the others are in validate.ts. Null = fine, else why not. */
import { isIP, isIPv4 } from "node:net";
import { invalidHost, type Refusal } from "./validate.ts";

/** Name of a node, slot or service. */
export function invalidName(text: string): Refusal {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(text)
    ? null
    : 'must be of lower-case letters, digits, ".", "_" and "-", begin with a letter or digit and have at most 64 characters';
}

/** What a client may write in `model`: a served name or an alias. */
export function invalidModelName(text: string): Refusal {
  return /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$/.test(text)
    ? null
    : 'must be of letters, digits and "._:/@+-", begin with a letter or digit and have at most 128 characters';
}

/** Text for people: one line. */
export function invalidLine(text: string): Refusal {
  if (text.trim() === "") return "is empty";
  if (/[\x00-\x1f\x7f]/.test(text)) return "contains a line break or another control character";
  return text.length > 500 ? "is longer than 500 characters" : null;
}

export function invalidIPv4(text: string): Refusal {
  return isIPv4(text) ? null : "is not an IPv4 address";
}

/** A host name or address without port, as it is compared with the Host header. */
export function invalidAllowedHost(text: string): Refusal {
  return text.includes("*") ? "contains a wildcard; write each name in full" : invalidHost(text);
}

/** An origin as browsers send it: scheme, host, port unless it is the scheme's own. */
export function invalidOrigin(text: string): Refusal {
  const expected = "is not an origin such as http://app.local:3000 (scheme, host and port only)";
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return expected;
  return new URL(text).origin === text ? null : expected;
}

/** An IP address or a network in CIDR notation. */
export function invalidNetwork(text: string): Refusal {
  const expected = "is neither an IP address nor a network such as 10.77.0.0/24";
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return expected;
  if (bits === undefined) return null;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128) ? null : expected;
}

/** A git branch: the safe part of git-check-ref-format. */
export function invalidBranch(text: string): Refusal {
  const isFine = /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$/.test(text) && !/\.\.|\/\/|\/\.|\.lock(\/|$)|[/.]$/.test(text);
  return isFine ? null : "is not a branch name";
}
