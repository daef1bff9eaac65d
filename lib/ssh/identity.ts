/** The controller's own key pair: given by the owner, or made once and kept. */
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { utils } from "ssh2";
import { writeAtomically } from "../atomic-file.ts";
import { Fault } from "../fault.ts";
import { generateKeyPair } from "./key-pair.ts";

export interface Identity {
  /** The private key's text, in a format that ssh2 reads (OpenSSH or PEM). */
  readonly privateKey: string;
  /** The line for `~/.ssh/authorized_keys`: type, base64, comment. */
  readonly publicKeyLine: string;
  /** Where the private key lies. */
  readonly path: string;
}

const COMMENT = "spark-control";
const MOST_PUBLIC_BYTES = 64 * 1024;

/**
 * The key at `options.path` as it is, never written to; else `id_ed25519` in `options.folder`, made on the first call
 * (mode 0600). Its public half is beside it in `id_ed25519.pub`, for people and the StartOS package to read.
 * @throws Fault `ssh_key_unreadable` when the file is missing, encrypted or no private key
 */
export function loadIdentity(options: { readonly folder: string; readonly path?: string | null }): Identity {
  if (options.path) return read(options.path);
  const path = join(options.folder, "id_ed25519");
  if (!existsSync(path)) make(options.folder, path);
  const identity = read(path);
  mendPublicHalf(identity);
  return identity;
}

/** Missing, or of another key: whoever put that on the Sparks would wonder. A comment of its own stays. */
function mendPublicHalf({ path, publicKeyLine }: Identity): void {
  const file = `${path}.pub`;
  const keyOf = (line: string) => line.trim().split(/\s+/, 2).join(" ");
  try {
    const there = statSync(file, { throwIfNoEntry: false });
    const isRead = there?.isFile() && there.size <= MOST_PUBLIC_BYTES;
    if (isRead && keyOf(readFileSync(file, "utf8")) === keyOf(publicKeyLine)) return;
    writeAtomically(file, `${publicKeyLine}\n`, 0o644);
  } catch {
    // The key itself can be used; nothing here reads this file.
  }
}

function make(folder: string, path: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const pair = generateKeyPair(COMMENT);
  writeAtomically(`${path}.pub`, `${pair.publicKeyLine}\n`, 0o644);
  // Last: a private key that exists has its public half beside it.
  writeAtomically(path, pair.privateKey, 0o600);
}

function read(path: string): Identity {
  let privateKey: string;
  try {
    privateKey = readFileSync(path, "utf8");
  } catch (cause) {
    throw unreadable(`The SSH key ${path} cannot be read.`, cause);
  }
  const parsed = utils.parseKey(privateKey);
  if (parsed instanceof Error) {
    throw unreadable(
      /encrypted|passphrase/i.test(parsed.message)
        ? `The SSH key ${path} is protected by a passphrase. Use a key without one.`
        : `The SSH key ${path} is not a private key that can be used.`,
      parsed,
    );
  }
  if (!parsed.isPrivateKey()) throw unreadable(`${path} holds a public key; the private one is needed.`, undefined);
  const blob = parsed.getPublicSSH().toString("base64");
  return { privateKey, publicKeyLine: `${parsed.type} ${blob} ${parsed.comment || COMMENT}`, path };
}

function unreadable(message: string, cause: unknown): Fault {
  return new Fault("invalid", "ssh_key_unreadable", message, {}, { cause });
}
