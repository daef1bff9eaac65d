/** Starts the detached launch job on the head, and a keeper of the container's log on every node. Safe to repeat. */
import type { Node } from "../../topology/topology.ts";
import { failure } from "../failure.ts";
import { launchCommand, readDialect } from "../launch-command.ts";
import { scriptMissing } from "../plan-notes.ts";
import type { EffectBody, Run } from "../run.ts";
import { attempt, fenced, keepUp, nodesOf } from "../run.ts";
import type { Failure } from "../swap.ts";
import { together } from "../together.ts";

/** @param quote the one quoting function, for scripts that parse their arguments a second time */
export function createLaunch(quote: (text: string) => string): EffectBody {
  return async (run, leg, signal) => {
    const { slot } = run.order;
    const { model, launchId } = attempt(run, leg);
    const nodes = nodesOf(run, leg);
    const [head] = nodes;
    await keepUp(run, nodes, signal);
    const short = await tooLittleMemory(run, nodes, model.gpu_memory_utilization, signal);
    if (short) return { type: "failed", failure: short };
    const script = await run.control.launchScript(head, signal);
    if (script === null) return { type: "failed", failure: scriptMissing(head) };
    const addresses = await Promise.all(nodes.map((node) => run.control.address(node, signal)));
    const place = { slot, addresses, ethIf: head.eth_if, ibIf: head.ib_if };
    const { argv, env } = launchCommand(model, place, readDialect(script), quote);
    run.log(`${head.name}: ${argv.map(quote).join(" ")}`);
    await together(
      nodes.map((node) =>
        fenced(run, node, signal, () =>
          run.control.keepLog(node, `${launchId}-log`, run.generation, slot.container, signal),
        ),
      ),
    );
    await fenced(run, head, signal, () =>
      run.control.startJob(head, { id: launchId, generation: run.generation, argv, env, cwd: head.launch_dir }, signal),
    );
    return { type: "launched" };
  };
}

/** vLLM refuses to start with less than its share free; said here with the figures, before minutes are spent. */
async function tooLittleMemory(
  run: Run,
  nodes: readonly Node[],
  share: number,
  signal: AbortSignal,
): Promise<Failure | null> {
  const views = await Promise.all(
    nodes.map(async (node) => ({ node, view: await run.control.look(node, run.order.slot, signal) })),
  );
  // A repeated launch (after a restart of the controller) finds its own model in the memory.
  const short = views.find(
    ({ view }) => view.vllm.length === 0 && view.memory.availableBytes < share * view.memory.totalBytes,
  );
  if (!short) return null;
  const { totalBytes, availableBytes } = short.view.memory;
  return failure(
    "memory_not_free",
    `Not enough memory is free on ${short.node.name}.`,
    `${short.node.name}: MemAvailable ${availableBytes} bytes, vLLM would claim ${Math.round(share * totalBytes)} of ${totalBytes}`,
    "See what else uses memory there (docker ps, nvidia-smi), or lower gpu_memory_utilization of this model.",
  );
}
