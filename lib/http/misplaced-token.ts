/** A reservation's token where a request to the API has no place for one: it would be kept, and shown, as what it was taken for. */
import { Fault } from "../fault.ts";
import { withoutTokens } from "../token-text.ts";

/** Of the body, where a token belongs. */
const PLACES = new Set(["token", "lock_token"]);
/** Nobody shall lose a reservation over words: those that come here lose the token only. */
const LOCK_PATH = "/api/swap/lock";

const hasOne = (text: string) => withoutTokens(text) !== text;

/** Not by recursion: a body may be nested as deep as it is long. */
function holdsOne(body: unknown): boolean {
  const left: unknown[] = [body];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === "string" && hasOne(value)) return true;
    if (value === null || typeof value !== "object") continue;
    for (const [name, item] of Object.entries(value)) {
      const isPlace = value === body && PLACES.has(name);
      if (!isPlace) left.push(name, item);
    }
  }
  return false;
}

/** @throws Fault 422 */
export function refuseMisplacedToken(path: string, body: unknown): void {
  if (path === LOCK_PATH || !(hasOne(path) || holdsOne(body))) return;
  throw new Fault(
    "invalid",
    "token_misplaced",
    "A reservation's token stands where something else belongs. Send it as X-Swap-Lock-Token, and nowhere else.",
  );
}
