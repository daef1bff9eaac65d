/** A reservation lock on a real store in a temporary folder, with clocks that the test moves. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../../lib/fault.ts";
import type { Reading } from "../../../lib/lock/clock.ts";
import type { Lock, LockEvent } from "../../../lib/lock/lock.ts";
import type { AcquireRequest, Granted } from "../../../lib/lock/lock-request.ts";
import { LockStore } from "../../../lib/lock/lock-store.ts";
import { ReservationLock } from "../../../lib/lock/reservation-lock.ts";
import { openStore, type Store } from "../../../lib/store/store.ts";
import { SwapStore } from "../../../lib/swap/swap-store.ts";

export const SLOTS = [
  { name: "main", nodes: ["spark-1"] },
  { name: "second", nodes: ["spark-2"] },
  { name: "both", nodes: ["spark-1", "spark-2"] },
];

export class LockBench implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "spark-lock-"));
  readonly opened: Store = openStore(this.folder);
  readonly swapStore = new SwapStore(this.opened.facts);
  readonly recorded: LockEvent[] = [];
  readonly published: LockEvent[] = [];
  readonly aborted: number[] = [];
  /** Of the line, each time that it was told. */
  readonly lengths: number[] = [];
  now: Reading = { wallMs: Date.UTC(2026, 0, 1), steadyMs: 1_000_000, boot: "first" };
  running: { jobId: string; place: { slot: string; nodes: string[] } }[] = [];
  /** Thrown within the next transaction, as a full disk would. */
  failure: Error | null = null;
  lock!: ReservationLock;

  /** @param respiteMs how long others wait after a forced release */
  constructor(private readonly respiteMs = 0) {
    this.restart();
  }

  /** A new lock on the same data, as after a restart of the process. */
  restart(disbelieved: string | null = null): void {
    this.lock?.close();
    this.lock = new ReservationLock({
      store: new LockStore(this.opened.facts),
      clock: { now: () => this.now },
      random: (bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
      transaction: (run) =>
        this.swapStore.claim(() => {
          const result = run();
          const { failure } = this;
          this.failure = null;
          if (failure) throw failure;
          return result;
        }),
      nextGeneration: () => this.swapStore.nextGeneration(),
      goOnAfterOthers: (seen) => this.swapStore.goOnAfterOthers(seen),
      highestGeneration: () => this.swapStore.highestGeneration(),
      slots: () => SLOTS,
      respiteMs: this.respiteMs,
      runningSwaps: () => this.running,
      abortBeforeStopping: (generation) => this.aborted.push(generation),
      record: (event) => this.recorded.push(event),
      lineChanged: () => this.lengths.push(this.lock.waiting),
      publish: (event) => this.published.push(event),
      report: (error) => {
        throw error;
      },
    });
    this.lock.open(disbelieved);
  }

  /** Time passes on both clocks, and is looked at. */
  pass(seconds: number): void {
    const { wallMs, steadyMs, boot } = this.now;
    this.now = { wallMs: wallMs + seconds * 1000, steadyMs: steadyMs + seconds * 1000, boot };
    this.lock.tick();
  }

  /** Someone sets the wall clock. */
  setClock(bySeconds: number): void {
    this.now = { ...this.now, wallMs: this.now.wallMs + bySeconds * 1000 };
    this.lock.tick();
  }

  /** The machine is started again. @param wallSeconds how far the wall clock has moved meanwhile */
  reboot(wallSeconds: number): void {
    this.now = { wallMs: this.now.wallMs + wallSeconds * 1000, steadyMs: 5_000, boot: crypto.randomUUID() };
    this.restart();
  }

  acquire(holder = "Alice", more: Partial<AcquireRequest> = {}): Granted {
    return this.lock.acquire({ holder, by: "a test", ...more });
  }

  wait(holder: string, more: Partial<AcquireRequest> = {}, signal = new AbortController().signal): Promise<Granted> {
    return this.lock.acquireOrWait({ holder, by: "a test", ...more }, 600_000, signal);
  }

  /** A swap in this slot, as the claim asks the gate. */
  swap(slot = "main", token: string | null = null): number | null {
    const { name, nodes } = SLOTS.find((each) => each.name === slot)!;
    return this.lock.permit({ slot: name, nodes }, token);
  }

  get held(): Lock | null {
    return this.lock.current();
  }

  get told(): string[] {
    return this.published.map(({ type }) => type);
  }

  [Symbol.dispose](): void {
    this.lock.close();
    this.opened.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The Fault that a call ends with. */
export function refusal(call: () => unknown): Fault {
  try {
    call();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("it was not refused");
}
