/** The earlier version's SSH key pair and known hosts, on disk. */
import { chmodSync, statSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { writeAtomically } from "../atomic-file.ts";
import { Fault } from "../fault.ts";
import { openHostKeys } from "../ssh/host-keys.ts";
import { type Identity, loadIdentity } from "../ssh/identity.ts";
import { APP_SETTINGS } from "./app-settings.ts";
import { type EarlierFolder, presenceOf } from "./earlier-folder.ts";
import { type Place, readKnownHosts } from "./known-hosts.ts";
import { type ItemLog, reasonOf } from "./report.ts";

const OWN_KEY = "id_ed25519";
const KEYS = ["ssh/id_ed25519", ".ssh/id_ed25519", "keys/id_ed25519", "id_rsa", "ssh/id_rsa", ".ssh/id_rsa", "ssh_key"];
export const KNOWN_HOSTS = ["known_hosts", "ssh/known_hosts", ".ssh/known_hosts"];
/** Where the earlier version's container had its data folder. */
const EARLIER_FOLDER = "/data/";
const MOST_KEY_BYTES = 64 * 1024;

/** Where the key is that the settings name; null: nowhere. */
function namedKey({ path }: EarlierFolder, named: string): string | null {
  const there = (candidate: string) => presenceOf(candidate) !== "absent";
  const moved = named.startsWith(EARLIER_FOLDER) ? [join(path, named.slice(EARLIER_FOLDER.length))] : [];
  return [isAbsolute(named) ? named : join(path, named), ...moved].find(there) ?? null;
}

/** Files of the earlier version's key that are there, the one that its settings name first. */
export function earlierKeys(folder: EarlierFolder, named: string | null): string[] {
  const said = named === null ? null : namedKey(folder, named);
  const usual = KEYS.map((name) => folder.at(name)).filter((path) => presenceOf(path) !== "absent");
  return [...new Set([...(said === null ? [] : [said]), ...usual])];
}

/**
 * The key that the Sparks know becomes this controller's, so that nothing has to be done on them. A key that cannot be used
 * is moved away from the place where the start would end at it.
 */
export function takeKey(folder: EarlierFolder, named: string | null, log: ItemLog): void {
  const own = folder.at(OWN_KEY);
  const nameOf = (path: string) => nameIn(folder, path);
  // The public half is written first: nothing may be in its way.
  if (["other", "unreadable"].includes(folder.presence(`${OWN_KEY}.pub`))) {
    log.add(`${OWN_KEY}.pub`, "", "not_taken", "This is not a regular file.");
    folder.setAside(`${OWN_KEY}.pub`);
  }
  let used: string | null = null;
  if (folder.presence(OWN_KEY) !== "absent") {
    const read = identityAt(own, folder.path);
    if (!(read instanceof Fault)) {
      used = own;
      log.add(OWN_KEY, "", "taken", "It is used as it is.");
      protect(own);
    } else {
      log.add(OWN_KEY, "", "not_taken", `${read.message} Another one is used: it has to be added on the Sparks.`);
      folder.setAside(OWN_KEY);
    }
  }
  for (const path of earlierKeys(folder, named)) {
    if (path === own) continue;
    const read = identityAt(path, folder.path);
    if (read instanceof Fault) log.add(nameOf(path), "", "not_taken", read.message);
    else if (used !== null) log.add(nameOf(path), "", "kept", `${nameOf(used)} is used.`);
    else
      try {
        writeAtomically(`${own}.pub`, `${read.publicKeyLine}\n`, 0o644);
        writeAtomically(own, read.privateKey, 0o600);
        used = path;
        log.add(nameOf(path), "", "taken", `It is ${OWN_KEY} now.`);
      } catch (error) {
        log.add(nameOf(path), "", "not_taken", reasonOf(error));
      }
  }
  if (named === null) return;
  const said = namedKey(folder, named);
  if (said === null) log.add(APP_SETTINGS, "SSH_KEY_PATH", "not_taken", "There is no such file.");
  else if (said === used) log.add(APP_SETTINGS, "SSH_KEY_PATH", "taken", `Its key is ${OWN_KEY} now.`);
  else if (used === own) log.add(APP_SETTINGS, "SSH_KEY_PATH", "kept", `${OWN_KEY} is there already.`);
  else log.add(APP_SETTINGS, "SSH_KEY_PATH", "not_taken", "The key there cannot be used.");
}

/** Where the environment names the key: what is there otherwise stays where it is. */
export function leaveKeys(folder: EarlierFolder, named: string | null, log: ItemLog): void {
  const why = "The key that SSH_KEY_PATH of the environment names is used.";
  for (const path of earlierKeys(folder, named)) log.add(nameIn(folder, path), "", "kept", why);
  if (named !== null) log.add(APP_SETTINGS, "SSH_KEY_PATH", "kept", why);
}

const nameIn = ({ path: folder }: EarlierFolder, path: string): string =>
  relative(folder, path).startsWith("..") ? path : relative(folder, path);

/** A file of another owner cannot be given a mode, and can be read all the same. */
function protect(path: string): void {
  try {
    chmodSync(path, 0o600);
  } catch {}
}

function identityAt(path: string, folder: string): Identity | Fault {
  const presence = presenceOf(path);
  const refuse = (why: string) => new Fault("invalid", "ssh_key_unreadable", why);
  if (presence === "unreadable") return refuse("It cannot be read: permission denied.");
  if (presence !== "file") return refuse("This is not a regular file.");
  try {
    if (statSync(path).size > MOST_KEY_BYTES) return refuse("It is too large to be a key.");
    return loadIdentity({ folder, path });
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

/** Pins what was trusted before; what is pinned already stays. @param sparks for hashed entries */
export function takeKnownHosts(folder: EarlierFolder, sparks: readonly Place[], log: ItemLog): void {
  const pins = openHostKeys({ file: folder.at("known_hosts.json") });
  for (const name of KNOWN_HOSTS) {
    const file = folder.read(name, log);
    if (!file) continue;
    const { keys, refused, spare } = readKnownHosts(file.text, sparks);
    for (const { host, port, key } of keys) {
      const item = port === 22 ? host : `[${host}]:${port}`;
      if (pins.pinned(host, port)) log.add(name, item, "kept", "A key is pinned already.");
      else {
        pins.pin(host, port, key);
        log.add(name, item, "taken", "Its key is pinned.");
      }
    }
    for (const line of spare) log.add(name, "", "kept", `Line ${line}: another key of its host is pinned.`);
    for (const { line, why } of refused) log.add(name, "", "not_taken", `Line ${line}: ${why}`);
  }
}
