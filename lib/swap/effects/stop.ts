/**
 * Stops what runs in the way and verifies that it is gone: container, processes, port, memory. Done by the controller
 * itself on every node, because the launch script's own `stop` swallows errors and answers 0 with the worker still running.
 */
import { Fault } from "../../fault.ts";
import type { Node, Slot } from "../../topology/topology.ts";
import type { NodeView } from "../cluster.ts";
import { conflicts } from "../conflicts.ts";
import { failureOf, footprint } from "../facts.ts";
import { failure } from "../failure.ts";
import type { MachineEvent } from "../machine.ts";
import type { EffectBody, Run } from "../run.ts";
import { allNodesOf, fenced, pause } from "../run.ts";
import { together } from "../together.ts";
import { takenSince } from "./taken.ts";

const BETWEEN_LOOKS_MS = 300;
/** Memory counts as settled when two looks in a row differ by less than this share of the total. */
const SETTLED_SHARE = 0.005;

/** A Spark that is silent for a moment; what it was told to stop is told again. */
const PASSING = new Set(["ssh_network", "ssh_timeout", "ssh_unknown"]);
export const isPassing = (error: unknown): error is Fault => error instanceof Fault && PASSING.has(error.code);
const BETWEEN_TRIES_MS = 1_000;

export const stop: EffectBody = async (run, _leg, signal) => {
  const deadline = Date.now() + run.timing.stopDeadlineMs;
  while (true) {
    try {
      return await stopAndVerify(run, deadline, signal);
    } catch (error) {
      signal.throwIfAborted();
      // Given up at the first cut, the model before would be gone and nothing would be loaded in its place.
      if (!isPassing(error) || Date.now() > deadline) throw error;
      run.waitsFor(failureOf(error));
      run.log(`${error.message} Trying again.`);
      await pause(BETWEEN_TRIES_MS, signal);
    }
  }
};

async function stopAndVerify(run: Run, deadline: number, signal: AbortSignal): Promise<MachineEvent> {
  const slots = await slotsToStop(run, signal);
  const reach = new Reach(run, signal);
  const taken = run.order.onlyWhereNothingRuns
    ? takenSince(
        run.order,
        (await lookAt(run, slots, reach, signal)).map((look) => ({ ...look, node: look.node.name })),
      )
    : null;
  if (taken) return { type: "failed", failure: taken };
  // A stop of before that arrives only now would end what is launched next: it is refused from here on.
  if (run.hasTold) run.raiseGeneration(run.generation, "anyone");
  await passFences(run, slots, reach, signal);
  run.telling();
  await together(slots.map((slot) => stopSlot(run, slot, reach, signal)));
  let left = "";
  do {
    const looks = await lookAt(run, slots, reach, signal);
    run.waitsFor(null);
    left = looks.flatMap(({ node, slot, view }) => stillThere(node, slot, view)).join("; ");
    if (left === "") return memoryBack(run, looks, reach, deadline, signal);
    await pause(BETWEEN_LOOKS_MS, signal);
  } while (Date.now() < deadline);
  return {
    type: "failed",
    failure: failure(
      "stop_unverified",
      "What ran before did not stop.",
      left,
      "Look at the Spark: docker ps, docker top. If the container hangs, restart docker there.",
    ),
  };
}

/** The own slot always; another one when something that conflicts runs in it. */
async function slotsToStop(run: Run, signal: AbortSignal): Promise<Slot[]> {
  const { model, slot } = run.order;
  const wanted = footprint(model, slot);
  const others = run.topology().slots.filter((each) => each.name !== slot.name);
  const busy = await Promise.all(
    others.map(async (other) => {
      // Where it is known what is there, that counts, and only on the nodes that it uses.
      const known = run.beliefs().flatMap((each) => (each.slot === other.name ? [footprint(each.model, other)] : []));
      if (known.length > 0) return known.some((each) => conflicts(wanted, each)) ? [other] : [];
      const shared = allNodesOf(run, other).filter((node) => wanted.nodes.includes(node.name));
      const views = await Promise.all(shared.map((node) => run.control.look(node, other, signal)));
      if (!views.some((view) => view.vllm.length > 0)) return [];
      const { nodes, port, container } = other;
      return conflicts(wanted, { nodes, port, container, memory: null }) ? [other] : [];
    }),
  );
  const inTheWay = busy.flat();
  // What is known to be there was asked for at the claim; what somebody started by hand is seen only now.
  for (const other of inTheWay) {
    const reserved = run.beliefs().some((each) => each.slot === other.name) ? null : run.reservedBy(other);
    if (!reserved) continue;
    const { holder, note, expires_at } = reserved;
    throw new Fault(
      "locked",
      "reserved",
      `Slot ${other.name} would have to make room, and ${holder} has reserved it.`,
      {
        evidence: `reserved by ${holder} until ${expires_at}${note === null ? "" : `: ${note}`}`,
        advice: "Wait for the end of that reservation, or ask its holder.",
      },
    );
  }
  return [slot, ...inTheWay];
}

/**
 * A Spark that the new model does not need may be away: it is left alone, and said so. One that it needs must answer,
 * or nothing is known to have stopped there.
 */
export class Reach {
  readonly #away = new Set<string>();
  readonly #needed: readonly string[];

  constructor(
    private readonly run: Run,
    private readonly signal: AbortSignal,
  ) {
    this.#needed = footprint(run.order.model, run.order.slot).nodes;
  }

  /** @returns null when the node is away and not needed */
  async on<T>(node: Node, work: () => Promise<T>): Promise<T | null> {
    if (this.#away.has(node.name)) return null;
    try {
      return await work();
    } catch (error) {
      this.signal.throwIfAborted();
      if (!(error instanceof Fault) || this.#needed.includes(node.name)) throw error;
      this.#away.add(node.name);
      this.run.log(`${error.message} ${node.name} is left alone; this model does not need it.`);
      return null;
    }
  }
}

/**
 * Every fence is passed before anything is stopped, so that a Spark that refuses (it obeys another controller, or its disk
 * is full) does not leave a model across two Sparks half stopped.
 */
async function passFences(run: Run, slots: readonly Slot[], reach: Reach, signal: AbortSignal): Promise<void> {
  const nodes = new Map(slots.flatMap((slot) => allNodesOf(run, slot)).map((node) => [node.name, node]));
  await together(
    [...nodes.values()].map((node) =>
      reach.on(node, () => fenced(run, node, signal, () => run.control.passFence(node, run.generation, signal))),
    ),
  );
}

export async function stopSlot(run: Run, slot: Slot, reach: Reach, signal: AbortSignal): Promise<void> {
  const nodes = allNodesOf(run, slot);
  // The launchers first: an exit trap would otherwise run a `docker stop` of its own, later, at the next model's container,
  // and one that is still starting would start its model in it.
  await together(
    nodes.map((node) =>
      reach.on(node, async () => {
        const launches = await run.control.runningLaunches(node, signal);
        const mine = launches.filter((id) => (run.slotOf(id) ?? slot.name) === slot.name);
        await together(
          mine.map((id) => fenced(run, node, signal, () => run.control.killJob(node, id, run.generation, signal))),
        );
      }),
    ),
  );
  await together(
    nodes.map((node) =>
      reach.on(node, async () => {
        run.log(`docker stop ${slot.container} on ${node.name}`);
        await fenced(run, node, signal, () => run.control.stopContainer(node, slot.container, run.generation, signal));
      }),
    ),
  );
}

interface Look {
  readonly node: Node;
  readonly slot: Slot;
  readonly view: NodeView;
}

async function lookAt(run: Run, slots: readonly Slot[], reach: Reach, signal: AbortSignal): Promise<Look[]> {
  const pairs = slots.flatMap((slot) => allNodesOf(run, slot).map((node) => ({ slot, node })));
  const looks = await Promise.all(
    pairs.map(async ({ slot, node }) => {
      const view = await reach.on(node, () => run.control.look(node, slot, signal));
      return view ? [{ slot, node, view }] : [];
    }),
  );
  return looks.flat();
}

export function stillThere(node: Node, slot: Slot, view: NodeView): string[] {
  return [
    ...(view.container ? [`${node.name}: container ${slot.container} is still there`] : []),
    ...(view.vllm.length > 0 ? [`${node.name}: docker top shows ${view.vllm[0]}`] : []),
    ...(view.portOpen ? [`${node.name}: port ${slot.port} is still open`] : []),
  ];
}

/** Waits until the memory that the new model needs is free, or no more comes back; the launch judges what there is. */
async function memoryBack(
  run: Run,
  first: readonly Look[],
  reach: Reach,
  deadline: number,
  signal: AbortSignal,
): Promise<MachineEvent> {
  const { model, slot } = run.order;
  const needed = footprint(model, slot).nodes;
  const mine = (looks: readonly Look[]) =>
    looks.filter((look) => look.slot.name === slot.name && needed.includes(look.node.name));
  let looks = mine(first);
  while (Date.now() < deadline) {
    if (looks.every(({ view }) => view.memory.availableBytes >= model.gpu_memory_utilization * view.memory.totalBytes))
      break;
    await pause(BETWEEN_LOOKS_MS * 3, signal);
    const next = mine(await lookAt(run, [slot], reach, signal));
    if (!next.some((look) => isGrowing(look, looks))) break;
    looks = next;
  }
  return { type: "stopped" };
}

function isGrowing({ node, view }: Look, before: readonly Look[]): boolean {
  const earlier = before.find((look) => look.node.name === node.name)?.view.memory.availableBytes ?? 0;
  return view.memory.availableBytes - earlier > SETTLED_SHARE * view.memory.totalBytes;
}
