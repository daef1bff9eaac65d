/** Tokens of reservations in texts that are kept: a client may put one where none belongs, such as into a path. */

/** What every token begins with, so that it is told from whatever else looks random. */
export const TOKEN_PREFIX = "sparklock_";

/** Then 32 random bytes as base64url, as lib/lock mints them. */
const TOKEN = new RegExp(`${TOKEN_PREFIX}[\\w-]{43}`, "g");

/** Of an address, whose parts may be written in percent, and more than once. */
export function hasToken(target: string): boolean {
  for (let text = target; ; ) {
    if (text.includes(TOKEN_PREFIX)) return true;
    const plain = text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (plain === text) return false;
    text = plain;
  }
}

export function withoutTokens(text: string): string {
  // Nearly every text has none.
  return text.includes(TOKEN_PREFIX) ? text.replace(TOKEN, "[redacted]") : text;
}
