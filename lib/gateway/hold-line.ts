/**
 * Requests for models that are not loaded wait here until a swap has brought them. The line begins swaps, one at a time for
 * each place: for whoever has waited longest, not before the lock allows it, and not before the model that would be stopped
 * has served for the dwell time. So two models that are wanted by turns take turns, and the cluster does not thrash.
 */
import { Fault } from "../fault.ts";
import { full, reserved, tooLong } from "./hold-refusals.ts";
import { Unrouted } from "./route-model.ts";

export interface HoldTerms {
  /** How long a request may wait. */
  readonly waitMs: number;
  /** How long a model serves at least before one is stopped for another that is only asked for. */
  readonly dwellMs: number;
  /** Requests that may wait. */
  readonly most: number;
}

/** Where a model would be loaded. */
export interface Target {
  readonly slot: string;
  /** When the youngest of the models that would be stopped began to serve, in ms since the epoch; null: none is. */
  readonly servingSince: number | null;
  /** A swap runs there, or it is not known yet what does. */
  readonly isTaken: boolean;
}

export interface HoldMeans {
  /** Null: nothing is held. */
  terms(): HoldTerms | null;
  /** @throws Fault where the model cannot be loaded anywhere */
  target(key: string): Target;
  /** @throws Fault when the reservation lock forbids that swap */
  permit(key: string, token: string | null): void;
  /** Begins the swap. @throws Fault */
  begin(key: string, wish: Pick<Wish, "caller" | "from" | "token" | "by">): void;
}

/** Nothing is held. */
export const NO_HOLD: HoldMeans = {
  terms: () => null,
  target: () => ({ slot: "", servingSince: null, isTaken: true }),
  permit: () => undefined,
  begin: () => undefined,
};

/** Where a request came from, as far as is known. */
export interface Whence {
  readonly address: string | null;
  readonly userAgent: string | null;
}

export interface Wish {
  /** Stands for one caller. */
  readonly caller: string;
  readonly from: Whence;
  /** False for a page of another address: it may wait for what others have begun, and begins nothing. */
  readonly mayBegin: boolean;
  /** Token of the reservation, where the caller has one. */
  readonly token: string | null;
  /** For the history of swaps. */
  readonly by: string;
  /** @throws Unrouted while the model is not loaded */
  route(): void;
}

interface Waiter extends Wish {
  resolve(): void;
  refuse(fault: unknown): void;
}

interface Failed {
  readonly until: number;
  readonly reason: string;
  readonly jobId: string;
}

/** Refusals of a swap that end by themselves. */
const WAIT_FOR: ReadonlySet<string> = new Set(["swap_running", "slot_stopping", "others_first"]);
/** A model that could not be loaded is not tried again for a request before this, or before the dwell time if it is longer. */
const LEAST_PAUSE_MS = 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class HoldLine {
  /** Who has waited longest comes first. */
  readonly #waiting = new Set<Waiter>();
  readonly #failed = new Map<string, Failed>();
  /** By slot. */
  readonly #readyAt = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isLooking = false;
  #closed = false;

  constructor(
    private readonly means: HoldMeans,
    private readonly now: () => number = Date.now,
  ) {}

  /** Requests that wait. */
  get length(): number {
    return this.#waiting.size;
  }

  get isOn(): boolean {
    return !this.#closed && this.means.terms() !== null;
  }

  /** Of a request that begins to wait now, in ms since the epoch. */
  deadline(): number {
    return this.now() + (this.means.terms()?.waitMs ?? 0);
  }

  /**
   * Resolves when the model is there to be routed to.
   * @param unrouted what the request would be told if it were not held
   * @param deadline ms since the epoch
   * @throws Fault at once when it cannot be loaded, later when its swap fails or the wait is over; the signal's reason
   */
  async wait(wish: Wish, unrouted: Unrouted, signal: AbortSignal, deadline: number): Promise<void> {
    const terms = this.means.terms();
    if (!terms || this.#closed) throw unrouted;
    this.judge(wish, unrouted);
    if (this.#waiting.size >= terms.most && !this.#makeRoom(wish.caller)) throw full();
    signal.throwIfAborted();
    const waitMs = Math.min(LONGEST_TIMER_MS, Math.max(0, deadline - this.now()));
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        ...wish,
        resolve() {
          leave();
          resolve();
        },
        refuse(fault) {
          leave();
          reject(fault);
        },
      };
      const onAbort = () => waiter.refuse(signal.reason);
      const timer = setTimeout(() => waiter.refuse(tooLong(terms.waitMs)), waitMs);
      this.#waiting.add(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
      this.look();
    });
  }

  /** Something has changed: what serves, a swap, the reservation. */
  look(): void {
    if (this.#isLooking || this.#closed) return;
    this.#isLooking = true;
    try {
      this.#arm(this.#settle());
    } finally {
      this.#isLooking = false;
    }
  }

  /** A swap has failed, or was cancelled: who waits for its model is told, and it is not tried again at once. */
  failed(key: string, reason: string, jobId: string): void {
    if (this.#failed.get(key)?.jobId === jobId) return;
    const pauseMs = Math.max(LEAST_PAUSE_MS, this.means.terms()?.dwellMs ?? 0);
    this.#failed.set(key, { until: this.now() + pauseMs, reason, jobId });
    for (const waiter of [...this.#waiting]) if (unroutedOf(waiter)?.key === key) waiter.refuse(this.#loadFailed(key));
  }

  /** A swap has ended well: what is known of the slot counts from before its last checks. */
  loaded(key: string, slot: string): void {
    this.#failed.delete(key);
    this.#readyAt.set(slot, this.now());
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const waiter of [...this.#waiting])
      waiter.refuse(new Fault("unavailable", "shutting_down", "Spark Control is shutting down."));
  }

  /** @throws Fault where waiting would be in vain */
  judge(wish: Wish, unrouted: Unrouted): void {
    if (unrouted.isComing) return;
    const { key } = unrouted;
    if (key === null || !wish.mayBegin) throw unrouted;
    const failed = this.#failed.get(key);
    if (failed && failed.until > this.now()) throw this.#loadFailed(key);
    this.#failed.delete(key);
    this.means.target(key);
    this.#permit(key, wish.token);
  }

  /** @returns when to look again, in ms since the epoch; null: when something happens */
  #settle(): number | null {
    const keys = new Set<string>();
    let next: number | null = null;
    for (const waiter of [...this.#waiting]) {
      const unrouted = unroutedOf(waiter);
      if (unrouted === null) {
        waiter.resolve();
        continue;
      }
      if (unrouted.isComing) continue;
      const { key } = unrouted;
      if (key === null || !waiter.mayBegin) {
        waiter.refuse(unrouted);
        continue;
      }
      if (keys.has(key)) continue;
      const due = this.#tryBegin(key, waiter);
      if (due === "refused") continue;
      keys.add(key);
      if (due !== null && (next === null || due < next)) next = due;
    }
    return next;
  }

  /** @returns when to try again; null: begun, or something runs there that must end first */
  #tryBegin(key: string, waiter: Waiter): number | null | "refused" {
    try {
      const { slot, servingSince, isTaken } = this.means.target(key);
      this.#permit(key, waiter.token);
      if (isTaken) return null;
      const since = Math.max(servingSince ?? 0, this.#readyAt.get(slot) ?? 0);
      const due = servingSince === null ? 0 : since + (this.means.terms()?.dwellMs ?? 0);
      if (due > this.now()) return due;
      this.means.begin(key, waiter);
      return null;
    } catch (error) {
      if (error instanceof Fault && WAIT_FOR.has(error.code)) return null;
      waiter.refuse(error);
      return "refused";
    }
  }

  #permit(key: string, token: string | null): void {
    try {
      this.means.permit(key, token);
    } catch (error) {
      throw error instanceof Fault && error.kind === "locked" ? reserved(error) : error;
    }
  }

  #arm(at: number | null): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (at === null) return;
    this.#timer = setTimeout(() => this.look(), Math.min(LONGEST_TIMER_MS, Math.max(1, at - this.now())));
    this.#timer.unref();
  }

  #loadFailed(key: string): Fault {
    const failed = this.#failed.get(key);
    const seconds = Math.max(1, Math.ceil(((failed?.until ?? 0) - this.now()) / 1000));
    const message = `The model that was asked for could not be loaded: ${failed?.reason ?? "unknown"} No request starts that load again for ${seconds} s; POST /api/swap does at once.`;
    return new Fault("unavailable", "model_load_failed", message, {
      param: "model",
      should_retry: false,
      retry_after_seconds: seconds,
      job_id: failed?.jobId ?? null,
      swap: { method: "POST", path: "/api/swap", body: { model: key } },
    });
  }

  /** In a full line the newest request of whoever waits most often gives way to a caller that waits clearly less often. */
  #makeRoom(newcomer: string): boolean {
    const counts = new Map<string, number>();
    let greediest = newcomer;
    for (const { caller } of this.#waiting) {
      counts.set(caller, (counts.get(caller) ?? 0) + 1);
      if ((counts.get(caller) ?? 0) > (counts.get(greediest) ?? 0)) greediest = caller;
    }
    if ((counts.get(greediest) ?? 0) <= (counts.get(newcomer) ?? 0) + 1) return false;
    const last = [...this.#waiting].findLast(({ caller }) => caller === greediest);
    last?.refuse(full());
    return last !== undefined;
  }
}

function unroutedOf(waiter: Wish): Unrouted | null {
  try {
    waiter.route();
    return null;
  } catch (error) {
    if (error instanceof Unrouted) return error;
    throw error;
  }
}
