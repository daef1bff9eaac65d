/** A reservation that is held: renewed in time, told when it is lost, released at the end. */
import { type Acquired, release } from "./acquire.ts";
import { answered, BETWEEN_TRIES_MS } from "./answered.ts";
import { type AnySignal, anySignal } from "./any-signal.ts";
import type { SparkControl } from "./client.ts";
import { pause } from "./pause.ts";
import { raced } from "./raced.ts";
import type { Lease, ReservationOptions } from "./reservation.ts";
import { ReservationLost } from "./reservation-errors.ts";

/** Between two renewals it is looked at so often whether it is still this one: a person may have ended it. */
const LOOK_MS = 5_000;

export class HeldLease implements Lease {
  readonly token: string;
  readonly generation: number;
  readonly #ttlMs: number;
  readonly #lost = new AbortController();
  /** Nothing is to be renewed any more. */
  readonly #over = new AbortController();
  /** Lost, or given up by the caller. */
  readonly #ended: AnySignal;
  readonly signal: AbortSignal;
  readonly #renewed = withResolvers();
  readonly #renewing: Promise<void>;
  #deadline!: ReturnType<typeof setTimeout>;
  /** How long it lasts from the last answered request on. */
  #lastsMs!: number;
  #heldUntilMs = 0;
  #isRefused = false;

  constructor(
    private readonly client: SparkControl,
    private readonly options: ReservationOptions,
    { token, generation, ttlSeconds, secondsRemaining, sentMs, isFresh }: Acquired,
  ) {
    this.token = token;
    this.generation = generation;
    this.#ttlMs = ttlSeconds * 1000;
    this.#ended = anySignal([this.#lost.signal, options.signal]);
    this.signal = this.#ended.signal;
    if (isFresh) this.#extend(sentMs, secondsRemaining);
    else this.#extend(performance.now(), ttlSeconds);
    this.#renewing = this.#renew(isFresh ? this.#lastsMs / 3 : 0);
  }

  /** Resolves with the first renewal. @throws ReservationLost; the reason of the caller's signal */
  async confirm(): Promise<void> {
    await raced(this.#renewed.promise, this.signal);
  }

  /** @throws ReservationLost */
  mustBeHeld(): void {
    if (performance.now() >= this.#heldUntilMs) this.#lose("Its time was over before it could be renewed.");
    this.#lost.signal.throwIfAborted();
  }

  /** Gives it back, also when it only counts as lost because no renewal was answered. Never throws: what cannot be released expires. */
  async end(): Promise<void> {
    this.#over.abort();
    clearTimeout(this.#deadline);
    await this.#renewing;
    if (!this.#isRefused) await release(this.client, this.token);
    this.#ended.leave();
  }

  /**
   * Held from the sending of a request for the time that the answer says, less a margin for clocks that run at different speeds.
   * Never longer than was asked for: the server's seconds are rounded up.
   */
  #extend(sentMs: number, seconds: number): void {
    this.#lastsMs = Math.min(this.#ttlMs, seconds * 1000);
    this.#heldUntilMs = sentMs + this.#lastsMs * 0.98;
    clearTimeout(this.#deadline);
    const lose = () => this.#lose("Its time was over before it could be renewed.");
    this.#deadline = setTimeout(lose, Math.max(0, this.#heldUntilMs - performance.now()));
  }

  #lose(why: string): void {
    if (!this.#lost.signal.aborted) this.#lost.abort(new ReservationLost(`The reservation was lost. ${why}`));
    this.#over.abort();
  }

  /** Waits, and no longer than until a look finds it gone: then the renewal is refused, and says why. */
  async #whileThere(ms: number, over: AbortSignal): Promise<void> {
    const end = performance.now() + ms;
    for (let leftMs = ms; !over.aborted; leftMs = end - performance.now()) {
      await pause(Math.min(LOOK_MS, Math.max(0, leftMs)), over).catch(() => undefined);
      if (over.aborted || leftMs <= LOOK_MS) return;
      const answer = await answered(
        (fetch) => this.client.api.swap.lock.get({ fetch }),
        over,
        AbortSignal.timeout(LOOK_MS),
      );
      const seen = answer?.data;
      if (seen && !(seen.held && seen.generation === this.generation)) return;
    }
  }

  async #renew(firstMs: number): Promise<void> {
    const over = this.#over.signal;
    const body = { holder: this.options.holder, ttl_seconds: this.#ttlMs / 1000, token: this.token };
    let nextMs = firstMs;
    while (!over.aborted) {
      await this.#whileThere(nextMs, over);
      if (over.aborted) return;
      const sentMs = performance.now();
      const answer = await answered(
        (fetch) => this.client.api.swap.lock.post(body, { fetch }),
        // One that hangs must not use up the time of the next.
        over,
        AbortSignal.timeout(Math.ceil(this.#lastsMs / 4)),
      );
      if (over.aborted) return;
      if (answer?.data) {
        this.#extend(sentMs, answer.data.seconds_remaining);
        this.#renewed.resolve();
      } else if (answer && answer.response?.status !== 503) {
        const { detail } = (answer.error?.value ?? {}) as { detail?: string };
        this.#isRefused = true;
        return this.#lose(detail ?? "");
      }
      // Without an answer it is tried again soon, until the time is over.
      nextMs = answer?.data ? this.#lastsMs / 3 : Math.min(BETWEEN_TRIES_MS, this.#lastsMs / 10);
    }
  }
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
