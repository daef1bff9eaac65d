/** Looks at every slot and node from time to time and tells who asks what there is. Changes nothing on the Sparks. */
import type { Catalog } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import { type Node, type Slot, type Topology, usableNode } from "../topology/topology.ts";
import type { SparkControl } from "./cluster.ts";
import { differenceOf, ownSightings } from "./difference.ts";
import { Differences } from "./differences.ts";
import type { Belief } from "./facts.ts";
import type { CalmView } from "./fit.ts";
import { lookAtNodes, type NodeObservation } from "./node-watch.ts";
import { pause } from "./run.ts";
import { adapterIds, servedIds, servedName } from "./served.ts";
import { type SlotObservation, type SlotStatus, slotStatus } from "./slots.ts";
import { strangersAmong } from "./strangers.ts";
import type { SwapJob } from "./swap.ts";
import { requestsInFlight } from "./vllm-metrics.ts";

const HTTP_DEADLINE_MS = 3_000;

export interface SlotBoardOptions {
  readonly control: SparkControl;
  readonly slotIntervalMs: number;
  readonly nodeIntervalMs: number;
  topology(): Topology;
  catalog(): Catalog;
  beliefs(): readonly Belief[];
  active(): readonly SwapJob[];
  /** The swap that loaded what is believed to serve; null when it is not known any more. */
  loadedBy(belief: Belief): SwapJob | null;
  /** Requests that the gateway has in flight to a slot. */
  inFlight(slot: string): number;
  now(): string;
  onSlot(status: SlotStatus): void;
  /** A node was looked at for the first time, or has become reachable or unreachable. */
  onNode(name: string, seen: NodeObservation): void;
  /** All nodes were looked at: their memory may have changed. */
  onLooked(): void;
  report(error: unknown): void;
}

export class SlotBoard {
  readonly #slots = new Map<string, SlotObservation>();
  readonly #nodes = new Map<string, NodeObservation>();
  readonly #calm = new Map<string, CalmView>();
  readonly #differences = new Differences();
  readonly #shown = new Map<string, string>();
  /** Grows when a swap ends: a look that began before saw what is no longer there. */
  #epoch = 0;
  readonly #closed = new AbortController();
  #loops: Promise<void>[] = [];

  constructor(private readonly options: SlotBoardOptions) {}

  start(): void {
    const { slotIntervalMs, nodeIntervalMs } = this.options;
    this.#loops = [
      this.#every(slotIntervalMs, () => this.lookAtSlots()),
      this.#every(nodeIntervalMs, () => this.lookAtNodes()),
    ];
  }

  statuses(): SlotStatus[] {
    const { topology, beliefs, active, catalog, loadedBy, inFlight } = this.options;
    const all = topology().slots;
    return all.map((slot) => {
      const belief = beliefs().find((each) => each.slot === slot.name);
      return slotStatus({
        slot,
        belief,
        seen: this.#ownView(slot, all),
        job: active().find((job) => job.slot === slot.name),
        loadedBy: belief ? loadedBy(belief) : null,
        difference: this.#differences.of(slot.name),
        inFlight: inFlight(slot.name),
        catalog: catalog(),
      });
    });
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
    if (!seen) return undefined;
    const unheard = seen.servedIds === null && this.#nodes.get(slot.nodes[0] ?? "")?.reachable !== true;
    return { ...seen, unheard, servedIds: sharing && !believed(slot.name) ? null : seen.servedIds };
  }

  node(name: string): NodeObservation | undefined {
    return this.#nodes.get(name);
  }

  /** The Spark as it was last seen while no swap was under way there. */
  calm(name: string): CalmView | undefined {
    return this.#calm.get(name);
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
    this.#epoch++;
    for (const { name } of touched) {
      this.#differences.forget(name);
      const belief = this.options.beliefs().find((each) => each.slot === name);
      const servedIds = belief ? [servedName(belief.model)] : null;
      this.#slots.set(name, { address: this.#slots.get(name)?.address ?? null, servedIds, requests: null });
    }
    this.lookAgain();
  }

  /** At slots and nodes, without waiting for it. */
  lookAgain(): void {
    Promise.all([this.lookAtSlots(), this.lookAtNodes()]).catch((error) => {
      if (!this.#closed.signal.aborted) this.options.report(error);
    });
  }

  /** What was seen of nodes that are described otherwise now no longer holds: all are looked at without waiting a turn. */
  reconfigured(nodes: readonly string[]): void {
    this.#epoch++;
    for (const name of nodes) {
      this.#nodes.delete(name);
      this.#calm.delete(name);
    }
    this.tell();
    this.lookAgain();
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
    if (address === null) return { address: null, servedIds: null, requests: null };
    const ask = (path: string) =>
      this.options.control.get(`http://${address}:${port}${path}`, HTTP_DEADLINE_MS, signal);
    const models = await ask("/v1/models");
    const ids = servedIds(models);
    const requests = ids?.length ? requestsInFlight(await ask("/metrics")) : null;
    return { address, servedIds: ids, adapters: adapterIds(models), requests };
  }

  /** A fresh look at all Sparks and at what is in each slot's place on them. */
  async lookAtNodes(): Promise<void> {
    const epoch = this.#epoch;
    const owned = this.options.active().flatMap((job) => job.nodes);
    const { nodes, sightings } = await lookAtNodes(this.options, this.#closed.signal);
    if (this.#closed.signal.aborted) return;
    for (const [name, seen] of nodes) {
      const before = this.#nodes.get(name);
      this.#nodes.set(name, seen);
      if (before?.reachable !== seen.reachable) this.options.onNode(name, seen);
    }
    if (epoch === this.#epoch) {
      this.#keepCalm(nodes, owned);
      this.#compare(sightings);
    }
    this.tell();
    this.options.onLooked();
  }

  /** @param owned nodes on which a swap was under way when the look began */
  #keepCalm(seen: ReadonlyMap<string, NodeObservation>, owned: readonly string[]): void {
    const { active, beliefs } = this.options;
    const moving = [...owned, ...active().flatMap((job) => job.nodes)];
    for (const [name, { memory }] of seen)
      if (!moving.includes(name)) this.#calm.set(name, { memory, beliefs: beliefs() });
  }

  /** What runs against what is believed. A slot that a swap owns is the swap's to judge. */
  #compare(sightings: Awaited<ReturnType<typeof lookAtNodes>>["sightings"]): void {
    const { topology, beliefs, active, now } = this.options;
    const { slots } = topology();
    const owned = active().flatMap((job) => job.nodes);
    const strangers = strangersAmong(slots, [...sightings.values()].flat());
    for (const slot of slots) {
      if (slot.nodes.some((node) => owned.includes(node))) {
        this.#differences.forget(slot.name);
        continue;
      }
      const found = differenceOf({
        slot,
        belief: beliefs().find((each) => each.slot === slot.name),
        servedIds: this.#ownView(slot, slots)?.servedIds ?? null,
        sightings: ownSightings(slot, slots, beliefs(), sightings.get(slot.name) ?? []),
        strangers: strangers.filter(({ node }) => slot.nodes.includes(node)),
      });
      this.#differences.take(slot.name, found, now());
    }
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
