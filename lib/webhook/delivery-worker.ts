/**
 * Sends what is in the outbox. One attempt at a time for each endpoint, so that events arrive in their order unless one
 * has to be tried again; endpoints do not wait for each other, and nothing waits for the worker. What it has not written
 * down it does again: a receiver gets each message at least once, always under the same `webhook-id`.
 */
import { isoTime } from "../ids.ts";
import type { LoopMark } from "./loop.ts";
import { afterAttempt, LONGEST_RETRY_AFTER_MS, type Outcome, RETRY_DELAYS_MS } from "./retry.ts";
import { signatureHeaders } from "./sign.ts";
import type { Endpoint } from "./webhook.ts";
import type { Due, WebhookStore } from "./webhook-store.ts";

/** Looked at least this often: timers do not notice when the clock is set. */
const LONGEST_SLEEP_MS = 60_000;
const SAVE_AGAIN_MS = 1_000;
/** No schedule puts a delivery off for longer. */
const LONGEST_WAIT_MS = LONGEST_RETRY_AFTER_MS + 60_000;
const BUSY = new Set([429, 503]);

export interface WorkerOptions {
  readonly store: WebhookStore;
  /** Endpoints as they are now, those that are switched off left out. */
  readonly endpoints: () => readonly Endpoint[];
  readonly send: (
    request: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string },
    signal: AbortSignal,
  ) => Promise<Outcome>;
  readonly userAgent: string;
  /** By which a delivery that comes back is known. */
  readonly mark: Pick<LoopMark, "headers">;
  /** Default: those of retry.ts. */
  readonly retryDelaysMs?: readonly number[] | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** An attempt was made and written down. */
  readonly onAttempt: (deliveryId: string) => void;
  readonly report: (error: unknown) => void;
}

export class DeliveryWorker {
  readonly #draining = new Map<string, Promise<void>>();
  /** Endpoints that asked for a pause, until when. */
  readonly #held = new Map<string, number>();
  readonly #closed = new AbortController();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly options: WorkerOptions) {}

  /** There may be something to send. To be called at any time, within a transaction too: nothing happens before it has ended. */
  wake(): void {
    this.#sleep(0);
  }

  /** An endpoint was changed: what it asked for before no longer holds it up. */
  release(endpointId: string): void {
    this.#held.delete(endpointId);
    this.wake();
  }

  /** Gives up what is on its way; it is sent again after the next start. */
  async close(): Promise<void> {
    this.#closed.abort(new Error("the controller is shutting down"));
    if (this.#timer) clearTimeout(this.#timer);
    await Promise.all(this.#draining.values());
  }

  #sleep(ms: number): void {
    if (this.#closed.signal.aborted) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#round(), Math.min(Math.max(ms, 0), LONGEST_SLEEP_MS));
  }

  #round(): void {
    let next = LONGEST_SLEEP_MS;
    try {
      const now = this.options.now();
      this.options.store.pullIn(now + LONGEST_WAIT_MS, now);
      for (const endpoint of this.options.endpoints()) {
        if (this.#draining.has(endpoint.id)) continue;
        const due = this.options.store.nextAt(endpoint.id);
        if (due === null) continue;
        const at = Math.max(due, this.#heldUntil(endpoint.id, now));
        if (at <= now) this.#start(endpoint.id);
        else next = Math.min(next, at - now);
      }
    } catch (error) {
      this.options.report(error);
      next = SAVE_AGAIN_MS;
    }
    this.#sleep(next);
  }

  #heldUntil(endpointId: string, now: number): number {
    const until = this.#held.get(endpointId) ?? 0;
    return until > now + LONGEST_WAIT_MS ? 0 : until;
  }

  #start(endpointId: string): void {
    const drained = this.#drain(endpointId)
      .catch((error) => this.options.report(error))
      .finally(() => {
        this.#draining.delete(endpointId);
        this.wake();
      });
    this.#draining.set(endpointId, drained);
  }

  async #drain(endpointId: string): Promise<void> {
    const { store, now } = this.options;
    while (!this.#closed.signal.aborted && this.#heldUntil(endpointId, now()) <= now()) {
      const endpoint = this.options.endpoints().find((each) => each.id === endpointId);
      const due = endpoint && store.due(endpointId, now());
      if (!endpoint || !due) return;
      await this.#attempt(endpoint, due);
    }
  }

  async #attempt(endpoint: Endpoint, due: Due): Promise<void> {
    const { now, random, retryDelaysMs = RETRY_DELAYS_MS, userAgent, mark, store } = this.options;
    const began = now();
    const clock = performance.now();
    const headers = {
      "content-type": "application/json",
      "user-agent": userAgent,
      ...mark.headers,
      ...signatureHeaders({
        id: due.messageId,
        timestamp: Math.floor(began / 1000),
        body: due.body,
        secrets: validSecrets(endpoint, began),
        attempt: due.attempts + 1,
      }),
    };
    const outcome = await this.options.send({ url: endpoint.url, headers, body: due.body }, this.#closed.signal);
    // Cut off by the end of the controller: not the receiver's failure, so it does not count.
    if (this.#closed.signal.aborted && outcome.error !== null) return;
    const next = afterAttempt(outcome, due.tries + 1, random(), retryDelaysMs);
    const { status, error, retryAfterMs } = outcome;
    if (retryAfterMs !== null && status !== null && BUSY.has(status)) this.#held.set(endpoint.id, now() + retryAfterMs);
    const durationMs = Math.round(performance.now() - clock);
    const nextAt = next.state === "pending" ? now() + next.inMs : null;
    await this.#written(() =>
      store.transaction(() =>
        store.recordAttempt(due, { at: isoTime(began), durationMs, status, error }, next.state, nextAt),
      ),
    );
    this.options.onAttempt(due.id);
  }

  /** While it cannot be written (a full disk) this endpoint waits: sending the same again and again would help nobody. */
  async #written(write: () => void): Promise<void> {
    const { signal } = this.#closed;
    for (;;) {
      try {
        return write();
      } catch (error) {
        this.options.report(error);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, SAVE_AGAIN_MS);
        function done() {
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          resolve();
        }
        signal.addEventListener("abort", done);
      });
      if (signal.aborted) return;
    }
  }
}

/** The newest first. */
export function validSecrets({ secret, previousSecret, previousUntil }: Endpoint, now: number): string[] {
  const previous = previousSecret !== null && previousUntil !== null && previousUntil > now ? [previousSecret] : [];
  return secret === null ? [] : [secret, ...previous];
}
