/** Everything that can be known before anything is touched. A swap that cannot work ends here, and nothing has changed. */
import type { NodeView } from "../cluster.ts";
import { drainTerms } from "../drain-desk.ts";
import { gatherFacts, targetOf } from "../facts.ts";
import { failure } from "../failure.ts";
import { makePlan, requestsIn } from "../plan.ts";
import type { EffectBody, Run } from "../run.ts";
import type { Failure } from "../swap.ts";

/** What somebody has started in the slot since; null: nothing runs there. What is left on a worker alone answers nobody. */
function takenBy({ order: { slot } }: Run, views: ReadonlyMap<string, NodeView>): Failure | null {
  const [head = ""] = slot.nodes;
  const line = views.get(head)?.vllm[0];
  if (line === undefined) return null;
  return failure(
    "slot_taken",
    `A model runs in ${slot.name} again. It was left as it is.`,
    `${head}: docker top ${slot.container} shows ${line}`,
    "Swap if another model is wanted.",
  );
}

export const prepare: EffectBody = async (run, _leg, signal) => {
  const { model, slot } = run.order;
  const topology = run.topology();
  const target = targetOf(topology, model, slot);
  const facts = await gatherFacts(run.control, topology, run.beliefs(), target, signal);
  const nodes = target.nodes.map((node) => node.name);
  const plan = makePlan({
    ...facts,
    model,
    slot,
    nodes,
    download: run.download(model, nodes),
    pastLoads: run.pastLoads(model.key),
    timeScale: run.timeScale,
    rollbackWanted: run.order.previous !== null,
    drain: { ...drainTerms(run.order, run.settings()), requests: requestsIn(slot, facts.occupants, run.inFlight) },
    memoryReserveGib: run.settings().memory_reserve_gib,
    commands: [],
  });
  for (const line of plan.summary) run.log(line);
  const runsByHand = facts.occupants.some((each) => each.slot.name === slot.name && each.model === null);
  const blocker = run.order.onlyWhereNothingRuns ? (takenBy(run, facts.views) ?? plan.blockers[0]) : plan.blockers[0];
  if (!blocker) run.raiseGeneration(facts.generation, "anyone");
  return blocker ? { type: "failed", failure: blocker } : { type: "prepared", wayBack: !runsByHand };
};
