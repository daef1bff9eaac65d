/**
 * Stops what runs in a slot and loads nothing in its place: by the same gate, fences and proofs as a swap. Requests in
 * flight finish first; the gateway sends no more meanwhile.
 */
import { Fault } from "../fault.ts";
import { type Node, type Slot, type Topology, usableNode } from "../topology/topology.ts";
import type { Claims } from "./claims.ts";
import type { SparkControl } from "./cluster.ts";
import { type Gate, placeOf } from "./gate.ts";
import { pause } from "./run.ts";
import type { SwapStore } from "./swap-store.ts";
import type { Timing } from "./timing.ts";
import { together } from "./together.ts";
import { requestsInFlight } from "./vllm-metrics.ts";

const BETWEEN_LOOKS_MS = 300;
const BETWEEN_READINGS_MS = 500;
const DRAIN_LIMIT_MS = 60_000;

export interface SlotStopMeans {
  readonly control: Pick<
    SparkControl,
    "address" | "get" | "look" | "passFence" | "stopContainer" | "runningLaunches" | "killJob"
  >;
  readonly store: SwapStore;
  readonly gate: Pick<Gate, "admit" | "disrupt">;
  readonly claims: Pick<Claims, "mustBeSettled">;
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

  constructor(private readonly means: SlotStopMeans) {}

  /** Slots to which nothing is sent any more. */
  get stopping(): ReadonlySet<string> {
    return this.#stopping;
  }

  /**
   * @throws Fault 404; 409 `others_first`, `swap_running` with `job_id`, `slot_stopping`, `fenced`; 423 `reserved` with `lock`, or
   *         `reservation_lost` when a person ended it while requests finished; 502 when it
   *         could not be verified that it has gone
   */
  async stop(name: string, token: string | null, signal: AbortSignal): Promise<void> {
    const { store, gate, claims, topology } = this.means;
    const slot = topology().slots.find((each) => each.name === name);
    if (!slot) throw new Fault("not_found", "unknown_slot", "There is no slot with this name.");
    if (this.#stopping.has(name))
      throw new Fault("conflict", "slot_stopping", "What runs in this slot is being stopped already.");
    const nodes = slot.nodes.flatMap((each) => usableNode(topology(), each) ?? []);
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
      await this.#drain(slot, nodes, AbortSignal.any([signal, disruption.forced]));
      disruption.forced.throwIfAborted();
      await this.#stop(slot, nodes, generation, signal);
      store.claim(() => store.disbelieve(name));
    } finally {
      this.#stopping.delete(name);
      disruption.end();
      this.means.onChange(name);
    }
  }

  async #drain({ name, port }: Slot, [head]: readonly Node[], signal: AbortSignal): Promise<void> {
    const { control, inFlight, timing } = this.means;
    const deadline = Date.now() + DRAIN_LIMIT_MS;
    for (let quiet = 0; head && quiet < 2 && Date.now() < deadline; ) {
      const address = await control.address(head, signal);
      const said = requestsInFlight(
        await control.get(`http://${address}:${port}/metrics`, timing.httpDeadlineMs, signal),
      );
      const requests = Math.max(inFlight(name), said ? said.running + said.waiting : 0);
      quiet = requests === 0 ? quiet + 1 : 0;
      if (quiet < 2) await pause(BETWEEN_READINGS_MS, signal);
    }
  }

  /** Every fence first: a Spark that refuses must not leave a model across two Sparks half stopped. */
  async #stop(slot: Slot, nodes: readonly Node[], generation: number, signal: AbortSignal): Promise<void> {
    const { control, slotOf, timing } = this.means;
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
    const deadline = Date.now() + timing.stopDeadlineMs;
    while (true) {
      const views = await Promise.all(nodes.map((node) => control.look(node, slot, signal)));
      const left = views.flatMap(({ container, vllm, portOpen }, at) =>
        container || vllm.length > 0 || portOpen ? [nodes[at]?.name] : [],
      );
      if (left.length === 0) return;
      if (Date.now() > deadline)
        throw new Fault("upstream", "stop_unverified", `What runs on ${left.join(" and ")} did not stop.`, {
          advice: "Look at the Spark: docker ps, docker top. If the container hangs, restart docker there.",
        });
      await pause(BETWEEN_LOOKS_MS, signal);
    }
  }
}
