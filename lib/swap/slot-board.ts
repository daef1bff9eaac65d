/** Looks at every slot and node from time to time and tells who asks what there is. Changes nothing on the Sparks. */
import type { Catalog } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import { type Node, type Slot, type Topology, usableNode } from "../topology/topology.ts";
import type { SparkControl } from "./cluster.ts";
import type { Belief } from "./facts.ts";
import { failureOf } from "./facts.ts";
import { pause } from "./run.ts";
import { servedIds, servedName } from "./served.ts";
import { type SlotObservation, type SlotStatus, slotStatus } from "./slots.ts";
import type { Failure, SwapJob } from "./swap.ts";

const HTTP_DEADLINE_MS = 3_000;

export interface NodeObservation {
  readonly reachable: boolean;
  /** Why not. */
  readonly failure: Failure | null;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number } | null;
  /** When it was looked at, ISO 8601. */
  readonly at: string;
}

export interface SlotBoardOptions {
  readonly control: SparkControl;
  readonly slotIntervalMs: number;
  readonly nodeIntervalMs: number;
  topology(): Topology;
  catalog(): Catalog;
  beliefs(): readonly Belief[];
  active(): readonly SwapJob[];
  now(): string;
  onSlot(status: SlotStatus): void;
  /** A node was looked at for the first time, or has become reachable or unreachable. */
  onNode(name: string, seen: NodeObservation): void;
  report(error: unknown): void;
}

export class SlotBoard {
  readonly #slots = new Map<string, SlotObservation>();
  readonly #nodes = new Map<string, NodeObservation>();
  readonly #shown = new Map<string, string>();
  readonly #closed = new AbortController();
  #loops: Promise<void>[] = [];

  constructor(private readonly options: SlotBoardOptions) {}

  start(): void {
    const { slotIntervalMs, nodeIntervalMs } = this.options;
    this.#loops = [
      this.#every(slotIntervalMs, () => this.lookAtSlots()),
      this.#every(nodeIntervalMs, () => this.#lookAtNodes()),
    ];
  }

  statuses(): SlotStatus[] {
    const { topology, beliefs, active, catalog } = this.options;
    const all = topology().slots;
    return all.map((slot) =>
      slotStatus(
        slot,
        beliefs().find((belief) => belief.slot === slot.name),
        this.#ownView(slot, all),
        active().find((job) => job.slot === slot.name),
        catalog(),
      ),
    );
  }

  /** What answers at an address that two slots share belongs to the one that is believed to serve. */
  #ownView(slot: Slot, all: readonly Slot[]): SlotObservation | undefined {
    const seen = this.#slots.get(slot.name);
    const believed = (name: string) => this.options.beliefs().some((belief) => belief.slot === name);
    const sharing = all.some(
      (other) =>
        other.name !== slot.name &&
        other.port === slot.port &&
        other.nodes[0] === slot.nodes[0] &&
        believed(other.name),
    );
    return seen && sharing && !believed(slot.name) ? { ...seen, servedIds: null } : seen;
  }

  node(name: string): NodeObservation | undefined {
    return this.#nodes.get(name);
  }

  /** A fresh look at all slots: after a swap, and on a schedule. */
  async lookAtSlots(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const { topology } = this.options;
    await Promise.all(
      topology().slots.map(async (slot) => {
        const head = usableNode(topology(), slot.nodes[0] ?? "");
        if (head) this.#slots.set(slot.name, await this.#observe(head, slot.port));
      }),
    );
    this.tell();
  }

  /** A swap has ended: what it saw for itself counts, what was seen before on the same Sparks no longer does. */
  settled(job: SwapJob): void {
    const touched = this.options.topology().slots.filter((slot) => slot.nodes.some((node) => job.nodes.includes(node)));
    for (const { name } of touched) {
      const belief = this.options.beliefs().find((each) => each.slot === name);
      const servedIds = belief ? [servedName(belief.model)] : null;
      this.#slots.set(name, { address: this.#slots.get(name)?.address ?? null, servedIds });
    }
    this.lookAgain();
  }

  /** The same as `lookAtSlots`, without waiting for it. */
  lookAgain(): void {
    this.lookAtSlots().catch((error) => {
      if (!this.#closed.signal.aborted) this.options.report(error);
    });
  }

  /** Tells every slot status that differs from the one told last. */
  tell(): void {
    for (const status of this.statuses()) {
      const text = JSON.stringify(status);
      if (this.#shown.get(status.name) === text) continue;
      this.#shown.set(status.name, text);
      this.options.onSlot(status);
    }
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error("the controller is shutting down"));
    await Promise.all(this.#loops);
  }

  async #observe(head: Node, port: number): Promise<SlotObservation> {
    const signal = this.#closed.signal;
    const address = await this.options.control.address(head, signal).catch((error) => {
      if (error instanceof Fault) return null;
      throw error;
    });
    if (address === null) return { address: null, servedIds: null };
    const answer = await this.options.control.get(`http://${address}:${port}/v1/models`, HTTP_DEADLINE_MS, signal);
    return { address, servedIds: servedIds(answer) };
  }

  async #lookAtNodes(): Promise<void> {
    const { topology, control, now, onNode } = this.options;
    const { slots, nodes } = topology();
    await Promise.all(
      nodes.map(async (entry) => {
        if (entry.status !== "configured") return;
        const place = slots.find((slot) => slot.nodes.includes(entry.name)) ?? { container: "vllm_node", port: 8888 };
        let seen: NodeObservation;
        try {
          const { memory } = await control.look(entry, place, this.#closed.signal);
          seen = { reachable: true, failure: null, memory, at: now() };
        } catch (error) {
          this.#closed.signal.throwIfAborted();
          seen = { reachable: false, failure: failureOf(error), memory: null, at: now() };
        }
        const before = this.#nodes.get(entry.name);
        this.#nodes.set(entry.name, seen);
        if (before?.reachable !== seen.reachable) onNode(entry.name, seen);
      }),
    );
  }

  /** One round after the other, never two at once. */
  async #every(intervalMs: number, round: () => Promise<void>): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await round().catch((error) => {
        if (!signal.aborted) this.options.report(error);
      });
      await pause(intervalMs, signal).catch(() => undefined);
    }
  }
}
