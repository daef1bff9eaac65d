/** Asks the Sparks for their cards while somebody looks at them, and only then. */
import { Fault } from "../fault.ts";
import { isoTime } from "../ids.ts";
import type { Node, Topology } from "../topology/topology.ts";
import { type CpuReading, cardOf, emptyCard, type HardwareCard } from "./card.ts";
import { History, type HistoryData } from "./history.ts";
import type { Answers } from "./questions.ts";

export interface HardwareOptions {
  readonly intervalMs: number;
  /** So long after somebody asked, the looks go on. */
  readonly lingerMs: number;
  topology(): Topology;
  /** Milliseconds since the epoch. */
  now(): number;
  /** One round trip. @throws Fault when the Spark cannot be asked */
  ask(node: Node, signal: AbortSignal): Promise<Answers>;
  /** A round has ended. */
  onLooked(cards: readonly HardwareCard[]): void;
  report(error: unknown): void;
}

interface Kept {
  readonly history: History;
  card: HardwareCard;
  cpu: CpuReading;
  busy: boolean;
}

export class Hardware {
  readonly #kept = new Map<string, Kept>();
  readonly #closed = new AbortController();
  #viewers = 0;
  #viewedAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #round: Promise<void> | null = null;

  constructor(private readonly options: HardwareOptions) {}

  /** Somebody looks until the answer is called; calling it twice is no harm. */
  watch(): () => void {
    this.#viewers += 1;
    this.#goOn();
    let gone = false;
    return () => {
      if (!gone) this.#viewers -= 1;
      gone = true;
      this.#viewedAt = this.options.now();
    };
  }

  get isWatched(): boolean {
    return this.#viewers > 0 || this.options.now() - this.#viewedAt < this.options.lingerMs;
  }

  /** Somebody has asked once: the looks go on for a while. @returns when there is a first card of each Spark */
  async viewed(): Promise<void> {
    this.#viewedAt = this.options.now();
    this.#goOn();
    const isNew = this.cards().some(({ at, problem }) => at === null && problem === null);
    if (isNew) await this.#round;
  }

  cards(): HardwareCard[] {
    return this.options
      .topology()
      .nodes.map((node) =>
        node.status === "misconfigured"
          ? emptyCard(node.name, node.reason)
          : (this.#kept.get(node.name)?.card ?? emptyCard(node.name)),
      );
  }

  /** Null for a Spark that nobody has looked at. */
  history(name: string): HistoryData | null {
    return this.#kept.get(name)?.history.until(this.options.now(), isoTime) ?? null;
  }

  /** One look at every Spark that answers. Resolves when the slowest has. */
  async look(): Promise<void> {
    const nodes = this.options.topology().nodes.filter((node) => node.status === "configured");
    const names = new Set(nodes.map(({ name }) => name));
    for (const name of [...this.#kept.keys()]) if (!names.has(name)) this.#kept.delete(name);
    await Promise.all(nodes.map((node) => this.#lookAt(node)));
    if (!this.#closed.signal.aborted) this.options.onLooked(this.cards());
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#closed.abort(new Error("the controller is shutting down"));
    await this.#round;
  }

  /** A round now, and the next one an interval after its beginning, while somebody looks. */
  #goOn(): void {
    if (this.#round || this.#timer || this.#closed.signal.aborted) return;
    const began = performance.now();
    this.#round = this.look()
      .catch((error) => {
        if (!this.#closed.signal.aborted) this.options.report(error);
      })
      .finally(() => {
        this.#round = null;
        if (this.#closed.signal.aborted) return;
        const rest = Math.max(0, this.options.intervalMs - (performance.now() - began));
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          if (this.isWatched) this.#goOn();
        }, rest);
      });
  }

  async #lookAt(node: Node): Promise<void> {
    const kept = this.#keep(node.name);
    if (kept.busy) return;
    kept.busy = true;
    try {
      const answers = await this.options.ask(node, this.#closed.signal);
      const at = this.options.now();
      const { card, cpu } = cardOf(node.name, isoTime(at), answers, kept.cpu);
      kept.card = card;
      kept.cpu = cpu;
      kept.history.add(at, card);
    } catch (error) {
      this.#closed.signal.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
      kept.card = { ...kept.card, problem: error.message };
      kept.cpu = null;
    } finally {
      kept.busy = false;
    }
  }

  #keep(name: string): Kept {
    const known = this.#kept.get(name);
    if (known) return known;
    const fresh: Kept = { history: new History(), card: emptyCard(name), cpu: null, busy: false };
    this.#kept.set(name, fresh);
    return fresh;
  }
}
