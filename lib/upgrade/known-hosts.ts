/** OpenSSH's known_hosts (sshd(8)): the host keys that the earlier version trusted. Pure. */
import { createHmac } from "node:crypto";
import { keyType } from "../ssh/host-keys.ts";

export interface KnownKey {
  readonly host: string;
  readonly port: number;
  readonly key: Uint8Array;
}

export interface KnownHosts {
  /** One key for each host and port: ed25519 before others, else the first. */
  readonly keys: readonly KnownKey[];
  /** 1-based numbers of lines that say something else, each with the reason. */
  readonly refused: readonly { readonly line: number; readonly why: string }[];
  /** Lines of which no key is among `keys`. */
  readonly spare: readonly number[];
}

const PORT = 22;
const MOST_PORT = 65_535;
const PREFERRED = "ssh-ed25519";

/** @param hosts names that may be behind a hashed entry */
export function readKnownHosts(text: string, hosts: readonly string[]): KnownHosts {
  const keys = new Map<string, KnownKey & { line: number }>();
  const read = new Set<number>();
  const refused: { line: number; why: string }[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const refuse = (why: string) => refused.push({ line: index + 1, why });
    const [names = "", type = "", base64 = ""] = line.split(/\s+/);
    if (names.startsWith("@")) {
      refuse("Certificates and revoked keys are not known here.");
      continue;
    }
    const key = Buffer.from(base64, "base64");
    if (key.length === 0 || keyType(key) !== type) {
      refuse("This is not a host key.");
      continue;
    }
    const places = names.startsWith("|1|") ? unhashed(names, hosts) : names.split(",").flatMap((name) => placeOf(name));
    if (places.length === 0) refuse("Its host is hashed, or no name, and is none of the Sparks.");
    else read.add(index + 1);
    for (const { host, port } of places) {
      const id = `${host} ${port}`;
      const known = keys.get(id);
      if (known === undefined || (type === PREFERRED && keyType(known.key) !== PREFERRED))
        keys.set(id, { host, port, key, line: index + 1 });
    }
  }
  const used = new Set([...keys.values()].map(({ line }) => line));
  return { keys: [...keys.values()], refused, spare: [...read].filter((line) => !used.has(line)) };
}

/** `host`, or `[host]:port`; a pattern is nothing that could be pinned. */
function placeOf(name: string): { host: string; port: number }[] {
  const [, bracketed, port] = /^\[([^\]]+)\]:(\d{1,5})$/.exec(name) ?? [];
  const host = (bracketed ?? name).toLowerCase();
  if (!/^[a-z0-9._:-]+$/.test(host) || Number(port ?? PORT) > MOST_PORT || Number(port ?? PORT) === 0) return [];
  return [{ host, port: port === undefined ? PORT : Number(port) }];
}

/** `|1|salt|hash`: HMAC-SHA1 of the name as it would stand there, keyed with the salt. */
function unhashed(names: string, hosts: readonly string[]): { host: string; port: number }[] {
  const [, , salt = "", hash = ""] = names.split("|");
  const isIt = (name: string) => createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
  return hosts
    .filter((host) => isIt(host) || isIt(host.toLowerCase()))
    .map((host) => ({ host: host.toLowerCase(), port: PORT }));
}
