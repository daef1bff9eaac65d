/**
 * The reservation lock: who has the GPUs, who waits for them, and the gate in front of everything that swaps. The machine
 * decides, the ledger keeps; who waits, and what is being stopped, is in memory.
 */
import { Fault } from "../fault.ts";
import { type Disruption, Disruptions } from "./disruptions.ts";
import { covers, type Place, untilOver } from "./grant.ts";
import { happened, Ledger, show } from "./ledger.ts";
import { type Lock, MAX_WAITING } from "./lock.ts";
import type { LockOptions } from "./lock-options.ts";
import { type AcquireRequest, askOf, type ForceRequest, type Granted, nodesOf } from "./lock-request.ts";
import { type Ask, acquire, permit } from "./machine.ts";
import * as refusals from "./refusals.ts";
import { type Asker, Respite } from "./respite.ts";
import { TimeWatch } from "./time-watch.ts";
import { digestOf, isSameDigest, mintToken } from "./token.ts";
import { answer, type Outcome, type Waiter, WaitingLine } from "./waiting-line.ts";

export class ReservationLock {
  readonly #ledger: Ledger;
  readonly #line: WaitingLine<Granted>;
  readonly #disruptions = new Disruptions();
  readonly #watch: TimeWatch;
  readonly #respite: Respite;
  #closed = false;

  constructor(private readonly options: LockOptions) {
    this.#ledger = new Ledger(options);
    this.#line = new WaitingLine(() => options.lineChanged());
    this.#respite = new Respite(options.clock, options.respiteMs);
    this.#watch = new TimeWatch({
      left: () => {
        const now = options.clock.now();
        const grant = this.#ledger.current(now);
        return grant ? untilOver(grant, now) : this.#line.length > 0 ? Number.POSITIVE_INFINITY : null;
      },
      look: () => this.tick(),
      report: options.report,
    });
  }

  /** Takes up what is on disk. @param disbelieved why it is dropped @param unknown why nobody knows what it was: all is reserved */
  open(disbelieved: string | null, unknown: string | null = null): void {
    this.#ledger.open(disbelieved, unknown);
    this.tick();
  }

  /** What is reserved now; null when nothing is. */
  current(): Lock | null {
    const now = this.options.clock.now();
    const grant = this.#ledger.current(now);
    return grant && show(grant, now);
  }

  /** How many wait in line. */
  get waiting(): number {
    return this.#line.length;
  }

  /**
   * Reserves, renews (same holder and the token) or repeats (same holder and the request id).
   * @throws Fault 404 unknown slot; 409 `reserved` with `lock`, `swap_running` with `job_id`, `stop_running`,
   *         `reservation_lost`, `request_spent`, `others_first`, `slots_fixed`; 503 `clock_unset`, or when it cannot be written
   */
  acquire(request: AcquireRequest): Granted {
    this.#mustBeOpen();
    this.#nodesOf(request.slots ?? []);
    const outcome = this.#attempt(askOf(request), request, this.#line.length > 0);
    if ("refused" in outcome) throw outcome.refused;
    return outcome;
  }

  /**
   * The same, but waits in line for what time may change. A waiter is judged again in the moment of its grant.
   * @param signal leaves the line
   * @throws Fault the last refusal when the time is over; 503 `line_full`
   */
  acquireOrWait(request: AcquireRequest, waitMs: number, signal: AbortSignal): Promise<Granted> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      this.#mustBeOpen();
      this.#nodesOf(request.slots ?? []);
      const ask = askOf(request);
      const twin = this.#line.twin(ask);
      const outcome = this.#attempt(ask, request, this.#line.length > 0 && this.#line.first !== twin);
      if (!("refused" in outcome)) resolve(outcome);
      else if (!outcome.mayChange) throw outcome.refused;
      else if (!twin && this.#line.length >= MAX_WAITING) throw refusals.lineFull(this.#line.length);
      else this.#wait({ ask, by: request.by, from: request.from, signal, resolve, reject }, waitMs, twin);
      if (twin) this.#line.remove(twin);
      twin?.reject(refusals.superseded());
    });
  }

  /**
   * @returns generation of the reservation that was released; null when nothing was held
   * @throws Fault 403 `wrong_token` with `lock`
   */
  release(token: string | null): number | null {
    const digest = token === null ? null : digestOf(token);
    const released = this.#ledger.change<number | null | Fault>((grant, now) => {
      if (!grant) return { grant, result: null };
      if (!isSameDigest(digest, grant.token_digest)) return { grant, result: refusals.wrongToken(show(grant, now)) };
      return { grant: null, event: { type: "lock.released", ...happened(grant, now) }, result: grant.generation };
    });
    if (released instanceof Fault) throw released;
    this.pump();
    return released;
  }

  /**
   * A person ends a reservation. A swap that was claimed under it is cancelled if it has stopped nothing yet. For a minute nobody
   * else gets another one.
   * @returns generation of the reservation; null when nothing was held
   * @throws Fault 409 `other_reservation` with `lock`
   */
  force({ generation, reason = null, by, from }: ForceRequest): number | null {
    const forced = this.#ledger.change<number | null | Fault>((grant, now) => {
      if (!grant) return { grant, result: null };
      if (generation !== undefined && generation !== grant.generation)
        return { grant, result: refusals.otherReservation(show(grant, now)) };
      const event = { type: "lock.forced", ...happened(grant, now), by, reason } as const;
      return { grant: null, event, result: grant.generation };
    });
    if (forced instanceof Fault) throw forced;
    if (forced !== null) {
      this.#respite.begin({ by, from });
      this.#disruptions.force(forced);
      this.options.abortBeforeStopping(forced);
    }
    this.pump();
    return forced;
  }

  /**
   * The one gate in front of everything that swaps, stops or restarts a model. Call it within the transaction of the claim;
   * for what begins anew, call `admit`.
   * @returns generation of the reservation under which it happens; null when it is under none
   * @throws Fault 423 `reserved` with `lock`; 423 `reservation_lost` for a token that opens nothing any more
   */
  permit(place: Place, token: string | null): number | null {
    const now = this.options.clock.now();
    const verdict = permit(this.#ledger.current(now), place, token === null ? null : digestOf(token));
    if (verdict.may) return verdict.reservation;
    throw refusals.reserved(verdict.grant && show(verdict.grant, now));
  }

  /**
   * The same for what begins now: nothing does, where who is first in line waits for the end of what runs, and no longer.
   * @throws Fault as `permit`; 409 `others_first`
   */
  admit(place: Place, token: string | null): number | null {
    const reservation = this.permit(place, token);
    const next = this.#next(place);
    if (next) throw refusals.awaited(next.ask.holder);
    return reservation;
  }

  /** Whether somebody waits to reserve the place, and comes next. */
  isAwaited(place: Place): boolean {
    return this.#next(place) !== null;
  }

  /**
   * From here on a stop or restart is under way there. Call it in the same synchronous step as the permit: nothing is granted between.
   * @param what in words: "a stop of main"
   * @param reservation what the permit gave back
   */
  disrupt(place: Place, what: string, reservation: number | null): Disruption {
    return this.#disruptions.begin(place, what, reservation, () => this.pump());
  }

  /** A stop or restart under way in a slot, in words; null when there is none. */
  disruptionIn(slot: Place): string | null {
    return this.#disruptions.inSlot(
      slot,
      this.options.slots().map(({ name }) => name),
    );
  }

  /** A reservation other than this one that covers the place: then nothing happens there that nobody asked for. */
  reservationOfAnother(place: Place, reservation: number | null): Lock | null {
    const now = this.options.clock.now();
    const grant = this.#ledger.current(now);
    return grant && grant.generation !== reservation && covers(grant, place) ? show(grant, now) : null;
  }

  /** A Spark remembers this generation: if these data know no such, they are old, and what they say is reserved has ended. */
  generationSeen(generation: number): void {
    if (generation <= this.options.highestGeneration()) return;
    this.#ledger.drop(
      "A Spark remembers a later generation than these data: they were restored from a backup.",
      generation,
    );
    this.pump();
  }

  /** Looks at the time: ends what is over, notices a clock that was set. */
  tick(): void {
    this.#ledger.change((grant) => ({ grant, result: null }));
    this.pump();
    this.#watch.arm();
  }

  /** Grants to those who wait what can be granted now: after a release, an end, or the end of a swap. */
  pump(): void {
    for (let first = this.#line.first; first && !this.#closed; first = this.#line.first) {
      const outcome = first.signal.aborted ? null : this.#attemptOrFail(first, false);
      if (outcome && "refused" in outcome && outcome.mayChange) break;
      this.#line.remove(first);
      if (outcome) answer(first, outcome);
    }
    this.#watch.arm();
  }

  close(): void {
    this.#closed = true;
    this.#watch.close();
    for (const waiter of this.#line.clear()) waiter.reject(refusals.shuttingDown());
  }

  #next(place: Place): Waiter<Granted> | null {
    const { first } = this.#line;
    if (!first || first.signal.aborted || this.#respite.leftMs > 0) return null;
    if (this.#ledger.current(this.options.clock.now())) return null;
    const slots = first.ask.slots ?? null;
    const nodes = this.options.slots().flatMap(({ name, nodes }) => (slots?.includes(name) ? nodes : []));
    return covers({ slots: slots && [...slots], nodes }, place) ? first : null;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw refusals.shuttingDown();
  }

  readonly #nodesOf = (slots: readonly string[]) => nodesOf(slots, this.options.slots());

  #attempt(ask: Ask, request: Asker & Pick<AcquireRequest, "token">, othersFirst: boolean): Outcome<Granted> {
    const { options } = this;
    const respiteMs = this.#respite.leftMs;
    const isTheirs = this.#respite.isOf(request);
    const outcome = this.#ledger.change<Outcome<Granted>>((grant, now) => {
      const decided = acquire(grant, ask, {
        now,
        token: mintToken((bytes) => options.random(bytes)),
        nextGeneration: () => options.nextGeneration(),
        nodesOf: (slots) => this.#nodesOf(slots),
        disruption: (scope) => this.#disruptions.within(scope),
        runningSwap: (scope) => options.runningSwaps().find(({ place }) => covers(scope, place))?.jobId ?? null,
        isSpent: (digest) => options.store.isSpent(digest),
        othersFirst: respiteMs > 0 ? !isTheirs : othersFirst,
      });
      if ("why" in decided) {
        const { refused, mayChange } = refusals.refusalOf(decided, now, respiteMs);
        // Who shows a token believes to hold something; waiting would not make that true.
        return { grant, result: { refused, mayChange: mayChange && ask.tokenDigest === null } };
      }
      const { grant: granted, how } = decided;
      const told = happened(granted, now);
      if (how === "renewed") {
        const result = { lock: told.lock, token: request.token ?? "", how };
        return { grant: granted, event: { type: "lock.renewed", ...told }, result };
      }
      const event = { type: "lock.acquired", ...told, by: request.by, repeated: how === "repeated" } as const;
      return { grant: granted, event, result: { lock: told.lock, token: decided.token.text, how } };
    });
    if (respiteMs > 0 && isTheirs && !("refused" in outcome)) this.#respite.end();
    this.#watch.arm();
    return outcome;
  }

  #attemptOrFail(waiter: Waiter<Granted>, othersFirst: boolean): Outcome<Granted> {
    try {
      return this.#attempt(waiter.ask, waiter, othersFirst);
    } catch (error) {
      return { refused: error, mayChange: false };
    }
  }

  #wait(waiter: Waiter<Granted>, waitMs: number, instead: Waiter<Granted> | undefined): void {
    const patience = {
      waitMs,
      onLeave: () => this.pump(),
      onDeadline: (late: Waiter<Granted>, wasFirst: boolean) => {
        answer(late, this.#attemptOrFail(late, !wasFirst));
        this.pump();
      },
    };
    this.#line.add(waiter, patience, instead);
    this.#watch.arm();
  }
}
