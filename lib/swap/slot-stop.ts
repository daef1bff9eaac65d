/**
 * Stops what runs in a slot and loads nothing in its place: by the same gate, fences and proofs as a swap. Requests in
 * flight finish first, for as long as a swap would wait; the gateway sends no more meanwhile. A stop that comes through in
 * part only is looked at: what is half stopped answers nobody, and is no longer believed to serve.
 */
import { Fault } from "../fault.ts";
import { type Node, type Slot, type Topology, usableNode } from "../topology/topology.ts";
import type { Claims } from "./claims.ts";
import type { SparkControl } from "./cluster.ts";
import { isWhole } from "./effects/look.ts";
import { isPassing, stillThere } from "./effects/stop.ts";
import type { Belief } from "./facts.ts";
import { type Gate, placeOf } from "./gate.ts";
import { pause } from "./run.ts";
import type { SwapStore } from "./swap-store.ts";
import type { Timing } from "./timing.ts";
import { together } from "./together.ts";
import { isMute, requestsInFlight } from "./vllm-metrics.ts";

const BETWEEN_LOOKS_MS = 300;
const BETWEEN_READINGS_MS = 500;
const BETWEEN_TRIES_MS = 1_000;

export interface SlotStopMeans {
  readonly control: Pick<
    SparkControl,
    "address" | "get" | "look" | "passFence" | "stopContainer" | "runningLaunches" | "killJob"
  >;
  readonly store: SwapStore;
  readonly gate: Pick<Gate, "admit" | "disrupt">;
  readonly claims: Pick<Claims, "mustBeSettled" | "isTouched">;
  readonly timing: Pick<Timing, "httpDeadlineMs" | "stopDeadlineMs">;
  topology(): Topology;
  /** Requests that the gateway has in flight to a slot. */
  inFlight(slot: string): number;
  /** Slot of a launch that this controller started; null for one that it does not know. */
  slotOf(launchId: string): string | null;
  /** What the gateway may send where has changed. */
  onChange(slot: string): void;
}

export class SlotStops {
  readonly #stopping = new Set<string>();
  /** Half stopped, perhaps: nobody could look. By the slot, what was believed to serve there. */
  readonly #unproven = new Map<string, Belief>();

  constructor(private readonly means: SlotStopMeans) {}

  /** Slots to which nothing is sent any more. */
  get stopping(): ReadonlySet<string> {
    return this.#stopping;
  }

  /**
   * @returns how many requests still ran at the end of the wait, and were cut off; null: not known
   * @throws Fault 404; 409 `others_first`, `swap_running` with `job_id`, `slot_stopping`, `fenced`; 423 `reserved` with `lock`, or
   *         `reservation_lost` when a person ended it while requests finished; 502 when it
   *         could not be verified that it has gone
   */
  async stop(name: string, token: string | null, signal: AbortSignal): Promise<number | null> {
    const { store, gate, claims, topology } = this.means;
    const slot = topology().slots.find((each) => each.name === name);
    if (!slot) throw new Fault("not_found", "unknown_slot", "There is no slot with this name.");
    if (this.#stopping.has(name))
      throw new Fault("conflict", "slot_stopping", "What runs in this slot is being stopped already.");
    const nodes = this.#nodesOf(slot);
    const { generation, reservation } = store.claim(() => {
      const reservation = gate.admit(placeOf(slot), token);
      claims.mustBeSettled(slot);
      return { generation: store.nextGeneration(), reservation };
    });
    // Not within the transaction: one that cannot be written leaves nothing under way.
    const disruption = gate.disrupt(placeOf(slot), `a stop of ${name}`, reservation);
    this.#stopping.add(name);
    try {
      this.means.onChange(name);
      const left = await this.#drain(slot, nodes, AbortSignal.any([signal, disruption.forced]));
      disruption.forced.throwIfAborted();
      await this.#stop(slot, nodes, generation, signal);
      store.claim(() => store.disbelieve(name));
      return left;
    } catch (error) {
      if (signal.aborted || disruption.forced.aborted || !(error instanceof Fault)) throw error;
      throw await this.#withWhatIsLeft(slot, error, signal);
    } finally {
      this.#stopping.delete(name);
      disruption.end();
      this.means.onChange(name);
    }
  }

  /** Not those where another slot is believed to serve under the same name or port: what a stop would end there is that one's. */
  #nodesOf(slot: Slot): Node[] {
    const { store, topology } = this.means;
    const others = store.beliefs().flatMap((belief) => {
      const other = topology().slots.find(({ name }) => name === belief.slot && name !== slot.name);
      return other && (other.container === slot.container || other.port === slot.port) ? belief.nodes : [];
    });
    return slot.nodes.filter((name) => !others.includes(name)).flatMap((name) => usableNode(topology(), name) ?? []);
  }

  /** Looks once more at what a stop may have left, where nobody could look then. */
  async lookAgain(signal: AbortSignal): Promise<void> {
    const { store, claims, topology } = this.means;
    for (const [name, belief] of [...this.#unproven]) {
      const slot = topology().slots.find((each) => each.name === name);
      const isSame = () => store.beliefs().find((each) => each.slot === name)?.job_id === belief.job_id;
      if (!slot || !isSame()) this.#unproven.delete(name);
      else if (!claims.isTouched(name)) await this.#lookAt(slot, belief, signal, isSame);
    }
  }

  /** What is known of it now. @returns in which state it is; what is half stopped is no longer believed to serve */
  async #lookAt(
    slot: Slot,
    belief: Belief,
    signal: AbortSignal,
    isSame: () => boolean = () => true,
  ): Promise<"stays" | "gone" | "unknown"> {
    const { control, store, topology } = this.means;
    try {
      const nodes = belief.nodes.flatMap((name) => usableNode(topology(), name) ?? []);
      const views = await Promise.all(
        nodes.map(async (node) => ({ node, view: await control.look(node, slot, signal) })),
      );
      this.#unproven.delete(slot.name);
      if (isWhole({ slot, belief }, views) || !isSame()) return "stays";
      store.claim(() => store.disbelieve(slot.name));
      this.means.onChange(slot.name);
      return "gone";
    } catch (error) {
      if (signal.aborted || !(error instanceof Fault)) throw error;
      this.#unproven.set(slot.name, belief);
      return "unknown";
    }
  }

  async #withWhatIsLeft(slot: Slot, error: Fault, signal: AbortSignal): Promise<Fault> {
    const belief = this.means.store.beliefs().find((each) => each.slot === slot.name);
    // Refused by a Spark that obeys somebody else: what runs there is not its own to judge.
    if (!belief || error.code === "fenced") return error;
    const { name } = belief.model;
    const said = {
      stays: `${name} still runs.`,
      gone: `${name} is no longer running.`,
      unknown: `Whether ${name} still runs is not known.`,
    }[await this.#lookAt(slot, belief, signal)];
    return new Fault(error.kind, error.code, `${error.message} ${said}`, error.members, { cause: error });
  }

  /** @returns what still runs at the end of the patience; null: a vLLM that gives no figures does not say */
  async #drain({ name, port }: Slot, [head]: readonly Node[], signal: AbortSignal): Promise<number | null> {
    const { control, inFlight, timing, topology } = this.means;
    const deadline = Date.now() + topology().settings.drain_seconds * 1000;
    let left: number | null = inFlight(name);
    for (let quiet = 0; head; ) {
      const address = await control.address(head, signal);
      const answer = await control.get(`http://${address}:${port}/metrics`, timing.httpDeadlineMs, signal);
      const said = requestsInFlight(answer);
      const requests = Math.max(inFlight(name), said ? said.running + said.waiting : 0);
      const isUntold = requests === 0 && isMute(answer);
      left = isUntold ? null : requests;
      quiet = left === 0 ? quiet + 1 : 0;
      if (quiet === 2 || Date.now() >= deadline) break;
      await pause(BETWEEN_READINGS_MS, signal);
    }
    return left;
  }

  /** A Spark that is silent for a moment is told again: given up at the first cut, a model across two Sparks would be half stopped. */
  async #stop(slot: Slot, nodes: readonly Node[], generation: number, signal: AbortSignal): Promise<void> {
    const deadline = Date.now() + this.means.timing.stopDeadlineMs;
    while (true) {
      try {
        return await this.#stopAndVerify(slot, nodes, generation, deadline, signal);
      } catch (error) {
        if (!isPassing(error) || Date.now() > deadline) throw error;
        await pause(BETWEEN_TRIES_MS, signal);
      }
    }
  }

  /** Every fence first: a Spark that refuses must not leave a model across two Sparks half stopped. */
  async #stopAndVerify(
    slot: Slot,
    nodes: readonly Node[],
    generation: number,
    deadline: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { control, slotOf } = this.means;
    await together(nodes.map((node) => control.passFence(node, generation, signal)));
    // The launchers before the containers: an exit trap would run a `docker stop` of its own later.
    await together(
      nodes.map(async (node) => {
        const launches = await control.runningLaunches(node, signal);
        const mine = launches.filter((id) => (slotOf(id) ?? slot.name) === slot.name);
        await together(mine.map((id) => control.killJob(node, id, generation, signal)));
      }),
    );
    await together(nodes.map((node) => control.stopContainer(node, slot.container, generation, signal)));
    while (true) {
      const views = await Promise.all(nodes.map((node) => control.look(node, slot, signal)));
      const left = nodes.flatMap((node, at) => {
        const lines = views[at] ? stillThere(node, slot, views[at]) : [];
        return lines.length > 0 ? [{ node: node.name, lines }] : [];
      });
      if (left.length === 0) return;
      if (Date.now() > deadline)
        throw new Fault(
          "upstream",
          "stop_unverified",
          `What runs on ${left.map(({ node }) => node).join(" and ")} did not stop.`,
          {
            evidence: left.flatMap(({ lines }) => lines).join("; "),
            advice: "Look at the Spark: docker ps, docker top. If the container hangs, restart docker there.",
          },
        );
      await pause(BETWEEN_LOOKS_MS, signal);
    }
  }
}
