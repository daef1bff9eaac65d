import { createHash } from "node:crypto";
import ssh2 from "ssh2";

/** An ed25519 host key as sshd has one. */
export interface HostKey {
  /** OpenSSH private key text. */
  readonly privateText: string;
  /** `ssh-ed25519 AAAA…` */
  readonly publicText: string;
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

export function makeHostKey(): HostKey {
  const pair = usablePair();
  const publicText = pair.public.trim().split(" ").slice(0, 2).join(" ");
  const blob = Buffer.from(publicText.split(" ")[1] ?? "", "base64");
  const fingerprint = `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
  return { privateText: pair.private, publicText, fingerprint };
}

/** One pair of ssh2 1.17 in 256 cannot be read: it strips zero bytes from the front of the public key. */
function usablePair(): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}
