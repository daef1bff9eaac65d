/**
 * A stop that began and could not be verified: what is left of what ran before? It may have come through after all, in part or not at
 * all. What still runs whole is left as it is; what is half stopped answers nobody, and is stopped for good. What cannot be told
 * yet stays unknown.
 */
import type { Node, Slot } from "../../topology/topology.ts";
import type { NodeView } from "../cluster.ts";
import { conflicts } from "../conflicts.ts";
import { type Belief, footprint } from "../facts.ts";
import { failure } from "../failure.ts";
import type { EffectBody, Run } from "../run.ts";
import { allNodesOf, fenced, keepUp, nodesOf, pause } from "../run.ts";
import type { Failure } from "../swap.ts";
import { together } from "../together.ts";
import { Reach, stillThere, stopSlot } from "./stop.ts";

const BETWEEN_LOOKS_MS = 300;

export const look: EffectBody = async (run, _leg, signal) => {
  const places = placesOf(run);
  const nodes = [...new Map(places.flatMap((place) => place.nodes).map((node) => [node.name, node])).values()];
  // A stop of before that has not arrived yet is refused from here on, and one that is under way is waited for: it has the lock.
  run.raiseGeneration(run.generation, "anyone");
  await keepUp(run, nodes, signal);
  await together(
    nodes.map((node) => fenced(run, node, signal, () => run.control.passFence(node, run.generation, signal))),
  );
  const gone: string[] = [];
  for (const place of places) {
    const { name } = place.slot;
    if (isWhole(place, await viewsOf(run, place, signal))) run.log(`What ran in ${name} still runs.`);
    else {
      await stopSlot(run, place.slot, new Reach(run, signal), signal);
      const left = await untilGone(run, place, signal);
      if (left) return { type: "failed", failure: left };
      run.log(`Nothing runs in ${name} any more.`);
      gone.push(name);
    }
  }
  const own = run.order.slot.name;
  const left = gone.includes(own) ? "gone" : "stays";
  return { type: "looked", left, alsoGone: gone.filter((name) => name !== own) };
};

interface Place {
  readonly slot: Slot;
  readonly belief: Belief | undefined;
  /** Where something of it may run, the head first. */
  readonly nodes: readonly Node[];
}

/** The swap's own slot, and those whose model was to make room. */
function placesOf(run: Run): Place[] {
  const { model, slot } = run.order;
  const wanted = footprint(model, slot);
  const believed = (name: string) => run.beliefs().find((each) => each.slot === name);
  const others = run
    .topology()
    .slots.filter(({ name }) => name !== slot.name)
    .filter((other) => {
      const belief = believed(other.name);
      return belief && conflicts(wanted, footprint(belief.model, other));
    });
  return [slot, ...others].map((each) => {
    const belief = believed(each.name);
    const own = each === slot ? nodesOf(run, "forward").map(({ name }) => name) : [];
    const names = new Set([...(belief?.nodes ?? []), ...own]);
    return { slot: each, belief, nodes: allNodesOf(run, each).filter(({ name }) => names.has(name)) };
  });
}

type Views = readonly { readonly node: Node; readonly view: NodeView }[];

function viewsOf(run: Run, { slot, nodes }: Place, signal: AbortSignal): Promise<Views> {
  return Promise.all(nodes.map(async (node) => ({ node, view: await run.control.look(node, slot, signal) })));
}

/** A worker may show no vLLM of its own (Ray): there the container tells. */
export function isWhole({ slot, belief }: Pick<Place, "slot" | "belief">, views: Views): boolean {
  const [head] = slot.nodes;
  const parts = views.filter(({ node }) => (belief?.nodes ?? [head]).includes(node.name));
  return (
    parts.every(({ view }) => view.container?.running) &&
    parts.some(({ node, view }) => node.name === head && view.vllm.length > 0)
  );
}

/** @returns null once nothing is left */
async function untilGone(run: Run, place: Place, signal: AbortSignal): Promise<Failure | null> {
  const deadline = Date.now() + run.timing.stopDeadlineMs;
  while (true) {
    const views = await viewsOf(run, place, signal);
    // Somebody else may have the port by now.
    const left = views
      .flatMap(({ node, view }) => stillThere(node, place.slot, { ...view, portOpen: false }))
      .join("; ");
    if (left === "") return null;
    if (Date.now() > deadline)
      return failure(
        "stop_unverified",
        "What ran before did not stop.",
        left,
        "Look at the Spark: docker ps, docker top. If the container hangs, restart docker there.",
      );
    await pause(BETWEEN_LOOKS_MS, signal);
  }
}
