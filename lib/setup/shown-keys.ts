/**
 * Host keys during set-up: nothing is trusted at first sight. A key that a host shows is kept here until a person has
 * compared its fingerprint; only then it is pinned.
 */
import { Fault } from "../fault.ts";
import { fingerprint, type HostKey, type HostKeyJudge, type HostKeys, keyType } from "../ssh/host-keys.ts";
import type { ShownKey } from "./check.ts";

/** Hosts whose last shown key is kept; the oldest goes. */
const MOST_HOSTS = 64;

/** sshd's own files, by key type (sshd_config(5), HostKey). */
const KEY_FILES: readonly (readonly [prefix: string, file: string])[] = [
  ["ssh-ed25519", "ssh_host_ed25519_key.pub"],
  ["ecdsa-", "ssh_host_ecdsa_key.pub"],
  ["ssh-rsa", "ssh_host_rsa_key.pub"],
];

export interface ShownKeys extends HostKeyJudge {
  /** The key that the host showed last and that is not pinned; null when there is none. */
  shown(host: string, port: number): ShownKey | null;
  /** Pins the shown key. @throws Fault 409 when the host did not show a key with this fingerprint */
  confirm(host: string, port: number, fingerprint: string): HostKey;
}

export function createShownKeys(hostKeys: HostKeys): ShownKeys {
  const keys = new Map<string, Uint8Array>();
  const id = (host: string, port: number) => `${host.toLowerCase()} ${port}`;
  const remember = (host: string, port: number, key: Uint8Array) => {
    keys.delete(id(host, port));
    keys.set(id(host, port), Uint8Array.from(key));
    const [oldest] = keys.keys();
    if (keys.size > MOST_HOSTS && oldest !== undefined) keys.delete(oldest);
  };

  return {
    check(host, port, key) {
      if (hostKeys.pinned(host, port) === null) {
        remember(host, port, key);
        return { trusted: false, expected: null, shown: fingerprint(key) };
      }
      const verdict = hostKeys.check(host, port, key);
      if (verdict.trusted) keys.delete(id(host, port));
      else remember(host, port, key);
      return verdict;
    },
    pinnedType: (host, port) => hostKeys.pinnedType(host, port),
    shown(host, port) {
      const key = keys.get(id(host, port));
      if (key === undefined) return null;
      const type = keyType(key);
      const expected = hostKeys.pinned(host, port)?.fingerprint ?? null;
      return { fingerprint: fingerprint(key), type, expected, command: compareCommand(type) };
    },
    confirm(host, port, wanted) {
      const key = keys.get(id(host, port));
      if (key === undefined || fingerprint(key) !== wanted)
        throw new Fault(
          "conflict",
          "other_host_key",
          "The Spark did not show a key with this fingerprint. Check again and compare the one that it shows now.",
          { shown_fingerprint: key === undefined ? null : fingerprint(key) },
        );
      keys.delete(id(host, port));
      return hostKeys.pin(host, port, key);
    },
  };
}

function compareCommand(type: string): string {
  const file = KEY_FILES.find(([prefix]) => type.startsWith(prefix))?.[1] ?? "ssh_host_ed25519_key.pub";
  return `ssh-keygen -lf /etc/ssh/${file}`;
}
