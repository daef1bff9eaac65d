/** When a delivery is tried again, and when it is given up. Pure. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Waits between the attempts of a delivery: dense at first, because a job waits; over in about a day. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
  8 * HOUR,
];
/** Each wait is that long give or take this part, so that many deliveries do not come back in one moment. */
const JITTER = 0.2;
export const LONGEST_RETRY_AFTER_MS = 24 * HOUR;
/** HTTP 410: the receiver says that it is gone for good (Standard Webhooks, "Delivery"). */
const GONE = 410;

export interface Outcome {
  /** Null without an answer. */
  readonly status: number | null;
  readonly error: AttemptError | null;
  /** From `Retry-After`; null when there was none. */
  readonly retryAfterMs: number | null;
}

export type AttemptError =
  | "status"
  | "redirect"
  | "loop"
  | "timeout"
  | "refused_address"
  | "name_not_found"
  | "connection_refused"
  | "certificate"
  | "unusable_url"
  | "network";

export type Next =
  | { readonly state: "delivered" }
  | { readonly state: "dead" }
  | { readonly state: "pending"; readonly inMs: number };

/**
 * @param tries  attempts made since it was queued, this one included
 * @param random 0 ≤ x < 1
 */
export function afterAttempt(
  outcome: Outcome,
  tries: number,
  random: number,
  delays: readonly number[] = RETRY_DELAYS_MS,
): Next {
  if (outcome.error === null) return { state: "delivered" };
  const delay = delays[tries - 1];
  if (delay === undefined || outcome.status === GONE || outcome.error === "loop") return { state: "dead" };
  const jittered = delay * (1 - JITTER + 2 * JITTER * random);
  return { state: "pending", inMs: Math.round(Math.max(jittered, outcome.retryAfterMs ?? 0)) };
}

/** RFC 9110 §10.2.3: seconds, or an HTTP date. Bounded; null when it is neither. @param now milliseconds since the epoch */
export function retryAfterMs(header: string | null, now: number): number | null {
  const text = header?.trim() ?? "";
  if (text === "") return null;
  const ms = /^\d+$/.test(text) ? Number(text) * SECOND : Date.parse(text) - now;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

const SENTENCES: Readonly<Record<AttemptError, string>> = {
  status: "The receiver did not accept it.",
  redirect: "The receiver redirects elsewhere. Redirects are not followed: enter the address that it leads to.",
  loop: "The URL leads back to Spark Control itself. Enter the address of a receiver.",
  timeout: "The receiver did not answer in time.",
  refused_address: "The name leads to an address to which nothing is sent.",
  name_not_found: "The name of the receiver is not known.",
  connection_refused: "Nothing listens at the receiver's address.",
  certificate: "The receiver's certificate is not valid for its name, or not signed by anyone known.",
  unusable_url: "The URL of the endpoint cannot be used.",
  network: "The connection to the receiver failed.",
};

export function sentenceOf(error: AttemptError, status: number | null): string {
  return error === "status" && status !== null ? `The receiver answered ${status}.` : SENTENCES[error];
}
