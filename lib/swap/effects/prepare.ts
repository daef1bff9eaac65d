/** Everything that can be known before anything is touched. A swap that cannot work ends here, and nothing has changed. */
import { drainTerms } from "../drain-desk.ts";
import { gatherFacts, targetOf } from "../facts.ts";
import { makePlan, requestsIn } from "../plan.ts";
import type { EffectBody } from "../run.ts";
import { takenSince } from "./taken.ts";

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
  const seen = [...facts.views].map(([node, view]) => ({ slot, node, view }));
  const blocker = (run.order.onlyWhereNothingRuns ? takenSince(run.order, seen) : null) ?? plan.blockers[0];
  if (!blocker) run.raiseGeneration(facts.generation, "anyone");
  return blocker ? { type: "failed", failure: blocker } : { type: "prepared", wayBack: !runsByHand };
};
