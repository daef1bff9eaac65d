/** What is noted of a request while it passes, for those who count and those who list: figures and names, never content. */
import { Fault } from "../fault.ts";
import type { Admission, Release } from "./admission.ts";
import type { HeldAsker } from "./model-hold.ts";
import { ClientLeft, type Outcome } from "./relay.ts";
import type { Share } from "./room.ts";
import type { Usage } from "./usage.ts";

/** Whoever sent a request. */
export interface Asker extends HeldAsker {
  /** Stands for one caller in the queue; never an API key itself. */
  caller(): string;
  /** Whether its connection may be silent for as long as it likes; else for as long as any other may. */
  maySilence(may: boolean): void;
}

/** Who sent a request that is over: asked of those that are listed only. */
export interface Sender {
  /** `key <hash>` or an address; never a key. */
  readonly caller: string;
}

/** A request that is over. */
export interface RequestRecord extends Usage {
  /** `slot:<name>` or `service:<name>`; null when it was refused before one was chosen. */
  readonly upstream: string | null;
  readonly route: string;
  /** Served name of the model, else the name that was asked for; null when none was. */
  readonly model: string | null;
  /** `refused`: the controller did not pass it on. */
  readonly outcome: Outcome | "refused";
  /** Of the upstream's answer; null when there was none. */
  readonly status: number | null;
  /** What the controller told the client instead of an answer; null when it did not. */
  readonly fault: Fault | null;
  /** Spent waiting for a place; 0 when one was free. */
  readonly queueSeconds: number;
  /** From admission to the end; 0 when it was not admitted. */
  readonly seconds: number;
  /** From admission to the first bytes of the answer's body; null when there were none. */
  readonly firstByteSeconds: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** How a request that was admitted went. */
export interface Passed extends Usage {
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** By `performance.now()`. */
  readonly firstByteAt: number | null;
}

export const NOTHING_PASSED: Passed = { bytesIn: 0, bytesOut: 0, firstByteAt: null, tokensIn: null, tokensOut: null };

export interface TraceOptions {
  /** Whether a request that begins now will be listed, as far as that can be known. */
  isListed?(): boolean;
  onEnd?(record: RequestRecord, sender: Sender): void;
}

export class Trace implements Sender {
  upstream: string | null = null;
  model: string | null = null;
  status: number | null = null;
  #caller: string | null = null;
  /** What is kept of its body, until its answer begins. */
  share: Share | null = null;
  #queueMs = 0;
  #heldSince: number | null = null;
  #maySilence = false;
  #began: number | null = null;
  #over = false;

  constructor(
    private readonly route: string,
    readonly asker: Asker,
    private readonly options: TraceOptions,
  ) {
    // Asked while it can be: the server forgets the address with the request. It is a system call, so that nobody asks for nothing.
    if (options.isListed?.() !== false) this.#caller = asker.caller();
  }

  get caller(): string {
    this.#caller ??= this.asker.caller();
    return this.#caller;
  }

  /** It takes longer than nearly all: what those can do without is done now. */
  lasts(): void {
    this.maySilence();
    this.#caller ??= this.asker.caller();
  }

  /** Its connection may be silent until it is over. */
  maySilence(): void {
    if (this.#maySilence || this.#over) return;
    this.#maySilence = true;
    this.asker.maySilence(true);
  }

  /** A place behind an admission; the wait for one is time in the queue. The signal is made when it is read. @throws Fault `unavailable` */
  enters(admission: Admission, asked: { readonly signal: AbortSignal }, hasWaited = false): Release | Promise<Release> {
    const caller = () => this.caller;
    return admission.enterAtOnce(caller) ?? this.waiting(admission.wait(caller, asked.signal, hasWaited));
  }

  /** Waits for something, and counts that as time in the queue. */
  async waiting<Result>(promise: Promise<Result>): Promise<Result> {
    const since = performance.now();
    this.lasts();
    try {
      return await promise;
    } finally {
      this.#queueMs += performance.now() - since;
    }
  }

  /** It waits for its model to be loaded: time in the queue, until it begins or is over. */
  isHeld(): void {
    this.lasts();
    this.#heldSince = performance.now();
  }

  /** It has a place. */
  begins(): void {
    this.#began = performance.now();
    this.#endHold();
  }

  #endHold(): void {
    if (this.#heldSince !== null) this.#queueMs += performance.now() - this.#heldSince;
    this.#heldSince = null;
  }

  /** It is over; only the first time counts. */
  end(outcome: Outcome | "refused", passed: Passed = NOTHING_PASSED, fault: Fault | null = null): void {
    if (this.#over) return;
    this.#over = true;
    // The server keeps it for the connection: one that is kept open would never be closed.
    if (this.#maySilence) this.asker.maySilence(false);
    this.share?.free();
    this.#endHold();
    const { bytesIn, bytesOut, firstByteAt, tokensIn, tokensOut } = passed;
    const began = this.#began;
    const record = {
      upstream: this.upstream,
      route: this.route,
      model: this.model,
      outcome,
      status: this.status,
      fault,
      queueSeconds: this.#queueMs / 1000,
      seconds: began === null ? 0 : (performance.now() - began) / 1000,
      firstByteSeconds: began === null || firstByteAt === null ? null : (firstByteAt - began) / 1000,
      bytesIn,
      bytesOut,
      tokensIn,
      tokensOut,
    };
    this.options.onEnd?.(record, this);
  }

  /** It ended before it was passed on. What has been told before stays told. */
  endedBy(error: unknown): void {
    if (error instanceof ClientLeft) this.end("left");
    else this.end("refused", NOTHING_PASSED, error instanceof Fault ? error : null);
  }
}
