/** Watches every Spark: polls each on a fixed beat, and keeps since when it cannot be reached. */
import { type Node, type Topology, usableNode } from "../topology/topology.ts";
import { type Bucket, bucketsOf, WINDOWS, type Window } from "./availability.ts";
import type { ConnectivityStore, LoggedChange } from "./connectivity-store.ts";
import { type Change, type Link, NEVER_ASKED, type Outage, type Reading, step } from "./reading.ts";

const PRUNE_EVERY_MS = 3_600_000;
const SPAN_EVERY_MS = 60_000;
/** The address hardly ever changes: a look a day, and after every outage. */
const MAC_EVERY_MS = 86_400_000;
const MOST_UNWRITTEN = 1_000;

export interface ConnectivityOptions {
  readonly store: ConnectivityStore;
  /** From the beginning of one poll to that of the next. */
  readonly intervalMs: number;
  topology(): Topology;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rejects only when aborted, or for a mistake of ours. */
  probe(node: Node, wasDown: boolean, signal: AbortSignal): Promise<Pick<Reading, "verdict" | "reason" | "certain">>;
  /** Null when it does not tell. */
  macOf(node: Node, signal: AbortSignal): Promise<string | null>;
  /** Writes it, with whatever else must exist exactly when it does. Throws while nothing can be written. */
  write(node: string, change: Change): void;
  /** After it was written. */
  onChange(node: string, change: Change): void;
  report(error: unknown): void;
}

export interface SparkState {
  readonly spark: string;
  readonly state: "up" | "down" | "unknown";
  /** When it last changed; null when it never has. */
  readonly changedAt: number | null;
  readonly outage: Outage | null;
  readonly mac: string | null;
}

interface Watched {
  link: Link;
  asked: boolean;
  /** It has answered since this controller began. Until then it is not called reachable, and one poll in doubt says nothing. */
  answered: boolean;
  /** A poll is under way. */
  busy: boolean;
  /** The question for the address is. It has a deadline longer than a poll's, and keeps none back. */
  askingMac: boolean;
  changedAt: number | null;
  mac: string | null;
  macAt: number;
}

export class Connectivity {
  readonly #sparks = new Map<string, Watched>();
  readonly #closed = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #unwritten: { readonly node: string; readonly change: Change }[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #spanAt = Number.NEGATIVE_INFINITY;
  #prunedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: ConnectivityOptions) {}

  get intervalMs(): number {
    return this.options.intervalMs;
  }

  /** Outages that went on when the last controller ended go on. */
  start(): void {
    const { store, intervalMs } = this.options;
    const open = store.open();
    for (const [node, { changedAt, mac }] of store.known()) {
      const link = { ...NEVER_ASKED, outage: open.get(node) ?? null };
      this.#sparks.set(node, { ...unseen(), link, changedAt, mac });
    }
    this.reconfigured();
    this.#timer = setInterval(() => this.beat(), intervalMs);
    this.beat();
  }

  /** Sparks that were taken out are not waited for. One whose entry cannot be read just now has not gone by that. */
  reconfigured(): void {
    const topology = this.options.topology();
    if (!topology.nodesAreAll) return;
    const names = topology.nodes.map(({ name }) => name);
    this.#tolerant(() => this.options.store.closeAllBut(names, this.options.now()));
    for (const name of [...this.#sparks.keys()]) if (!names.includes(name)) this.#sparks.delete(name);
  }

  /** One poll of every Spark that is not being polled still. Resolves when these polls have ended. */
  async beat(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#keepHouse();
    const nodes = this.options.topology().nodes.filter((node) => node.status === "configured");
    await Promise.all(nodes.map((node) => this.#tracked(this.#poll(node))));
  }

  state(name: string): SparkState {
    const seen = this.#sparks.get(name);
    const outage = seen?.link.outage ?? null;
    return {
      spark: name,
      state: outage ? "down" : seen?.answered ? "up" : "unknown",
      changedAt: outage?.began ?? seen?.changedAt ?? null,
      outage,
      mac: seen?.mac ?? null,
    };
  }

  /** Of every Spark that is configured. */
  states(): SparkState[] {
    return this.#names().map((name) => this.state(name));
  }

  /** Newest first. @param before milliseconds since the epoch */
  changes(query: { spark: string | null; before: number | null; limit: number }): LoggedChange[] {
    return this.options.store.changes({ ...query, before: query.before ?? Number.MAX_SAFE_INTEGER });
  }

  availability(name: string, window: Window): { readonly buckets: readonly Bucket[]; readonly outages: number } {
    const { store, now } = this.options;
    const until = now();
    const since = until - WINDOWS[window].buckets * WINDOWS[window].bucketMs;
    const firstAt = store.known().get(name)?.firstAt ?? until;
    const outages = store.outages(name, since, until);
    const watched = this.#watchedUntil(since, until)
      .map(({ from, to }) => ({ from: Math.max(from, firstAt), to }))
      .filter(({ from, to }) => to > from);
    return { buckets: bucketsOf(window, until, watched, outages), outages: outages.length };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#timer !== undefined) this.#tolerant(() => this.#watching(this.options.now()));
    this.#closed.abort(new Error("the controller is shutting down"));
    await Promise.all(this.#running);
  }

  #names(): string[] {
    return this.options.topology().nodes.flatMap((node) => (node.status === "configured" ? [node.name] : []));
  }

  /** The span that goes on is written once a minute only. */
  #watchedUntil(since: number, until: number) {
    const spans = this.options.store.watched(since);
    const last = spans.at(-1);
    const goesOn = last !== undefined && until - last.to <= 2 * SPAN_EVERY_MS && !this.#closed.signal.aborted;
    return goesOn ? [...spans.slice(0, -1), { from: last.from, to: until }] : spans;
  }

  async #poll(node: Node): Promise<void> {
    const { now, probe } = this.options;
    const seen = this.#watched(node.name);
    if (seen.busy) return;
    seen.busy = true;
    try {
      const began = now();
      const found = await probe(node, seen.link.outage !== null, this.#closed.signal);
      if (this.#closed.signal.aborted || !this.#isStill(node, seen)) return;
      this.#take(node.name, seen, { ...found, began, ended: now() });
      if (found.verdict === "up") void this.#tracked(this.#askMac(node, seen));
    } finally {
      seen.busy = false;
    }
  }

  /** A poll of a Spark that is configured otherwise by now tells nothing. */
  #isStill(node: Node, seen: Watched): boolean {
    const current = usableNode(this.options.topology(), node.name);
    return this.#sparks.get(node.name) === seen && current?.host === node.host && current.ssh_port === node.ssh_port;
  }

  #take(name: string, seen: Watched, reading: Reading): void {
    if (!seen.asked) this.#tolerant(() => this.options.store.meet(name, reading.began));
    seen.asked = true;
    if (reading.verdict === "up") seen.answered = true;
    const { link, change } = step(seen.link, reading);
    seen.link = link;
    if (change) {
      seen.changedAt = change.at;
      if (change.transition === "up") seen.macAt = Number.NEGATIVE_INFINITY;
      this.#unwritten.push({ node: name, change });
    }
    this.#writeAll();
  }

  /** In their order; what cannot be written now is tried again with the next poll. */
  #writeAll(): void {
    while (this.#unwritten[0]) {
      const { node, change } = this.#unwritten[0];
      try {
        this.options.write(node, change);
      } catch (error) {
        this.options.report(error);
        this.#unwritten = this.#unwritten.slice(-MOST_UNWRITTEN);
        return;
      }
      this.#unwritten.shift();
      this.options.onChange(node, change);
    }
  }

  async #askMac(node: Node, seen: Watched): Promise<void> {
    const { now, macOf, store } = this.options;
    if (seen.askingMac || now() - seen.macAt < MAC_EVERY_MS) return;
    seen.macAt = now();
    seen.askingMac = true;
    try {
      // The next outage or day asks again when it is not told: without it only waking is not possible.
      const mac = await macOf(node, this.#closed.signal);
      if (mac === null || this.#closed.signal.aborted || !this.#isStill(node, seen)) return;
      seen.mac = mac;
      this.#tolerant(() => store.remember(node.name, mac));
    } finally {
      seen.askingMac = false;
    }
  }

  /** What goes wrong is reported; closing waits for it. */
  #tracked(work: Promise<void>): Promise<void> {
    const safe = work
      .catch((error) => {
        if (!this.#closed.signal.aborted) this.options.report(error);
      })
      .finally(() => this.#running.delete(safe));
    this.#running.add(safe);
    return safe;
  }

  #watched(name: string): Watched {
    const known = this.#sparks.get(name);
    if (known) return known;
    const remembered = this.options.store.known().get(name);
    const fresh = { ...unseen(), changedAt: remembered?.changedAt ?? null, mac: remembered?.mac ?? null };
    this.#sparks.set(name, fresh);
    return fresh;
  }

  #keepHouse(): void {
    const now = this.options.now();
    if (Math.abs(now - this.#spanAt) >= SPAN_EVERY_MS) this.#tolerant(() => this.#watching(now));
    if (Math.abs(now - this.#prunedAt) < PRUNE_EVERY_MS) return;
    this.#prunedAt = now;
    this.#tolerant(() => this.options.store.prune(now));
  }

  #watching(now: number): void {
    this.#spanAt = now;
    this.options.store.watching(now, SPAN_EVERY_MS + 6 * this.options.intervalMs);
  }

  #tolerant(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.report(error);
    }
  }
}

const unseen = (): Watched => ({
  ...{ link: NEVER_ASKED, asked: false, answered: false, busy: false, askingMac: false },
  ...{ changedAt: null, mac: null, macAt: Number.NEGATIVE_INFINITY },
});
