/**
 * Leaves nothing half running: SIGKILL to the launcher's group, `docker stop` on every node of the slot, then a look
 * that shows nothing is left. Nothing gentler works: the launcher ignores TERM or prints that it stopped and goes on.
 */
import type { Node } from "../../topology/topology.ts";
import { failure } from "../failure.ts";
import type { EffectBody, Run } from "../run.ts";
import { attempt, keepUp, nodesOf, pause } from "../run.ts";

const BETWEEN_LOOKS_MS = 300;

export const cleanUp: EffectBody = async (run, leg, signal) => {
  const { slot } = run.order;
  const { launchId } = attempt(run, leg);
  const nodes = nodesOf(run, leg);
  await run.control.killJob(nodes[0], launchId, signal);
  await keepUp(run, nodes, signal);
  await Promise.all(nodes.map((node) => run.control.stopContainer(node, slot.container, run.generation, signal)));
  const deadline = Date.now() + run.timing.stopDeadlineMs;
  while (true) {
    const left = await leftovers(run, nodes, signal);
    if (left === "") break;
    if (Date.now() > deadline)
      return {
        type: "failed",
        failure: failure(
          "clean_up_unverified",
          "What the failed launch left could not be stopped.",
          left,
          "Look at the Spark: docker ps, docker top.",
        ),
      };
    await pause(BETWEEN_LOOKS_MS, signal);
  }
  await Promise.all(nodes.map((node) => run.control.killJob(node, `${launchId}-log`, signal)));
  return { type: "cleaned" };
};

async function leftovers(run: Run, nodes: readonly Node[], signal: AbortSignal): Promise<string> {
  const { slot } = run.order;
  const looks = await Promise.all(
    nodes.map(async (node) => ({ node, view: await run.control.look(node, slot, signal) })),
  );
  return looks
    .flatMap(({ node, view }) => [
      ...(view.container ? [`${node.name}: container ${slot.container} is still there`] : []),
      ...(view.vllm.length > 0 ? [`${node.name}: docker top shows ${view.vllm[0]}`] : []),
    ])
    .join("; ");
}
