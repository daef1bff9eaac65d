/** A fetch for clients of one busy GPU: few requests at a time, patient when it says that it is busy. */
import { anySignal } from "./any-signal.ts";
import { mustBeNumber } from "./number.ts";
import { pause } from "./pause.ts";
import { raced } from "./raced.ts";

const DEFAULT_IN_FLIGHT = 2;
const MOST_IN_FLIGHT = 3;
const DEFAULT_TRIES = 5;
const DEFAULT_TIMEOUT_MS = 300_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** A longer Retry-After than this is not waited for: the answer is handed over. */
const LONGEST_RETRY_AFTER_MS = 600_000;

const READ_AT_ONCE_BYTES = 1024 * 1024;

export interface BoundedFetchOptions {
  /** Requests at a time, streams that have not been read to their end (or cancelled) included. Default 2, at most 3. */
  readonly inFlight?: number;
  /** Tries of one request. Default 5, at least 1. */
  readonly tries?: number;
  /**
   * Milliseconds until the answer must have begun; as many again for what is read at once, short answers and errors. As long may a
   * longer answer lie unread before it is cancelled. Default 300 000.
   */
  readonly timeoutMs?: number;
  /** Default: the global one. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

export type BoundedFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * Requests wait for their turn, first come, first served. One that times out, or is answered 503, is tried again, after the
 * time that `Retry-After` names (RFC 9110 §10.2.3), else after pauses that double. A body that is a stream can be sent once
 * only; such a request is not tried again. When the tries are used up the last answer is given, or the timeout thrown.
 *
 * Read every answer, or cancel its body. A long one, or a stream, of which nothing is read for `timeoutMs` is cancelled, which its
 * reader gets as a `TimeoutError`, and the next has its turn. One that is being read may be as slow as it likes.
 * @throws RangeError `inFlight`, `tries` or `timeoutMs` is NaN
 */
export function boundedFetch(options: BoundedFetchOptions = {}): BoundedFetch {
  const { inFlight = DEFAULT_IN_FLIGHT, tries = DEFAULT_TRIES, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const { fetch: send = (request) => fetch(request) } = options;
  mustBeNumber("inFlight", inFlight);
  mustBeNumber("tries", tries);
  mustBeNumber("timeoutMs", timeoutMs);
  const turns = new Turns(Math.min(Math.max(1, Math.floor(inFlight)), MOST_IN_FLIGHT));

  return async (input, init) => {
    const isStream = (init?.body ?? null) instanceof ReadableStream;
    const most = isStream ? 1 : Math.max(1, tries);
    const original = new Request(input, init);
    const { signal } = original;
    for (let attempt = 1; ; attempt++) {
      const giveTurnBack = await turns.take(signal);
      let pauseMs = pauseAfter(attempt);
      const limit = new Limit(timeoutMs);
      const { signal: over, leave } = anySignal([signal, limit.signal]);
      const giveBack = () => {
        leave();
        giveTurnBack();
      };
      try {
        const request = attempt < most ? original.clone() : original;
        const answer = await raced(send(new Request(request, { signal: over })), over);
        const retryMs = answer.status === 503 ? retryAfterMs(answer.headers.get("retry-after"), pauseMs) : null;
        if (retryMs === null || attempt >= most || retryMs > LONGEST_RETRY_AFTER_MS) {
          limit.begin();
          return (await short(answer, giveBack, over)) ?? counted(answer, giveBack, signal, timeoutMs);
        }
        void answer.body?.cancel().catch(() => undefined);
        pauseMs = retryMs;
      } catch (error) {
        giveBack();
        const isTimeout = limit.signal.aborted && !signal.aborted;
        if (!isTimeout) throw error;
        if (attempt >= most) throw limit.signal.reason;
      } finally {
        limit.end();
      }
      giveBack();
      await pause(pauseMs, signal);
    }
  };
}

/** Doubles, with a jitter so that clients that were refused together do not come back together. */
function pauseAfter(attempt: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
}

/** Seconds, or a date. */
function retryAfterMs(header: string | null, otherwise: number): number {
  if (header === null) return otherwise;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? otherwise : Math.max(0, at - Date.now());
}

/** Ends a request that takes too long. */
class Limit {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly ms: number) {
    this.begin();
  }

  /** From now on, anew. */
  begin(): void {
    this.end();
    const late = () => this.#controller.abort(new DOMException("no answer in time", "TimeoutError"));
    this.#timer = setTimeout(late, this.ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * An answer that is short, or an error, is read here, so that a caller who looks at the status only holds up nobody.
 * @param over the caller has given up, or the time is over
 * @returns null when it is neither
 */
async function short(answer: Response, done: () => void, over: AbortSignal): Promise<Response | null> {
  const length = answer.headers.get("content-length");
  const isShort = length !== null && Number(length) <= READ_AT_ONCE_BYTES;
  if (answer.body && answer.ok && !isShort) return null;
  const text = answer.body ? await raced(answer.arrayBuffer(), over) : null;
  done();
  return new Response(text, answer);
}

/**
 * A longer answer, or a stream. It counts as in flight until its body has been read or cancelled, the caller has given up, or
 * nobody has read on for a while.
 * @param signal the caller's
 */
function counted(answer: Response, done: () => void, signal: AbortSignal, unreadMs: number): Response {
  const source = answer.body!.getReader();
  let unread: ReturnType<typeof setTimeout>;
  const why = `nothing of the answer was read for ${unreadMs} ms: it was cancelled`;
  let leave: () => void;
  let lie: () => void;
  const end = () => {
    clearTimeout(unread);
    signal.removeEventListener("abort", leave);
    done();
  };
  // One part ahead, so that what is at its end counts no more.
  const ahead = async () => {
    const part = await source.read();
    if (part.done) end();
    return part;
  };
  let next: ReturnType<typeof ahead>;
  const readAhead = () => {
    next = ahead();
    next.catch(end);
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Nobody may be reading on, and what is read may not listen.
        const cancel = (reason: unknown) => {
          controller.error(reason);
          end();
          void source.cancel(reason).catch(() => undefined);
        };
        leave = () => cancel(signal.reason);
        signal.addEventListener("abort", leave, { once: true });
        lie = () => {
          unread = setTimeout(() => cancel(new DOMException(why, "TimeoutError")), unreadMs);
        };
        lie();
        readAhead();
      },
      // With nothing kept here it is called when somebody reads, and only then.
      async pull(controller) {
        clearTimeout(unread);
        try {
          const { done: isOver, value } = await next;
          if (isOver) return controller.close();
          controller.enqueue(value);
          lie();
          readAhead();
        } catch (error) {
          controller.error(error);
        }
      },
      async cancel(reason) {
        end();
        await source.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, answer);
}

class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** @returns how to give the turn back; safe to call twice */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(signal.reason);
      };
      this.#waiting.push(turn);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}
