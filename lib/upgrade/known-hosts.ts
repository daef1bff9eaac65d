/** OpenSSH's known_hosts (sshd(8)): the host keys that the earlier version trusted. Pure. */
import { createHmac } from "node:crypto";
import { showKey } from "../config/origin.ts";
import { keyType } from "../ssh/host-keys.ts";
import { isWholeKey } from "../ssh/key-blob.ts";

/** Where an SSH server listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface KnownKey extends Place {
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

/** @param sparks that may be behind a hashed entry */
export function readKnownHosts(text: string, sparks: readonly Place[]): KnownHosts {
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
    if (key.length === 0 || keyType(key) !== type || !isWholeKey(key)) {
      refuse("This is not a host key of ed25519, ECDSA or RSA, or it is cut off.");
      continue;
    }
    const isHashed = names.startsWith("|1|");
    const { places, spare } = isHashed ? { places: unhashed(names, sparks), spare: [] } : placesOf(names.split(","));
    if (spare.length > 0) refuse(`Patterns, and what is no host, cannot be pinned: ${spare.map(showKey).join(", ")}.`);
    else if (places.length === 0) refuse("Its host is hashed, or no name, and is none of the Sparks.");
    if (places.length > 0) read.add(index + 1);
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

/** What `!` excludes is none of its places, wherever in the line that stands. @returns the names that are no places too */
function placesOf(names: readonly string[]): { places: Place[]; spare: string[] } {
  const without = new Set(names.filter((name) => name.startsWith("!")).map((name) => name.slice(1).toLowerCase()));
  const said = names.filter((name) => !without.has(name.toLowerCase()));
  return { places: said.flatMap(placeOf), spare: said.filter((name) => name !== "" && placeOf(name).length === 0) };
}

/** `host`, or `[host]:port`; a pattern is nothing that could be pinned. */
function placeOf(name: string): Place[] {
  const [, bracketed, port] = /^\[([^\]]+)\]:(\d{1,5})$/.exec(name) ?? [];
  const host = (bracketed ?? name).toLowerCase();
  if (!/^[a-z0-9._:-]+$/.test(host) || Number(port ?? PORT) > MOST_PORT || Number(port ?? PORT) === 0) return [];
  return [{ host, port: port === undefined ? PORT : Number(port) }];
}

/** `|1|salt|hash`: HMAC-SHA1 of the name as it would stand there, keyed with the salt. */
function unhashed(names: string, sparks: readonly Place[]): Place[] {
  const [, , salt = "", hash = ""] = names.split("|");
  const isIt = (name: string) => createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
  const written = ({ host, port }: Place) => (port === PORT ? host : `[${host}]:${port}`);
  const all = sparks.flatMap(({ host, port }) =>
    port === PORT
      ? [{ host, port }]
      : [
          { host, port },
          { host, port: PORT },
        ],
  );
  return all
    .filter((place) => isIt(written(place)) || isIt(written(place).toLowerCase()))
    .map(({ host, port }) => ({ host: host.toLowerCase(), port }));
}
