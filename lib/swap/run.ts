/** What an effect may use: the order, the Sparks, the log. One `Run` lives as long as its swap is not settled. */
import type { Model } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import { type Node, type Settings, type Slot, type Topology, usableNode } from "../topology/topology.ts";
import type { SparkControl } from "./cluster.ts";
import { conflicts } from "./conflicts.ts";
import type { DrainDesk } from "./drain-desk.ts";
import type { PhaseSeconds } from "./eta.ts";
import { type Belief, footprint } from "./facts.ts";
import type { Reserved } from "./gate.ts";
import type { LoadTimes } from "./load-clock.ts";
import type { Leg, MachineEvent } from "./machine.ts";
import { type Attempt, attemptOf, type SwapOrder } from "./order.ts";
import type { LoadProgress } from "./phases.ts";
import type { RemoteLine } from "./run-log.ts";
import type { Download, Failure } from "./swap.ts";
import type { Timing } from "./timing.ts";

export interface Run {
  readonly jobId: string;
  readonly generation: number;
  readonly order: SwapOrder;
  readonly control: SparkControl;
  readonly timing: Timing;
  /** Factor for estimates that rest on no past load: 1, less on a simulated cluster that runs faster. */
  readonly timeScale: number;
  topology(): Topology;
  settings(): Settings;
  /** What is believed to serve in each slot, and what other swaps are loading. */
  beliefs(): readonly Belief[];
  /** Where the wait for requests is shown, and answered. */
  readonly drainDesk: DrainDesk;
  /** Requests that the gateway has in flight to a slot. */
  inFlight(slot: string): number;
  /** Slot of a launch that this controller started; null for one that it does not know. */
  slotOf(launchId: string): string | null;
  /** Who else has reserved what runs in this slot; null: nobody. */
  reservedBy(slot: Slot): Reserved | null;
  pastLoads(modelKey: string): readonly PhaseSeconds[];
  /** What vLLM would download before it loads this model there; null when nothing, or not known. */
  download(model: Model, nodes: readonly string[]): Download | null;
  /** Adds a line of the controller's own to the swap's log. */
  log(line: string): void;
  /**
   * Adds a line that was read from a remote log. The remote log is read from its beginning after a restart of the
   * controller: lines that the store already has are not added again.
   * @returns false: the store had it already
   */
  logRemote(line: RemoteLine): boolean;
  /** The last remote lines of the present attempt, for explaining a failure. */
  tail(): readonly string[];
  /** The remote logs are now read from their beginning. @returns up to which byte the store has the log of a source */
  beginReading(): (source: string) => number;
  progress(progress: LoadProgress): void;
  /** From here on what ran before is told to stop: if the stop fails, it has to be looked at. Durable before it is told. */
  telling(): void;
  /** It was told to stop already, by an earlier try or an earlier controller, and that may still be on its way. */
  readonly hasTold: boolean;
  /** How long the present load was watched, by earlier controllers too. */
  readonly loadTimes: LoadTimes;
  /** To be told in every round of a load; kept from time to time. */
  watched(times: LoadTimes): void;
  /** Shown as the reason of the job while it waits for a Spark; null: it has answered. */
  waitsFor(failure: Failure | null): void;
  /** The highest that this controller has given out. */
  highestGeneration(): number;
  /**
   * Takes a new generation if this swap's is not above what the nodes have seen.
   * @param whose `anyone` at the first contact of a swap: a restored backup counts on. `own` later: only another swap of
   *   this controller may have been there; a generation that it never gave out is someone else's, and the node refuses.
   */
  raiseGeneration(seen: number, whose: "anyone" | "own"): void;
}

/** An effect: does its work and reports one event. Throws Fault; honours the signal promptly. */
export type EffectBody = (run: Run, leg: Leg, signal: AbortSignal) => Promise<MachineEvent>;

export function attempt(run: Run, leg: Leg): Attempt {
  return attemptOf(run.order, run.jobId, leg);
}

/** The nodes of an attempt, head first, as configured now. @throws Fault when one has gone from the topology */
export function nodesOf(run: Run, leg: Leg): readonly [Node, ...Node[]] {
  const { model } = attempt(run, leg);
  const nodes = run.order.slot.nodes.slice(0, model.nodes).map((name) => {
    const node = usableNode(run.topology(), name) ?? run.order.nodes?.find((each) => each.name === name);
    if (!node) {
      const left = run.topology().nodes.map((each) => each.name);
      throw new Fault("unavailable", "node_gone", `${name} is no longer part of the configuration.`, {
        evidence: `the configuration has ${left.join(", ") || "no Spark"}`,
        advice: "Put it back into topology.yaml, or see to what runs on it by hand.",
      });
    }
    return node;
  });
  const [head, ...workers] = nodes;
  if (!head) throw new Fault("unavailable", "not_configured", `Slot ${run.order.slot.name} has no usable node.`);
  return [head, ...workers];
}

/** Another slot's swap on the same Sparks may have shown them a higher generation of ours: this one goes on above it. */
export async function keepUp(run: Run, nodes: readonly Node[], signal: AbortSignal): Promise<void> {
  const { slot } = run.order;
  const shares = run
    .topology()
    .slots.some((other) => other.name !== slot.name && other.nodes.some((node) => slot.nodes.includes(node)));
  if (shares) await riseAboveOwn(run, nodes, signal);
}

async function riseAboveOwn(run: Run, nodes: readonly Node[], signal: AbortSignal): Promise<void> {
  const seen = await Promise.all(nodes.map(async (node) => (await run.control.fence(node, signal)).generation));
  run.raiseGeneration(Math.max(...seen), "own");
}

/**
 * Something that the node fences. Refused because another swap of this controller was there in between (one of another slot,
 * or a newer one of this slot while this one's end was unknown), it is done again above that one's generation. A generation
 * that was never given out here is someone else's, and the refusal stands.
 */
export async function fenced<T>(run: Run, node: Node, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  while (true) {
    const tried = run.generation;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== "fenced") throw error;
      await riseAboveOwn(run, [node], signal);
      if (run.generation === tried) throw error;
    }
  }
}

/**
 * Whoever was asleep may have been overtaken, and what runs there by now is not its own. The Spark is made to refuse it, so that the
 * reason is in the Spark's own words.
 * @throws Fault `fenced`
 */
export async function mustStillObey(run: Run, nodes: readonly Node[], signal: AbortSignal): Promise<void> {
  await Promise.all(
    nodes.map(async (node) => {
      const { foreign, generation } = await run.control.fence(node, signal);
      // A later swap of this controller beside it shows a generation that was given out here.
      if (foreign === null && generation <= run.highestGeneration()) return;
      await run.control.passFence(node, run.generation, signal);
    }),
  );
}

/**
 * All usable nodes of a slot, whatever the model uses of them; not those where another slot that may stay is believed to
 * serve under the same container name or port: what a stop would end there is not this slot's.
 */
export function allNodesOf(run: Pick<Run, "order" | "topology" | "beliefs">, slot: Slot): readonly Node[] {
  const topology = run.topology();
  const wanted = footprint(run.order.model, run.order.slot);
  const stays = run.beliefs().flatMap((belief) => {
    const other = topology.slots.find((each) => each.name === belief.slot && each.name !== slot.name);
    const alike = other && (other.container === slot.container || other.port === slot.port);
    return alike && !conflicts(wanted, footprint(belief.model, other)) ? belief.nodes : [];
  });
  return slot.nodes.filter((name) => !stays.includes(name)).flatMap((name) => usableNode(topology, name) ?? []);
}

/** Waits; rejects when aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
