/** New ed25519 key pairs in OpenSSH format. */
import { utils } from "ssh2";

export interface KeyPair {
  /** OpenSSH private key file, without passphrase. */
  readonly privateKey: string;
  /** `ssh-ed25519 BASE64 COMMENT`, without a line break. */
  readonly publicKeyLine: string;
}

/**
 * A pair that both halves of ssh2 can read. ssh2 1.17 strips zero bytes from the front of a public key, which spoils
 * one pair in 256 (github.com/mscdex/ssh2 issue 1513): such a pair is thrown away.
 */
export function generateKeyPair(comment: string): KeyPair {
  for (;;) {
    const pair = utils.generateKeyPairSync("ed25519", { comment });
    const halves = [utils.parseKey(pair.private), utils.parseKey(pair.public)];
    if (halves.some((half) => half instanceof Error)) continue;
    return { privateKey: pair.private, publicKeyLine: pair.public.trim() };
  }
}
