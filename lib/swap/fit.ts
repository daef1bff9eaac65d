/** Does a model fit where it would run? A guess for the list of models; the plan of a swap looks at the Sparks again. Pure. */
import type { Model } from "../catalog/catalog.ts";
import type { Slot } from "../topology/topology.ts";
import type { Belief } from "./facts.ts";
import type { NodeObservation } from "./node-watch.ts";
import { BYTES_PER_GB, LEAST_ROOM_BESIDE_WEIGHTS_BYTES } from "./plan.ts";

const BYTES_PER_GIB = 2 ** 30;

export interface Fit {
  readonly verdict: "fits" | "tight" | "does_not_fit" | "unknown";
  /** GiB that would be left on the fullest Spark; null when not known. */
  readonly leftGib: number | null;
  /** Why not, in one sentence; null when it fits or nothing is known. */
  readonly reason: string | null;
  /** Where it would run: in the slot with enough Sparks where it fits best, the first among equals. Empty when there is none. */
  readonly nodes: readonly string[];
}

/** What held when a Spark was last looked at while no swap was under way there. */
export interface CalmView {
  readonly memory: NodeObservation["memory"];
  readonly beliefs: readonly Belief[];
}

export interface FitFacts {
  readonly slots: readonly Slot[];
  readonly beliefs: readonly Belief[];
  readonly node: (name: string) => NodeObservation | undefined;
  readonly calm: (name: string) => CalmView | undefined;
  readonly reserveGib: number;
  /** Nodes on which a swap is under way. */
  readonly swapping: readonly string[];
}

const UNKNOWN = { verdict: "unknown", leftGib: null, reason: null } as const;
const BEST_FIRST: readonly Fit["verdict"][] = ["fits", "tight", "unknown", "does_not_fit"];

export function fitOf(model: Model, facts: FitFacts): Fit {
  const { slots, node } = facts;
  const able = slots.filter((each) => each.nodes.length >= model.nodes);
  if (slots.length === 0) return { ...UNKNOWN, nodes: [] };
  const isAway = ({ nodes }: Fit) => nodes.some((name) => node(name)?.reachable === false);
  const rank = (fit: Fit) => BEST_FIRST.indexOf(fit.verdict) + (isAway(fit) ? BEST_FIRST.length : 0);
  const [best] = able.map((slot) => fitIn(slot, model, facts)).sort((a, b) => rank(a) - rank(b));
  const reason = `No slot has ${model.nodes} Sparks.`;
  return best ?? { verdict: "does_not_fit", leftGib: null, reason, nodes: [] };
}

function fitIn(slot: Slot, model: Model, { beliefs, node, calm, reserveGib, swapping }: FitFacts): Fit {
  const nodes = slot.nodes.slice(0, model.nodes);
  let least = Number.POSITIVE_INFINITY;
  for (const name of nodes) {
    // In the middle of a swap the memory is neither that of the model before nor that of the one that comes.
    const view = swapping.includes(name) ? calm(name) : { memory: node(name)?.memory, beliefs };
    if (!view?.memory) return { ...UNKNOWN, nodes };
    const { memory } = view;
    const leaving = view.beliefs.find((belief) => belief.slot === slot.name);
    const claim = model.gpu_memory_utilization * memory.totalBytes;
    const weights = model.size_gb === null ? 0 : (model.size_gb * BYTES_PER_GB) / model.nodes;
    if (weights + LEAST_ROOM_BESIDE_WEIGHTS_BYTES > claim)
      return {
        verdict: "does_not_fit",
        leftGib: null,
        reason: `Its weights take ${gb(weights)} on each Spark, and vLLM may claim ${gb(claim)}.`,
        nodes,
      };
    const freed = leaving?.nodes.includes(name) ? leaving.model.gpu_memory_utilization * memory.totalBytes : 0;
    const free = Math.min(memory.availableBytes + freed, memory.totalBytes);
    if (free < claim)
      return {
        verdict: "does_not_fit",
        leftGib: null,
        reason: `vLLM would claim ${gb(claim)} on ${name}, and ${gb(free)} are free beside what else runs there.`,
        nodes,
      };
    least = Math.min(least, free - claim);
  }
  const leftGib = Math.round(least / BYTES_PER_GIB);
  return { verdict: least < reserveGib * BYTES_PER_GIB ? "tight" : "fits", leftGib, reason: null, nodes };
}

const gb = (bytes: number) => `${Math.round(bytes / BYTES_PER_GB)} GB`;
