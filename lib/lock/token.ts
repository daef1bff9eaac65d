/** Secrets of a reservation. Only their digests are kept, and only digests are compared, in constant time. */
import crypto from "node:crypto";
import { TOKEN_PREFIX } from "../token-text.ts";

const TOKEN_BYTES = 32;

export interface Token {
  /** A prefix and 32 random bytes as base64url; leaves the process in the answer to an acquire and nowhere else. */
  readonly text: string;
  readonly digest: string;
}

/** SHA-256 as 64 hex digits. */
export function digestOf(secret: string): string {
  return crypto.createHash("sha256").update(secret, "utf8").digest("hex");
}

/** Both are digests: of equal length, so that the comparison takes the same time wherever they differ. */
export function isSameDigest(one: string | null, other: string | null): boolean {
  if (one === null || other === null || one.length !== other.length) return false;
  return crypto.timingSafeEqual(Buffer.from(one, "latin1"), Buffer.from(other, "latin1"));
}

/** @param random fills the bytes that it is given */
export function mintToken(random: (bytes: Uint8Array) => Uint8Array): Token {
  const text = TOKEN_PREFIX + Buffer.from(random(new Uint8Array(TOKEN_BYTES))).toString("base64url");
  return { text, digest: digestOf(text) };
}
