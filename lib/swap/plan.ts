/** What a swap would do and whether it can: pure, from facts gathered before. */
import type { Model } from "../catalog/catalog.ts";
import type { Slot } from "../topology/topology.ts";
import type { NodeView } from "./cluster.ts";
import { estimateLoad, type PhaseSeconds } from "./eta.ts";
import { failure } from "./failure.ts";
import { LOAD_PHASES } from "./phases.ts";
import { needsDownload } from "./plan-notes.ts";
import type { Download, Failure, NodeMemory, Plan, PlanNote } from "./swap.ts";

export const BYTES_PER_GB = 1e9;
const BYTES_PER_GIB = 2 ** 30;
/** Beside its weights a node needs room for activations, CUDA context and some KV cache. */
export const LEAST_ROOM_BESIDE_WEIGHTS_BYTES = 2 * BYTES_PER_GIB;
/** docker stop, then waiting until the memory is back. */
const STOP_SECONDS = 15;
const NOTABLE_CLOCK_SKEW_SECONDS = 5;

/** Notes by which something runs there that this swap does not stop. */
const RUNS_BESIDE = new Set(["stranger", "port_taken"]);

/** Something that runs in a slot and that this swap would stop. */
export interface Occupant {
  readonly slot: Slot;
  /** Null when the catalog does not know it. */
  readonly model: Model | null;
  /** What to call it: the model's name, or what it answers with. */
  readonly name: string;
  readonly nodes: readonly string[];
  /** False: it was loaded there, and nothing of it runs any more. */
  readonly runs: boolean;
  /** Fraction of each of these nodes' memory that it gives back when it stops. */
  readonly memory: number;
}

export interface PlanFacts {
  readonly model: Model;
  readonly slot: Slot;
  /** The first `model.nodes` nodes of the slot. */
  readonly nodes: readonly string[];
  /** Null: the node could not be asked, with the reason in `unreachable`. */
  readonly views: ReadonlyMap<string, NodeView>;
  readonly unreachable: ReadonlyMap<string, Failure>;
  readonly occupants: readonly Occupant[];
  readonly pastLoads: readonly PhaseSeconds[];
  /** Factor for an estimate that rests on no past load; 1 but for a simulated cluster. */
  readonly timeScale: number;
  readonly rollbackWanted: boolean;
  readonly memoryReserveGib: number;
  /** What vLLM would have to download first; null when everything is there or nothing is known. */
  readonly download: Download | null;
  readonly drain: Plan["drain"];
  /** Reasons known without looking, such as a misconfigured node. */
  readonly blockers: readonly PlanNote[];
  readonly warnings: readonly PlanNote[];
  readonly commands: Plan["commands"];
}

/** Requests in flight in the slot and in those that have to make room. */
export function requestsIn(slot: Slot, occupants: readonly Occupant[], inFlight: (slot: string) => number): number {
  const names = new Set([slot.name, ...occupants.map((each) => each.slot.name)]);
  return [...names].reduce((sum, name) => sum + inFlight(name), 0);
}

export function makePlan(facts: PlanFacts): Plan {
  const { model, slot, nodes } = facts;
  const memory = nodes.flatMap((node) => {
    const view = facts.views.get(node);
    return view ? [nodeMemory(facts, node, view)] : [];
  });
  const estimate = estimateLoad(facts.pastLoads, model.size_gb, model.nodes, facts.timeScale);
  const fits =
    memory.length < nodes.length
      ? memory.some((each) => !each.fits)
        ? false
        : null
      : memory.every((each) => each.fits);
  const stopSeconds = facts.occupants.length > 0 ? STOP_SECONDS : 0;
  const rollbackTo = facts.rollbackWanted
    ? (facts.occupants.find((each) => each.slot.name === slot.name)?.model ?? null)
    : null;
  const plan: Omit<Plan, "summary"> = {
    slot: slot.name,
    nodes: [...nodes],
    starts: { model: model.key, name: model.name },
    stops: facts.occupants.map((each) => ({
      slot: each.slot.name,
      model: each.model?.key ?? null,
      name: each.name,
      nodes: [...each.nodes],
    })),
    fits,
    memory,
    download: facts.download,
    drain: facts.drain,
    downtime_seconds: Math.round(estimate.totalSeconds + stopSeconds),
    phases: [
      { name: "stopping", seconds: stopSeconds },
      ...LOAD_PHASES.map((name) => ({ name, seconds: estimate.phases[name] })),
    ],
    load_seconds: Math.round(estimate.totalSeconds),
    learnt_from: estimate.learntFrom,
    rollback_to: rollbackTo?.key ?? null,
    blockers: [...facts.blockers, ...reachability(facts), ...memoryBlockers(memory)],
    warnings: [
      ...facts.warnings,
      ...(facts.download ? [needsDownload(facts.download)] : []),
      ...memoryWarnings(facts, memory),
      ...clockWarnings(facts),
      ...noWayBack(facts),
      ...makesRoom(facts),
    ],
    commands: facts.commands,
  };
  return { ...plan, summary: summarise(plan, facts.occupants, rollbackTo) };
}

function nodeMemory(facts: PlanFacts, node: string, view: NodeView): NodeMemory {
  const { totalBytes, availableBytes } = view.memory;
  const freed = facts.occupants
    .filter((each) => each.nodes.includes(node))
    .reduce((sum, each) => sum + each.memory * totalBytes, 0);
  const afterStop = Math.min(availableBytes + freed, totalBytes);
  const needed = facts.model.gpu_memory_utilization * totalBytes;
  const weights = facts.model.size_gb === null ? null : (facts.model.size_gb * BYTES_PER_GB) / facts.model.nodes;
  const spare = afterStop - needed;
  return {
    node,
    total_bytes: totalBytes,
    available_bytes: availableBytes,
    available_after_stop_bytes: Math.round(afterStop),
    needed_bytes: Math.round(needed),
    weights_bytes: weights,
    fits: spare >= 0 && (weights === null || weights + LEAST_ROOM_BESIDE_WEIGHTS_BYTES <= needed),
    spare_bytes: Math.round(spare),
  };
}

function reachability(facts: PlanFacts): PlanNote[] {
  return [...facts.unreachable.values()];
}

function memoryBlockers(memory: readonly NodeMemory[]): PlanNote[] {
  return memory
    .filter((each) => !each.fits)
    .map((each) =>
      failure(
        "does_not_fit",
        each.spare_bytes < 0
          ? `Does not fit on ${each.node}: vLLM would claim ${gb(each.needed_bytes)}, ${gb(each.available_after_stop_bytes)} of ${gb(each.total_bytes)} would be free.`
          : `Does not fit on ${each.node}: the weights take ${gb(each.weights_bytes ?? 0)} and vLLM may claim ${gb(each.needed_bytes)} in all.`,
        `${each.node}: MemTotal ${each.total_bytes} bytes, MemAvailable ${each.available_bytes} bytes`,
        "Stop what else uses memory there, or lower gpu_memory_utilization of this model.",
      ),
    );
}

function memoryWarnings(facts: PlanFacts, memory: readonly NodeMemory[]): PlanNote[] {
  return memory
    .filter((each) => each.fits && each.spare_bytes < facts.memoryReserveGib * BYTES_PER_GIB)
    .map((each) => failure("tight", `Tight: only ${gb(each.spare_bytes)} would be left on ${each.node}.`));
}

function clockWarnings(facts: PlanFacts): PlanNote[] {
  return [...facts.views]
    .filter(([, view]) => Math.abs(view.clockSkewSeconds) > NOTABLE_CLOCK_SKEW_SECONDS)
    .map(([node, view]) =>
      failure(
        "clock_skew",
        `The clock of ${node} is ${Math.abs(Math.round(view.clockSkewSeconds))} s ${view.clockSkewSeconds > 0 ? "ahead" : "behind"}. Times shown here are the controller's.`,
      ),
    );
}

function noWayBack({ slot, occupants, rollbackWanted }: PlanFacts): PlanNote[] {
  const byHand = rollbackWanted && occupants.find((each) => each.slot.name === slot.name && each.model === null);
  return byHand
    ? [failure("no_way_back", `${byHand.name} was started by hand: Spark Control cannot load it again if this fails.`)]
    : [];
}

/** A swap goes back to the model of its own slot only, whatever was wished. */
function makesRoom({ slot, occupants }: PlanFacts): PlanNote[] {
  return occupants
    .filter((each) => each.slot.name !== slot.name && each.runs)
    .map(({ name, slot: { name: place } }) =>
      failure(
        "makes_room",
        `${name} makes room in slot ${place}: Spark Control does not load it again by itself if this fails.`,
      ),
    );
}

function summarise(plan: Omit<Plan, "summary">, occupants: readonly Occupant[], rollbackTo: Model | null): string[] {
  const stops = occupants.filter(({ runs }) => runs).map(({ name }) => name);
  const gone = occupants.filter(({ runs }) => !runs).map(({ name }) => name);
  const isEmpty = ![...plan.blockers, ...plan.warnings].some(({ code }) => RUNS_BESIDE.has(code));
  const nothing = isEmpty ? "Nothing runs there now" : "This swap stops nothing";
  const idle = gone.length > 0 ? `${list(gone)} ${gone.length === 1 ? "has" : "have"} ended` : nothing;
  const onTop = plan.download ? " plus the download" : "";
  const sentences = [
    stops.length === 0
      ? `${idle}. ${plan.starts.name} answers in ${duration(plan.load_seconds)}${onTop}.`
      : `${list(stops)} ${stops.length === 1 ? "stops" : "stop"} answering. ${plan.starts.name} answers after ${duration(plan.downtime_seconds)}${onTop}.`,
  ];
  if (stops.length > 0 && plan.drain.requests > 0) sentences.push(finishFirst(plan.drain));
  if (plan.fits === true) {
    const tightest = plan.memory.reduce((least, each) => (each.spare_bytes < least.spare_bytes ? each : least));
    sentences.push(`It fits, with ${gb(tightest.spare_bytes)} to spare on ${tightest.node}.`);
  }
  if (plan.fits === null) sentences.push("Whether it fits is not known, because not every Spark could be asked.");
  if (rollbackTo) sentences.push(`If it fails, ${rollbackTo.name} is loaded again.`);
  return [...sentences, ...plan.blockers.map((each) => each.message), ...plan.warnings.map((each) => each.message)];
}

const THEN: Readonly<Record<Plan["drain"]["on_timeout"], string>> = {
  ask: "then it asks whether to cut off what still runs",
  fail: "then the swap fails and nothing is stopped",
  cut_off: "then what still runs is cut off",
};

function finishFirst({ requests, seconds, on_timeout }: Plan["drain"]): string {
  const which =
    requests === 1
      ? "1 request is still running. It finishes first"
      : `${requests} requests are still running. They finish first`;
  return `${which}, for at most ${seconds} s; ${THEN[on_timeout]}.`;
}

function duration(seconds: number): string {
  return seconds < 90
    ? `about ${Math.max(Math.round(seconds / 5) * 5, 5)} seconds`
    : `about ${Math.round(seconds / 60)} minutes`;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function gb(bytes: number): string {
  return `${Math.round(bytes / BYTES_PER_GB)} GB`;
}
