/** The earlier version's SSH key pair and known hosts, on disk. */
import { chmodSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { writeAtomically } from "../atomic-file.ts";
import { readConfigFile } from "../config/read-file.ts";
import { Fault } from "../fault.ts";
import { openHostKeys } from "../ssh/host-keys.ts";
import { type Identity, loadIdentity } from "../ssh/identity.ts";
import { readKnownHosts } from "./known-hosts.ts";
import type { ItemLog } from "./report.ts";

const OWN_KEY = "id_ed25519";
const KEYS = ["ssh/id_ed25519", ".ssh/id_ed25519", "keys/id_ed25519", "id_rsa", "ssh/id_rsa", ".ssh/id_rsa", "ssh_key"];
export const KNOWN_HOSTS = ["known_hosts", "ssh/known_hosts", ".ssh/known_hosts"];

/** Files of the earlier version's key that are there, the one that its settings name first. */
export function earlierKeys(dataDir: string, named: string | null): string[] {
  const said = named === null ? [] : [isAbsolute(named) ? named : join(dataDir, named)];
  const paths = [...said, ...KEYS.map((name) => join(dataDir, name))];
  return [...new Set(paths)].filter((path) => existsSync(path));
}

/**
 * The key that the Sparks know becomes this controller's, so that nothing has to be done on them.
 * @param originals where a key goes that cannot be used, because the start would end at it
 * @returns whether something was moved there
 */
export function takeKey(dataDir: string, named: string | null, originals: string, log: ItemLog): boolean {
  const own = join(dataDir, OWN_KEY);
  const nameOf = (path: string) => (relative(dataDir, path).startsWith("..") ? path : relative(dataDir, path));
  if (existsSync(own)) {
    const read = identityAt(own, dataDir);
    if (!(read instanceof Fault)) {
      chmodSync(own, 0o600);
      log.add(OWN_KEY, "", "taken", "It is used as it is.");
      return false;
    }
    log.add(OWN_KEY, "", "not_taken", `${read.message} Another one is used: it has to be added on the Sparks.`);
    mkdirSync(originals, { recursive: true, mode: 0o700 });
    renameSync(own, join(originals, OWN_KEY));
  }
  const moved = existsSync(join(originals, OWN_KEY));
  for (const path of earlierKeys(dataDir, named)) {
    const read = identityAt(path, dataDir);
    if (read instanceof Fault) {
      log.add(nameOf(path), "", "not_taken", read.message);
      continue;
    }
    writeAtomically(`${own}.pub`, `${read.publicKeyLine}\n`, 0o644);
    writeAtomically(own, read.privateKey, 0o600);
    log.add(nameOf(path), "", "taken", `It is ${OWN_KEY} now.`);
    break;
  }
  return moved;
}

function identityAt(path: string, folder: string): Identity | Fault {
  try {
    return loadIdentity({ folder, path });
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

/** Pins what was trusted before; what is pinned already stays. @param hosts of the Sparks, for hashed entries */
export function takeKnownHosts(dataDir: string, hosts: readonly string[], log: ItemLog): void {
  const pins = openHostKeys({ file: join(dataDir, "known_hosts.json") });
  for (const name of KNOWN_HOSTS) {
    const { file, problem } = readConfigFile(join(dataDir, name));
    if (problem) log.add(name, "", "not_taken", problem.message);
    if (!file) continue;
    const { keys, refused } = readKnownHosts(file.text, hosts);
    for (const { host, port, key } of keys) {
      const item = port === 22 ? host : `[${host}]:${port}`;
      if (pins.pinned(host, port)) log.add(name, item, "kept", "A key is pinned already.");
      else {
        pins.pin(host, port, key);
        log.add(name, item, "taken", "Its key is pinned.");
      }
    }
    for (const { line, why } of refused) log.add(name, "", "not_taken", `Line ${line}: ${why}`);
  }
}
