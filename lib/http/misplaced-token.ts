/** A reservation's token where a request to the API has no place for one: it would be kept, and shown, as what it was taken for. */
import { Fault } from "../fault.ts";
import { hasToken } from "../token-text.ts";

/** Of the body, where a token belongs. */
const PLACES = new Set(["token", "lock_token"]);
/** Nobody shall lose a reservation over words: those that come here lose the token only. */
const LOCK_PATH = "/api/swap/lock";

/** Not by recursion: a body may be nested as deep as it is long. */
function holdsOne(body: unknown): boolean {
  const left: object[] = [];
  /** Now, where nothing has to be kept for it: a body may have many items. */
  const looks = (value: unknown): boolean => {
    if (typeof value === "string") return hasToken(value);
    if (typeof value === "object" && value !== null) left.push(value);
    return false;
  };
  if (looks(body)) return true;
  for (let value = left.pop(); value; value = left.pop()) {
    if (Array.isArray(value)) {
      if (value.some(looks)) return true;
      continue;
    }
    for (const [name, item] of Object.entries(value)) {
      const isPlace = value === body && PLACES.has(name);
      if (!isPlace && (hasToken(name) || looks(item))) return true;
    }
  }
  return false;
}

/** @throws Fault 422 */
export function refuseMisplacedToken(path: string, body: unknown): void {
  if (path === LOCK_PATH || !(hasToken(path) || holdsOne(body))) return;
  throw new Fault(
    "invalid",
    "token_misplaced",
    "A reservation's token stands where something else belongs. Send it as X-Swap-Lock-Token, and nowhere else.",
  );
}
