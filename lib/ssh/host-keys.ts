/**
 * The host keys that this controller trusts: pinned on first use per host and port, and a changed key is refused until
 * a person accepts it. Kept in one small JSON file, replaced atomically, readable by the owner only.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeAtomically } from "../atomic-file.ts";
import { Fault } from "../fault.ts";

export interface HostKey {
  readonly host: string;
  readonly port: number;
  /** Key type of RFC 4253, such as `ssh-ed25519`. */
  readonly type: string;
  /** The public key blob, base64, as in an OpenSSH known_hosts file. */
  readonly key: string;
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  /** ISO 8601, UTC. */
  readonly pinned_at: string;
}

/** What `list` shows: the pinned key and, when the host has shown another one since, that key's fingerprint. */
export interface KnownHost extends HostKey {
  readonly refused_fingerprint: string | null;
}

export type HostKeyVerdict =
  | { readonly trusted: true; readonly pinnedNow: boolean }
  /** `expected` is null for a host whose key nobody has confirmed yet, where that is required (lib/setup). */
  | { readonly trusted: false; readonly expected: string | null; readonly shown: string };

/** What a connection asks about a host's key. */
export type HostKeyJudge = Pick<HostKeys, "check" | "pinnedType">;

export interface HostKeys {
  /** Pins an unknown host's key; compares a known one's. A refused key is remembered for `accept`. */
  check(host: string, port: number, key: Uint8Array): HostKeyVerdict;
  /** Pins the key that the host showed last and that was refused. Null when there is none. */
  accept(host: string, port: number): HostKey | null;
  /** Forgets the host: the next connection pins whatever key it shows. False when it was not known. */
  forget(host: string, port: number): boolean;
  /** Pins this key, whatever was pinned before: a person has confirmed it. */
  pin(host: string, port: number, key: Uint8Array): HostKey;
  pinned(host: string, port: number): HostKey | null;
  /** Key type pinned for the host, so that a connection can ask for that one first. */
  pinnedType(host: string, port: number): string | null;
  list(): readonly KnownHost[];
}

/** `SHA256:` and the unpadded base64 of the SHA-256 of the key blob, as OpenSSH prints it. */
export function fingerprint(key: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** The type that a public key blob begins with (RFC 4253 section 6.6: a uint32 length, then the name). */
export function keyType(key: Uint8Array): string {
  const blob = Buffer.from(key);
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  return length > 0 && length <= 64 && blob.length >= 4 + length ? blob.toString("latin1", 4, 4 + length) : "unknown";
}

/**
 * Opens the store.
 * @param options.file path of the JSON file; made on the first pin, its folder too
 * @throws Fault when the file exists but cannot be read: trusting anything then would undo the pinning
 */
export function openHostKeys(options: { readonly file: string; readonly now?: () => Date }): HostKeys {
  const { file, now = () => new Date() } = options;
  const pinned = new Map(read(file).map((entry) => [id(entry.host, entry.port), entry]));
  const refused = new Map<string, Uint8Array>();

  const pin = (host: string, port: number, key: Uint8Array): HostKey => {
    const entry: HostKey = {
      host,
      port,
      type: keyType(key),
      key: Buffer.from(key).toString("base64"),
      fingerprint: fingerprint(key),
      pinned_at: now().toISOString().replace("Z", "+00:00"),
    };
    write(file, [...new Map(pinned).set(id(host, port), entry).values()]);
    pinned.set(id(host, port), entry);
    refused.delete(id(host, port));
    return entry;
  };

  return {
    check(host, port, key) {
      const known = pinned.get(id(host, port));
      if (known === undefined) {
        pin(host, port, key);
        return { trusted: true, pinnedNow: true };
      }
      if (Buffer.from(known.key, "base64").equals(key)) {
        refused.delete(id(host, port));
        return { trusted: true, pinnedNow: false };
      }
      refused.set(id(host, port), Uint8Array.from(key));
      return { trusted: false, expected: known.fingerprint, shown: fingerprint(key) };
    },
    accept(host, port) {
      const key = refused.get(id(host, port));
      return key === undefined ? null : pin(host, port, key);
    },
    forget(host, port) {
      if (!pinned.has(id(host, port))) return false;
      write(
        file,
        [...pinned.values()].filter((entry) => id(entry.host, entry.port) !== id(host, port)),
      );
      refused.delete(id(host, port));
      return pinned.delete(id(host, port));
    },
    pin,
    pinned: (host, port) => pinned.get(id(host, port)) ?? null,
    pinnedType: (host, port) => pinned.get(id(host, port))?.type ?? null,
    list: () =>
      [...pinned.values()].map((entry) => {
        const other = refused.get(id(entry.host, entry.port));
        return { ...entry, refused_fingerprint: other === undefined ? null : fingerprint(other) };
      }),
  };
}

const id = (host: string, port: number): string => `${host.toLowerCase()} ${port}`;

function isHostKey(value: unknown): value is HostKey {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Partial<Record<keyof HostKey, unknown>>;
  return (
    typeof entry.port === "number" &&
    [entry.host, entry.type, entry.key, entry.fingerprint, entry.pinned_at].every((text) => typeof text === "string")
  );
}

function read(file: string): HostKey[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw unreadable(file, error);
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed) && parsed.every(isHostKey)) return parsed;
  } catch (error) {
    throw unreadable(file, error);
  }
  throw unreadable(file, undefined);
}

function unreadable(file: string, cause: unknown): Fault {
  return new Fault(
    "internal",
    "known_hosts_unreadable",
    `The list of known host keys (${file}) cannot be read. Restore it from a backup, or delete it to trust the Sparks' keys anew.`,
    {},
    { cause },
  );
}

function write(file: string, entries: readonly HostKey[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeAtomically(file, `${JSON.stringify(entries, null, 2)}\n`, 0o600);
}
