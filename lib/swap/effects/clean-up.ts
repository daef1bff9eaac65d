/**
 * Leaves nothing half running: SIGKILL to the launcher's group, `docker stop` on every node of the slot, then a look
 * that shows nothing is left. Nothing gentler works: the launcher ignores TERM or prints that it stopped and goes on.
 */
import { type Node, usableNode } from "../../topology/topology.ts";
import { failure } from "../failure.ts";
import type { Leg } from "../machine.ts";
import type { EffectBody, Run } from "../run.ts";
import { attempt, fenced, keepUp, nodesOf, pause } from "../run.ts";
import { together } from "../together.ts";

const BETWEEN_LOOKS_MS = 300;

export const cleanUp: EffectBody = async (run, leg, signal) => {
  const { slot } = run.order;
  const { launchId } = attempt(run, leg);
  const nodes = [...nodesOf(run, leg), ...notStopped(run, leg)] as const;
  // What was sent before and has not arrived yet, such as a start whose answer was given up, is refused from here on.
  run.raiseGeneration(run.generation, "anyone");
  await keepUp(run, nodes, signal);
  await fenced(run, nodes[0], signal, () => run.control.killJob(nodes[0], launchId, run.generation, signal));
  const own = nodes.filter((node) => !isTaken(run, node));
  await together(
    own.map((node) =>
      fenced(run, node, signal, () => run.control.stopContainer(node, slot.container, run.generation, signal)),
    ),
  );
  const deadline = Date.now() + run.timing.stopDeadlineMs;
  while (true) {
    const left = await leftovers(run, own, signal);
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
  await together(
    nodes.map((node) =>
      fenced(run, node, signal, () => run.control.killJob(node, `${launchId}-log`, run.generation, signal)),
    ),
  );
  return { type: "cleaned" };
};

/** While what ran before is still believed in, it was not stopped for certain: it is cleaned up with the rest. */
function notStopped(run: Run, leg: Leg): Node[] {
  const known = nodesOf(run, leg).map(({ name }) => name);
  const before = run.beliefs().find((each) => each.slot === run.order.slot.name)?.nodes ?? [];
  return before.flatMap((name) => (known.includes(name) ? [] : (usableNode(run.topology(), name) ?? [])));
}

/** An end that was unknown for long: another slot may have a model in a container of the same name by now. */
function isTaken(run: Run, node: Node): boolean {
  const { slot } = run.order;
  const sharing = run
    .topology()
    .slots.filter(({ name, container }) => name !== slot.name && container === slot.container);
  return run.beliefs().some((each) => each.nodes.includes(node.name) && sharing.some(({ name }) => name === each.slot));
}

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
