/** Tokens of reservations in texts that are kept: a client may put one where none belongs, such as into a path. */

/** What every token begins with, so that it is told from whatever else looks random. */
export const TOKEN_PREFIX = "sparklock_";

/** Then 32 random bytes as base64url, as lib/lock mints them; some of them where a text was cut. */
const TOKEN = new RegExp(`${TOKEN_PREFIX}[\\w-]{8,43}`, "g");

const REDACTED = "[redacted]";
/** Nobody writes an address in percent so many times over: each time costs as much as the text is long. */
const MOST_LAYERS = 8;

/** Of an address, whose parts may be written in percent, and more than once. */
export function hasToken(target: string): boolean {
  let text = target;
  for (let layer = 0; layer < MOST_LAYERS; layer += 1) {
    if (text.includes(TOKEN_PREFIX)) return true;
    const plain = text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (plain === text) return false;
    text = plain;
  }
  return true;
}

/** @returns the text without any; where one is written in percent, nothing of the text */
export function withoutTokens(text: string): string {
  // Nearly every text has none.
  const left = text.includes(TOKEN_PREFIX) ? text.replace(TOKEN, REDACTED) : text;
  return left.includes("%") && hasToken(left) ? REDACTED : left;
}
