/** A reservation that is renewed while work goes on, tells when it is lost, and is released on the way out. */
import { type SparkControl, sparkControl } from "./client.ts";
import { pause } from "./pause.ts";

const DEFAULT_TTL_SECONDS = 900;
/** One request waits no longer than this: HTTP clients give up on a silent connection after 5 minutes. */
const LONGEST_WAIT_SECONDS = 240;
const TRIES = 6;
/** Refusals that time may change. */
const WAIT_FOR: ReadonlySet<string> = new Set([
  "shutting_down",
  "reserved",
  "swap_running",
  "stop_running",
  "others_first",
  "line_full",
]);
const BETWEEN_TRIES_MS = 1_000;
/** As the server clamps it. */
const LEAST_TTL_SECONDS = 1;
const MOST_TTL_SECONDS = 86_400;
const RELEASE_LIMIT_MS = 5_000;

export interface ReservationOptions {
  /** Who reserves, for people to read: `nightly transcription`. */
  readonly holder: string;
  /**
   * How long the reservation lives without a renewal, in whole seconds from 1 to 86 400: the time that others wait if this process
   * dies. Default 900.
   */
  readonly ttlSeconds?: number;
  /** What for, for people to read. */
  readonly note?: string;
  /** Slots to reserve; the whole cluster when left out. */
  readonly slots?: string[];
  /** Seconds to wait in line when it is reserved, or a swap runs. Default 0. */
  readonly waitSeconds?: number;
  /** Reserve although a swap runs; it goes on to its end. */
  readonly allowRunningSwap?: boolean;
  /** Gives up waiting, and ends the work's own signal. */
  readonly signal?: AbortSignal;
}

export interface Lease {
  /** Send it with every swap: `client.api.swap.post({ model, lock_token: lease.token })`. */
  readonly token: string;
  /** Fencing token: what is written on behalf of this lease carries it, so that a later one can be told from it. */
  readonly generation: number;
  /** Aborts, with a `ReservationLost`, as soon as the lease may not be held any more. Pass it to everything that is done under it. */
  readonly signal: AbortSignal;
}

/** It was forced, has expired, or could not be renewed in time. */
export class ReservationLost extends Error {
  override readonly name = "ReservationLost";
}

/** It was not granted. `code` is the problem document's: `reserved`, `swap_running`, … */
export class ReservationRefused extends Error {
  override readonly name = "ReservationRefused";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Who holds it, and until when; null when nobody does, or it is not known. */
    readonly lock: { readonly holder: string; readonly expires_at: string } | null,
  ) {
    super(message);
  }
}

/**
 * Reserves the GPUs, does the work, and releases them, also when the work throws.
 * @param where base URL, or a client of it
 * @throws ReservationRefused; ReservationLost when it was lost before the work had ended; what the work throws
 * @example
 * await withReservation("http://spark-control.local:9999", { holder: "nightly", waitSeconds: 600 }, async (lease) => {
 *   const { data } = await sparkControl(url).api.swap.post({ model: "gpt-oss-20b", lock_token: lease.token });
 *   …
 * });
 */
export async function withReservation<Result>(
  where: string | SparkControl,
  options: ReservationOptions,
  work: (lease: Lease) => Promise<Result>,
): Promise<Result> {
  const client = typeof where === "string" ? sparkControl(where) : where;
  const acquired = await acquire(client, options);
  const held = new HeldLease(client, options, acquired);
  try {
    if (!acquired.isFresh) await held.confirm();
    const result = await work(held);
    held.mustBeHeld();
    return result;
  } finally {
    await held.end();
  }
}

interface Acquired {
  readonly token: string;
  readonly generation: number;
  readonly ttlSeconds: number;
  /** When the request was sent. Milliseconds, monotonic. */
  readonly sentMs: number;
  /** Its time began with this request, a moment ago. Not so after a wait, or a repeat: then only a renewal tells what is left. */
  readonly isFresh: boolean;
}

async function acquire(client: SparkControl, options: ReservationOptions): Promise<Acquired> {
  const { holder, note, slots, waitSeconds = 0, allowRunningSwap, signal } = options;
  const ttlSeconds = ttlOf(options);
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
  const until = performance.now() + waitSeconds * 1000;
  const late = () => performance.now() >= until;
  for (let unanswered = 0; ; ) {
    signal?.throwIfAborted();
    const sentMs = performance.now();
    const wait = Math.min(Math.max(0, Math.ceil((until - sentMs) / 1000)), LONGEST_WAIT_SECONDS);
    const fetchOptions = signal ? { fetch: { signal } } : {};
    const { data, error, response } = await client.api.swap.lock.post(body, { query: { wait }, ...fetchOptions });
    const isFresh = unanswered === 0 && performance.now() - sentMs < ttlSeconds * 100;
    if (data) {
      // The server may be of a version that clamps otherwise.
      const told = Math.max(LEAST_TTL_SECONDS, Math.min(ttlSeconds, data.seconds_remaining));
      return {
        token: data.token,
        generation: data.generation,
        ttlSeconds: isFresh ? told : ttlSeconds,
        sentMs,
        isFresh,
      };
    }
    // It may have been granted all the same, and nobody else knows the request id.
    const isGivenUp = response === undefined && (signal?.aborted === true || (++unanswered >= TRIES && late()));
    if (isGivenUp) await giveBack(client, body);
    signal?.throwIfAborted();
    const no = refused(error.status, error.value);
    if (isGivenUp || (response !== undefined && (!WAIT_FOR.has(no.code) || late()))) throw no;
    // The server waited for the time that it was given; what comes back sooner is not asked again at once.
    if (performance.now() - sentMs < BETWEEN_TRIES_MS) await pause(BETWEEN_TRIES_MS, signal);
  }
}

function ttlOf({ ttlSeconds = DEFAULT_TTL_SECONDS }: ReservationOptions): number {
  return Math.min(MOST_TTL_SECONDS, Math.max(LEAST_TTL_SECONDS, Math.floor(ttlSeconds)));
}

/** Asks with the same request id once more, which gives a new token of what was granted, and releases that. Never throws. */
async function giveBack(
  client: SparkControl,
  body: { readonly holder: string; readonly request_id: string },
): Promise<void> {
  const fetch = { signal: AbortSignal.timeout(RELEASE_LIMIT_MS) };
  const { data } = await client.api.swap.lock.post({ ...body, ttl_seconds: LEAST_TTL_SECONDS }, { query: {}, fetch });
  if (data) await client.api.swap.lock.delete(undefined, { headers: { "x-swap-lock-token": data.token }, fetch });
}

function refused(status: unknown, value: unknown): ReservationRefused {
  const told = (value ?? {}) as {
    code?: string;
    detail?: string;
    lock?: { holder: string; expires_at: string } | null;
  };
  const message = told.detail ?? `Spark Control did not answer (${String(status)}).`;
  return new ReservationRefused(Number(status), told.code ?? "no_answer", message, told.lock ?? null);
}

class HeldLease implements Lease {
  readonly token: string;
  readonly generation: number;
  readonly #ttlMs: number;
  readonly #lost = new AbortController();
  readonly #stopped = new AbortController();
  readonly signal: AbortSignal;
  readonly #renewed = withResolvers();
  readonly #renewing: Promise<void>;
  #deadline!: ReturnType<typeof setTimeout>;
  #heldUntilMs = 0;

  constructor(
    private readonly client: SparkControl,
    private readonly options: ReservationOptions,
    { token, generation, ttlSeconds, sentMs, isFresh }: Acquired,
  ) {
    this.token = token;
    this.generation = generation;
    this.#ttlMs = ttlSeconds * 1000;
    this.signal = options.signal ? AbortSignal.any([this.#lost.signal, options.signal]) : this.#lost.signal;
    this.#extend(isFresh ? sentMs : performance.now());
    this.#renewing = this.#renew(isFresh ? this.#ttlMs / 3 : 0);
  }

  /** Resolves with the first renewal. @throws ReservationLost */
  async confirm(): Promise<void> {
    await Promise.race([this.#renewed.promise, aborted(this.signal)]);
    this.signal.throwIfAborted();
  }

  /** @throws ReservationLost */
  mustBeHeld(): void {
    if (performance.now() >= this.#heldUntilMs) this.#lose("Its time was over before it could be renewed.");
    this.#lost.signal.throwIfAborted();
  }

  /** Gives it back. Never throws: what cannot be released expires. */
  async end(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#deadline);
    await this.#renewing;
    if (this.#lost.signal.aborted) return;
    const limit = AbortSignal.timeout(RELEASE_LIMIT_MS);
    while (!limit.aborted) {
      const { response } = await this.client.api.swap.lock.delete(undefined, {
        headers: { "x-swap-lock-token": this.token },
        fetch: { signal: limit },
      });
      if (response !== undefined) return;
      await pause(BETWEEN_TRIES_MS, limit).catch(() => undefined);
    }
  }

  /** Held from the sending of a request for its time, less a margin for clocks that run at different speeds. */
  #extend(sentMs: number): void {
    this.#heldUntilMs = sentMs + this.#ttlMs * 0.98;
    clearTimeout(this.#deadline);
    const lose = () => this.#lose("Its time was over before it could be renewed.");
    this.#deadline = setTimeout(lose, Math.max(0, this.#heldUntilMs - performance.now()));
  }

  #lose(why: string): void {
    if (!this.#lost.signal.aborted) this.#lost.abort(new ReservationLost(`The reservation was lost. ${why}`));
  }

  async #renew(firstMs: number): Promise<void> {
    const over = AbortSignal.any([this.#stopped.signal, this.#lost.signal]);
    let nextMs = firstMs;
    while (!over.aborted) {
      await pause(nextMs, over).catch(() => undefined);
      if (over.aborted) return;
      const sentMs = performance.now();
      const { data, error, response } = await this.client.api.swap.lock.post(
        { holder: this.options.holder, ttl_seconds: this.#ttlMs / 1000, token: this.token },
        // One that hangs must not use up the time of the next.
        { fetch: { signal: AbortSignal.any([over, AbortSignal.timeout(Math.ceil(this.#ttlMs / 4))]) } },
      );
      if (over.aborted) return;
      if (data?.generation === this.generation) {
        this.#extend(sentMs);
        this.#renewed.resolve();
      } else if (response !== undefined && error && Number(error.status) < 500) {
        const { detail } = (error.value ?? {}) as { detail?: string };
        return this.#lose(detail ?? "");
      }
      // Without an answer it is tried again soon, until the time is over.
      nextMs = data ? this.#ttlMs / 3 : Math.min(BETWEEN_TRIES_MS, this.#ttlMs / 10);
    }
  }
}

/** 128 random bits. `crypto.randomUUID` is not there on a page of plain HTTP. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
