/** vLLM servers that run on the Sparks beside every slot's container. They are shown, and never stopped from here. */
import type { Slot } from "../topology/topology.ts";
import type { NodeView, Stranger } from "./cluster.ts";
import { failure } from "./failure.ts";
import type { Failure } from "./swap.ts";

export interface StrangerSighting extends Stranger {
  readonly node: string;
}

/**
 * What is in no slot's place. In the look of one slot the model of another one on the same Spark is a stranger too: it
 * is told from those by its container, or, where none is known, by standing in what another slot's container shows.
 */
export function strangersAmong(
  slots: readonly Slot[],
  looks: readonly { readonly node: string; readonly view: NodeView }[],
): StrangerSighting[] {
  const found = new Map<string, StrangerSighting>();
  for (const { node, view } of looks) {
    const containers = slots.filter(({ nodes }) => nodes.includes(node)).map(({ container }) => container);
    const shown = looks.filter((look) => look.node === node).flatMap((look) => look.view.vllm);
    for (const stranger of view.strangers) {
      const { container, commandLine, pid } = stranger;
      const isOfASlot = container === null ? shown.includes(commandLine) : containers.includes(container);
      if (!isOfASlot) found.set(`${node} ${pid}`, { ...stranger, node });
    }
  }
  return [...found.values()];
}

/** As a difference of a slot that has the Spark, and as a note of a plan that needs it. */
export function strangerOn(stranger: StrangerSighting): Failure {
  return failure(
    "stranger",
    `${nameOf(stranger)} runs on ${stranger.node}, outside of every slot. It was not started by Spark Control.`,
    evidenceOf(stranger),
    `A swap does not stop it, and it keeps its memory. ${howToEnd(stranger)}`,
  );
}

/** It listens where the slot's model would. */
export function strangerHasPort(stranger: StrangerSighting, port: number): Failure {
  return failure(
    "port_taken",
    `${nameOf(stranger)} uses port ${port} on ${stranger.node}, outside of every slot. It was not started by Spark Control.`,
    `${evidenceOf(stranger)}; /proc/net/tcp shows a listener on port ${port}`,
    `A swap does not stop it. ${howToEnd(stranger)}`,
  );
}

function nameOf({ model, port, container }: Stranger): string {
  const place = [container === null ? [] : `container ${container}`, port === null ? [] : `port ${port}`].flat();
  return place.length > 0 ? `${model} (${place.join(", ")})` : model;
}

function evidenceOf({ node, pid, commandLine }: StrangerSighting): string {
  return `${node}: ps shows process ${pid}: ${commandLine}`;
}

function howToEnd({ node, container, pid }: StrangerSighting): string {
  return `To end it, on ${node}: ${container === null ? `kill ${pid}` : `docker stop ${container}`}`;
}
