/** Tokens of reservations in texts that are kept: a client may put one where none belongs, such as into a path. */

/** What every token begins with, so that it is told from whatever else looks random. */
export const TOKEN_PREFIX = "sparklock_";

/** Then 32 random bytes as base64url, as lib/lock mints them. */
const SECRET_LENGTH = 43;
const WHOLE_LENGTH = TOKEN_PREFIX.length + SECRET_LENGTH;

/** What is kept loses short parts, too: a text may have been cut on its way here, and a word too many that is taken out of a log costs nothing. */
const LEAST_PART = 8;
/** A request is refused for what may be a token without its end, or one that was broken over two lines; not for a word that begins like one. */
const LEAST_REFUSED = 20;

const partFrom = (length: number) => new RegExp(`${TOKEN_PREFIX}[\\w-]{${length},${SECRET_LENGTH}}`);
const PART = partFrom(LEAST_PART);
const PARTS = new RegExp(PART, "g");
const REFUSED = partFrom(LEAST_REFUSED);

const REDACTED = "[redacted]";
/** Nobody writes an address in percent so many times over: each time costs as much as the text is long. */
const MOST_LAYERS = 8;

/** Of an address, whose parts may be written in percent, and more than once. @param least characters behind the prefix */
function has(pattern: RegExp, least: number, target: string): boolean {
  let text = target;
  for (let layer = 0; layer < MOST_LAYERS; layer += 1) {
    // What is written plainly is never longer.
    if (text.length < TOKEN_PREFIX.length + least) return false;
    if (text.includes(TOKEN_PREFIX) && pattern.test(text)) return true;
    if (!text.includes("%")) return false;
    const plain = text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (plain === text) return false;
    text = plain;
  }
  return true;
}

/** Whether one is in it, or most of one, whichever way an address may be written. */
export const hasToken = (text: string): boolean => has(REFUSED, LEAST_REFUSED, text);

/** @returns the text without any; where one is written in percent, nothing of the text */
export function withoutTokens(text: string): string {
  // Nearly every text has none.
  const left = text.includes(TOKEN_PREFIX) ? text.replace(PARTS, redacted) : text;
  return left.includes("%") && has(PART, LEAST_PART, left) ? REDACTED : left;
}

/** One that goes on in percent stays for those who read that: its rest would be left. */
function redacted(found: string, at: number, text: string): string {
  return found.length < WHOLE_LENGTH && text[at + found.length] === "%" ? found : REDACTED;
}
