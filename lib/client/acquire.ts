/** Getting a reservation, and giving back what may have been granted unseen. */
import { BETWEEN_TRIES_MS, untilAnswered } from "./answered.ts";
import type { SparkControl } from "./client.ts";
import { mustBeNumber } from "./number.ts";
import { pause } from "./pause.ts";
import { Repeats } from "./repeats.ts";
import type { ReservationOptions } from "./reservation.ts";
import { ReservationRefused } from "./reservation-errors.ts";

const DEFAULT_TTL_SECONDS = 900;
/** As the server clamps it. */
const MOST_WAIT_SECONDS = 600;

export interface Times {
  /** A request that still waits is sent anew after this: HTTP clients give up on a silent connection after 5 minutes. */
  readonly longestWaitMs: number;
  /** How much longer than the wait an answer may take before the same is asked again. */
  readonly answerLimitMs: number;
  /** How much longer than the caller's wait a server that does not answer is asked. */
  readonly giveUpMs: number;
}
const TIMES: Times = { longestWaitMs: 240_000, answerLimitMs: 10_000, giveUpMs: 30_000 };
const TRIES = 6;
/** Refusals that time may change. */
const WAIT_FOR: ReadonlySet<string> = new Set([
  "shutting_down",
  "reserved",
  "swap_running",
  "stop_running",
  "others_first",
  "line_full",
  // One of ours that was held up on its way has taken the place: asking again takes it back.
  "superseded",
]);
/** As the server clamps it. */
const LEAST_TTL_SECONDS = 1;
const MOST_TTL_SECONDS = 86_400;
const RELEASE_LIMIT_MS = 5_000;
/** Long enough to take the place of a request in line whose connection has not been seen to end. */
const MOMENT_SECONDS = 0.1;

interface Granted {
  readonly token: string;
  readonly generation: number;
  readonly seconds_remaining: number;
}

export interface Acquired {
  readonly token: string;
  readonly generation: number;
  /** What each renewal asks for. */
  readonly ttlSeconds: number;
  /** What the answer says is left. */
  readonly secondsRemaining: number;
  /** When the request was sent. Milliseconds, monotonic. */
  readonly sentMs: number;
  /** Its time began with this request, a moment ago. Not so after a wait, or a repeat: then only a renewal tells what is left. */
  readonly isFresh: boolean;
}

/**
 * @param times for tests
 * @throws RangeError `ttlSeconds` or `waitSeconds` is NaN; ReservationRefused; the signal's reason. Then nothing is left reserved, as
 *         far as Spark Control can be reached.
 */
export async function acquire(
  client: SparkControl,
  options: ReservationOptions,
  times: Partial<Times> = {},
): Promise<Acquired> {
  const { longestWaitMs, answerLimitMs, giveUpMs } = { ...TIMES, ...times };
  const { holder, note, slots, waitSeconds = 0, allowRunningSwap, signal } = options;
  const ttlSeconds = ttlOf(options);
  mustBeNumber("waitSeconds", waitSeconds);
  // A secret: with it the same request can be sent again when its answer was lost, without reserving twice.
  const request_id = randomId();
  const body = {
    holder,
    ttl_seconds: ttlSeconds,
    request_id,
    ...(note === undefined ? {} : { note }),
    ...(slots === undefined ? {} : { slots }),
    ...(allowRunningSwap === undefined ? {} : { allow_running_swap: allowRunningSwap }),
  };
  const requests = new Repeats(
    (wait, fetch) => client.api.swap.lock.post(body, { query: { wait }, fetch }),
    // A quarter of its time at most: it runs already.
    Math.min(RELEASE_LIMIT_MS, (ttlSeconds * 1000) / 4),
    signal,
  );
  const granted = ({ token, generation, seconds_remaining }: Granted, sentMs: number, isFresh: boolean): Acquired => ({
    token,
    generation,
    ttlSeconds,
    secondsRemaining: seconds_remaining,
    sentMs,
    isFresh,
  });
  let until = performance.now() + waitSeconds * 1000;
  let unanswered = 0;
  try {
    for (;;) {
      signal?.throwIfAborted();
      // What an older request has been granted is not waited for any more.
      if (requests.granted) until = Math.min(until, performance.now());
      const leftMs = Math.max(0, until - performance.now());
      const wait = Math.min(Math.ceil(leftMs / 1000), MOST_WAIT_SECONDS);
      const limitMs = Math.min(wait * 1000 + answerLimitMs, until + giveUpMs - performance.now());
      const { isUnsure } = requests;
      const { sentMs, answer: coming } = requests.send(wait, limitMs);
      const answer = wait * 1000 > longestWaitMs ? await orLater(coming, longestWaitMs) : await coming;
      if (answer === LATER) continue;
      if (answer?.data) {
        const isFresh = !isUnsure && performance.now() - sentMs < ttlSeconds * 100;
        return granted(answer.data, sentMs, isFresh);
      }
      if (answer === null) unanswered += 1;
      signal?.throwIfAborted();
      const now = performance.now();
      const isLate = requests.granted !== null || now >= until;
      const isSilent = unanswered >= TRIES || now + BETWEEN_TRIES_MS > until + giveUpMs;
      const no = refused(answer?.error);
      const isFinal = answer === null ? isLate && isSilent : isLate || !WAIT_FOR.has(no.code);
      if (isFinal && answer === null && requests.granted)
        return granted(requests.granted.data, requests.granted.sentMs, false);
      if (isFinal) throw no;
      // The server waited for the time that it was given; what comes back sooner is not asked again at once.
      if (now - sentMs < BETWEEN_TRIES_MS) await pause(BETWEEN_TRIES_MS, signal);
    }
  } catch (error) {
    // It may have been granted all the same, and nobody else knows the request id.
    if (requests.isUnsure || requests.granted) await giveBack(client, body);
    throw error;
  } finally {
    requests.close();
  }
}

const LATER = Symbol("later");

/** @returns LATER when it has not come by then */
async function orLater<T>(coming: Promise<T>, ms: number): Promise<T | typeof LATER> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const later = new Promise<typeof LATER>((resolve) => {
    timer = setTimeout(() => resolve(LATER), ms);
  });
  return Promise.race([coming, later]).finally(() => clearTimeout(timer));
}

/** @throws RangeError */
function ttlOf({ ttlSeconds = DEFAULT_TTL_SECONDS }: ReservationOptions): number {
  mustBeNumber("ttlSeconds", ttlSeconds);
  return Math.min(MOST_TTL_SECONDS, Math.max(LEAST_TTL_SECONDS, Math.floor(ttlSeconds)));
}

/**
 * Asks with the same request id once more, which gives a new token of what was granted, and releases that. Never throws.
 *
 * When nothing had been granted this reserves for an instant, a second at most, if the GPUs are free. That cannot be avoided: only
 * a reservation that has ended spends its request id, and else a request that was held up somewhere on its way would be granted
 * when it arrives, for its whole time, to nobody.
 */
async function giveBack(
  client: SparkControl,
  body: { readonly holder: string; readonly request_id: string },
): Promise<void> {
  const again = { ...body, ttl_seconds: LEAST_TTL_SECONDS };
  const query = { wait: MOMENT_SECONDS };
  const answer = await untilAnswered(
    (fetch) => client.api.swap.lock.post(again, { query, fetch }),
    AbortSignal.timeout(RELEASE_LIMIT_MS),
  );
  if (answer?.data) await release(client, answer.data.token);
}

/** Tries for some seconds. Never throws: what cannot be released expires. */
export async function release(client: SparkControl, token: string): Promise<void> {
  const headers = { "x-swap-lock-token": token };
  await untilAnswered(
    (fetch) => client.api.swap.lock.delete(undefined, { headers, fetch }),
    AbortSignal.timeout(RELEASE_LIMIT_MS),
  );
}

function refused(error: { readonly status: unknown; readonly value: unknown } | null | undefined): ReservationRefused {
  const { status = 503, value } = error ?? {};
  const told = (value ?? {}) as {
    code?: string;
    detail?: string;
    lock?: { holder: string; expires_at: string } | null;
  };
  const message = told.detail ?? `Spark Control did not answer (${String(status)}).`;
  return new ReservationRefused(Number(status), told.code ?? "no_answer", message, told.lock ?? null);
}

/** 128 random bits. `crypto.randomUUID` is not there on a page of plain HTTP. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
