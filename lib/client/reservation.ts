/** A reservation that is renewed while work goes on, tells when it is lost, and is released on the way out. */
import { acquire } from "./acquire.ts";
import { type SparkControl, sparkControl } from "./client.ts";
import { HeldLease } from "./held-lease.ts";

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
  /**
   * Seconds to wait in line when it is reserved, or a swap runs. Default 0. A Spark Control that does not answer is given up 30 seconds
   * after that, and 5 more are taken to give back what it may have granted.
   */
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

/**
 * Reserves the GPUs, does the work, and releases them, also when the work throws.
 * @param where base URL, or a client of it
 * @throws RangeError `ttlSeconds` or `waitSeconds` is NaN; ReservationRefused; ReservationLost when it was lost before the work had ended; what the work throws
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
    options.signal?.throwIfAborted();
    const result = await work(held);
    held.mustBeHeld();
    return result;
  } finally {
    await held.end();
  }
}
