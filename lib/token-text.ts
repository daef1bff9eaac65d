/** Tokens of reservations in texts that are kept: a client may put one where none belongs, such as into a path. */

/** 32 random bytes as base64url, as lib/lock mints them. A host key's fingerprint is of the same length and no secret. */
const TOKEN = /(?<![\w-]|SHA256:)(?=[\w-]{0,42}[a-z])(?=[\w-]{0,42}[A-Z])(?=[\w-]{0,42}\d)[\w-]{43}(?![\w-])/g;

export function withoutTokens(text: string): string {
  return text.replace(TOKEN, "[redacted]");
}
