/** Looks at the Sparks before a swap: what is there, what would have to stop, what stands in the way. Touches nothing. */
import { type Model, servedSource } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import { type Node, type Slot, type Topology, usableNode } from "../topology/topology.ts";
import type { NodeView, SparkControl } from "./cluster.ts";
import { conflicts, type Footprint } from "./conflicts.ts";
import { modelOnCommandLine } from "./difference.ts";
import { explainLog, failure } from "./failure.ts";
import { imageOf } from "./launch-command.ts";
import type { Occupant } from "./plan.ts";
import { diskFull, folderMissing, foreignNode, imageMissing, notNeeded, scriptMissing } from "./plan-notes.ts";
import { type StrangerSighting, strangerHasPort, strangerOn, strangersAmong } from "./strangers.ts";
import type { Failure, PlanNote } from "./swap.ts";

/** `--gpu-memory-utilization` where it is not given (docs.vllm.ai, "Engine Arguments"). */
const VLLM_DEFAULT_SHARE = 0.9;

/** For a job's folder, the log of a load and what docker writes for a container; with less a swap fails half-way. */
const LEAST_FREE_DISK_KIB = 16 * 1024;

/** What the controller believes to serve in a slot: written when a swap became ready, deleted when it was stopped. */
export interface Belief {
  readonly slot: string;
  readonly model: Model;
  readonly job_id: string;
  readonly since: string;
  readonly nodes: readonly string[];
  /** Id of the detached launch job on the head. */
  readonly launch_id: string;
}

export interface Target {
  readonly model: Model;
  readonly slot: Slot;
  /** The first `model.nodes` nodes of the slot, head first. */
  readonly nodes: readonly Node[];
}

export interface Facts {
  /** By node name, as seen for the target slot. */
  readonly views: ReadonlyMap<string, NodeView>;
  /** Nodes that the model needs and that could not be asked. */
  readonly unreachable: ReadonlyMap<string, Failure>;
  readonly occupants: readonly Occupant[];
  readonly blockers: readonly PlanNote[];
  readonly warnings: readonly PlanNote[];
  /** Text of the launch script on the head; null when missing or unknown. */
  readonly script: string | null;
  /** Highest generation that the nodes have seen. */
  readonly generation: number;
}

export function footprint(model: Model, slot: Slot): Footprint {
  const { port, container } = slot;
  return { nodes: slot.nodes.slice(0, model.nodes), port, container, memory: model.gpu_memory_utilization };
}

/**
 * The nodes on which `model` would run in `slot`.
 * @throws Fault `invalid` when the slot has too few nodes, `unavailable` when one of them cannot be used
 */
export function targetOf(topology: Topology, model: Model, slot: Slot): Target {
  if (model.nodes > slot.nodes.length)
    throw new Fault(
      "invalid",
      "too_few_nodes",
      `${model.name} needs ${model.nodes} Sparks, and slot ${slot.name} has ${slot.nodes.length}.`,
    );
  const nodes = slot.nodes.slice(0, model.nodes).map((name) => {
    const node = usableNode(topology, name);
    if (!node)
      throw new Fault(
        "unavailable",
        "not_configured",
        `${name} is not configured correctly. See Settings for the reason.`,
      );
    return node;
  });
  return { model, slot, nodes };
}

export async function gatherFacts(
  control: SparkControl,
  topology: Topology,
  beliefs: readonly Belief[],
  target: Target,
  signal: AbortSignal,
): Promise<Facts> {
  const { model, slot, nodes } = target;
  const away = new Map<string, Failure>();
  const looks = await lookAtSharedSlots(control, topology, target, away, signal);
  const needed = new Set(nodes.map((node) => node.name));
  const unreachable = new Map([...away].filter(([name]) => needed.has(name)));
  const warnings = [...away].filter(([name]) => !needed.has(name)).map(([name, reason]) => notNeeded(name, reason));
  const views = new Map(
    looks.filter((look) => look.slot.name === slot.name).map((look) => [look.node.name, look.view]),
  );
  const occupants = occupantsOf(topology, beliefs, looks, footprint(model, slot), slot);
  const strangers = strangersAmong(
    topology.slots,
    looks.map((look) => ({ node: look.node.name, view: look.view })),
  ).filter(({ node }) => needed.has(node));
  const inPlace = strangers.find(({ node, port }) => node === nodes[0]?.name && port === slot.port);
  const blockers: PlanNote[] = standsInTheWay(looks, target, beliefs, inPlace);
  const hasPort = blockers.some(({ code }) => code === "port_taken") ? inPlace : undefined;
  warnings.push(...strangers.filter((each) => each !== hasPort).map(strangerOn));
  let script: string | null = null;
  let generation = 0;
  const reachable = nodes.filter((node) => !unreachable.has(node.name));
  const ask = async (node: Node, question: () => Promise<PlanNote | null>) => {
    try {
      const note = await question();
      if (note) blockers.push(note);
    } catch (error) {
      signal.throwIfAborted();
      unreachable.set(node.name, failureOf(error));
    }
  };
  await Promise.all(
    reachable.map((node, index) =>
      ask(node, async () => {
        const fence = await control.fence(node, signal);
        generation = Math.max(generation, fence.generation);
        if (fence.foreign !== null) return foreignNode(node, fence.foreign);
        if (index === 0 && node === nodes[0]) {
          script = await control.launchScript(node, signal);
          if (script === null) return scriptMissing(node);
        }
        const freeKib = await control.freeDiskKib(node, signal);
        if (freeKib !== null && freeKib < LEAST_FREE_DISK_KIB) return diskFull(node, freeKib);
        const image = imageOf(model, slot);
        if (!(await control.hasImage(node, image, signal))) return imageMissing(node, image);
        const path = model.source.kind === "local" ? servedSource(model) : null;
        return path !== null && !(await control.hasFolder(node, path, signal)) ? folderMissing(node, path) : null;
      }),
    ),
  );
  return { views, unreachable, occupants, blockers, warnings, script, generation };
}

interface Look {
  readonly slot: Slot;
  readonly node: Node;
  readonly view: NodeView;
}

/** The target slot on all its nodes, and every other slot that shares a node with the target. */
async function lookAtSharedSlots(
  control: SparkControl,
  topology: Topology,
  target: Target,
  unreachable: Map<string, Failure>,
  signal: AbortSignal,
): Promise<Look[]> {
  const names = target.nodes.map((node) => node.name);
  const pairs = topology.slots
    .filter((slot) => slot.name === target.slot.name || slot.nodes.some((name) => names.includes(name)))
    .flatMap((slot) =>
      slot.nodes.flatMap((name) => {
        const node = usableNode(topology, name);
        return node ? [{ slot, node }] : [];
      }),
    );
  const looks = await Promise.all(
    pairs.map(async ({ slot, node }) => {
      try {
        return [{ slot, node, view: await control.look(node, slot, signal) }];
      } catch (error) {
        signal.throwIfAborted();
        unreachable.set(node.name, failureOf(error));
        return [];
      }
    }),
  );
  return looks.flat();
}

function occupantsOf(
  topology: Topology,
  beliefs: readonly Belief[],
  looks: readonly Look[],
  wanted: Footprint,
  here: Slot,
): Occupant[] {
  return topology.slots.flatMap((slot) => {
    const belief = beliefs.find((each) => each.slot === slot.name);
    // A container of the same name in which another slot is believed to serve is that slot's.
    const others = beliefs.filter((each) =>
      topology.slots.some(
        (other) => other.name === each.slot && other.name !== slot.name && other.container === slot.container,
      ),
    );
    const own = looks.filter(
      (look) => look.slot.name === slot.name && !others.some(({ nodes }) => nodes.includes(look.node.name)),
    );
    const running = own.filter(({ view }) => view.vllm.length > 0);
    // A worker may show no vLLM of its own (Ray): there the container and the belief tell.
    const there = running.length > 0 ? own.filter((look) => running.includes(look) || isPartOf(belief, look)) : [];
    const nodes = running.length > 0 ? there.map((look) => look.node.name) : (belief?.nodes ?? []);
    if (nodes.length === 0) return [];
    const lines = running.flatMap(({ view }) => view.vllm);
    // Somebody may have replaced by hand what is believed to serve: the processes tell.
    const named = modelOnCommandLine(lines);
    const model = belief && (named === null || named === servedSource(belief.model)) ? belief.model : null;
    const known = model?.gpu_memory_utilization ?? null;
    if (
      slot.name !== here.name &&
      !conflicts(wanted, { nodes, port: slot.port, container: slot.container, memory: known })
    )
      return [];
    const memory = running.length > 0 ? (known ?? claimedBy(lines)) : 0;
    return [{ slot, model, name: model?.name ?? named ?? "An unknown model", nodes, runs: running.length > 0, memory }];
  });
}

function isPartOf(belief: Belief | undefined, { node, view }: Look): boolean {
  return belief?.nodes.includes(node.name) === true && view.container?.running === true;
}

/** What a vLLM started by hand claims: its `--gpu-memory-utilization`, else vLLM's default. */
function claimedBy(commandLines: readonly string[]): number {
  const given = /--gpu[-_]memory[-_]utilization[ =](\S+)/;
  const share = Number(commandLines.map((line) => given.exec(line)?.[1]).find((value) => value !== undefined));
  return share > 0 && share <= 1 ? share : VLLM_DEFAULT_SHARE;
}

/** @param inPlace the stranger on the head that names the slot's port */
function standsInTheWay(
  looks: readonly Look[],
  target: Target,
  beliefs: readonly Belief[],
  inPlace: StrangerSighting | undefined,
): PlanNote[] {
  const { slot, model } = target;
  const own = looks.filter((look) => look.slot.name === slot.name);
  const believed = beliefs.find((each) => each.slot === slot.name)?.model;
  const images = new Set(
    [imageOf(model, slot), slot.image, ...(believed?.image ? [believed.image] : [])].map(plainImage),
  );
  const names = own
    .filter(({ view }) => view.container && view.vllm.length === 0 && !images.has(plainImage(view.container.image)))
    .map(({ node, view }) =>
      failure(
        "container_name_taken",
        `Another container on ${node.name} is called ${slot.container}.`,
        `${node.name}: docker inspect ${slot.container} shows image ${view.container?.image}, docker top shows no vLLM`,
        "Remove that container, or choose another container name in the topology.",
      ),
    );
  const head = target.nodes[0];
  const onHead = own.find((look) => look.node.name === head?.name);
  const vllmHasPort = looks.some(
    (look) => look.node.name === head?.name && look.slot.port === slot.port && look.view.vllm.length > 0,
  );
  if (!onHead?.view.portOpen || vllmHasPort) return names;
  if (inPlace) return [...names, strangerHasPort(inPlace, slot.port)];
  return [
    ...names,
    failure(
      "port_taken",
      `Another program on ${onHead.node.name} uses port ${slot.port}.`,
      `${onHead.node.name}: /proc/net/tcp shows a listener on port ${slot.port}, and docker top ${slot.container} shows no vLLM`,
      "End that program, or choose another port in the topology.",
    ),
  ];
}

/** `docker.io/library/vllm-node:latest`, `localhost/vllm-node` and `vllm-node` are the same image. */
function plainImage(image: string): string {
  return image.replace(/^(docker\.io\/library|docker\.io|localhost)\//, "").replace(/:latest$/, "");
}

/** A Fault from the Sparks as a failure: its code, message, and what it brought as evidence and advice. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Fault)) throw error;
  const { evidence, advice } = error.members;
  // What a command on a Spark said before it failed may name a cause that is known from logs, such as a full disk.
  const known = error.code === "ssh_exit_code" && typeof evidence === "string" ? explainLog([evidence]) : null;
  if (known) return known;
  return failure(
    error.code,
    error.message,
    typeof evidence === "string" ? evidence : null,
    typeof advice === "string" ? advice : null,
  );
}
