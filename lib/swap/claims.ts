/** Who owns which slot: check and claim are one transaction, so that of any number of simultaneous calls one succeeds. */
import type { Model } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import type { Node, Slot, Topology } from "../topology/topology.ts";
import type { BeliefChange } from "./belief-change.ts";
import { conflicts, type Footprint } from "./conflicts.ts";
import type { OnDrainTimeout } from "./drain-desk.ts";
import { type Belief, failureOf, footprint } from "./facts.ts";
import { failure } from "./failure.ts";
import { type Gate, placeOf, type SwapPlace } from "./gate.ts";
import { newRecord } from "./new-record.ts";
import { attemptOf, type SwapOrder } from "./order.ts";
import { whyItEnds } from "./stop-words.ts";
import type { PlanNote, SwapJob } from "./swap.ts";
import type { SwapRecord, SwapStore } from "./swap-store.ts";

export interface ClaimRequest {
  readonly rollback?: boolean | undefined;
  readonly onDrainTimeout?: OnDrainTimeout | undefined;
  readonly requestedBy: string;
  /** The slot's usable nodes. */
  readonly nodes?: readonly Node[];
  /** Of the reservation, if one is held. */
  readonly token?: string | null | undefined;
}

interface Means {
  readonly store: SwapStore;
  readonly gate: Gate;
  topology(): Topology;
  /** Whether the files of the model are being deleted. */
  readonly isBeingDeleted?: (model: Model) => boolean;
  newId(): string;
  now(): string;
  /** Called within the transaction that makes a change durable. */
  record(job: SwapJob): void;
}

export const BEFORE_STOPPING: ReadonlySet<SwapJob["state"]> = new Set(["planned", "draining"]);

export class Claims {
  /** By slot, the job that has stopped, verified, what was believed to serve there. */
  readonly #stoppedBy = new Map<string, string>();

  constructor(private readonly means: Means) {}

  /**
   * The swap that a swap of this model in this slot would have to wait for. What a slot serves until its swap has stopped
   * it, and what it may go back to, count as well as what it is to serve.
   */
  conflicting(model: Model, slot: Slot): SwapRecord | undefined {
    return this.#owner(slot.name, this.#owned(slot, [model]));
  }

  /**
   * Before a stop of whatever runs in a slot. To be called in the same step as the gate.
   * @throws Fault 409 `swap_running` with `job_id`: a swap owns it, or something that it would take along; `slot_stopping`: it
   *   is stopped or restarted already, under whatever name
   */
  mustBeSettled(slot: Slot): void {
    const stands = this.#asItStands(slot);
    refuseDuring(this.#owner(slot.name, [stands]), this.#disruption(slot.name, { ...stands, memory: 0 }));
  }

  /**
   * The same for a container that is no slot's by its name: its own Spark, port and container count, and no memory.
   * @throws Fault as `mustBeSettled`
   */
  mustBeSettledAt(place: Omit<Footprint, "memory">): void {
    const wanted = { ...place, memory: 0 };
    refuseDuring(this.#owner(null, [wanted]), this.#disruption(null, wanted));
  }

  /**
   * Before a swap whose end is unknown is looked into, of which nobody knows any more who wanted it.
   * @throws Fault 409, 423: somebody else comes first there
   */
  mustBeFree(order: Pick<SwapOrder, "model" | "slot" | "reservation">): void {
    const { gate } = this.means;
    const place = this.reach(order);
    if (gate.reservationOfAnother(place, order.reservation ?? null) || gate.isAwaited(place))
      throw new Fault("locked", "reserved", "Someone else has reserved this slot, or is about to.");
    this.#refuseBeside(order);
  }

  /** Whether a swap, a stop or a restart is under way in a slot, or next to it so that it would have to make room. */
  isTouched(name: string): boolean {
    const slot = this.means.topology().slots.find((each) => each.name === name);
    if (!slot) return true;
    const stands = this.#asItStands(slot);
    return this.#owner(name, [stands]) !== undefined || this.#disruption(name, stands) !== null;
  }

  /** What these models take in a slot, and what is believed to serve there. */
  #owned(place: Slot, models: readonly (Model | null)[]): Footprint[] {
    const belief = this.means.store.beliefs().find((each) => each.slot === place.name);
    return [...models, belief?.model ?? null].flatMap((one) => (one ? [ownedBy(one, place)] : []));
  }

  /** @param wanted all that whoever asks will stop or load */
  #owner(slot: string | null, wanted: readonly Footprint[]): SwapRecord | undefined {
    return this.means.store.unsettled().find(({ order }) => {
      if (order.slot.name === slot) return true;
      const theirs = this.#owned(order.slot, [order.model, order.previous]);
      return theirs.some((one) => wanted.some((mine) => conflicts(mine, one)));
    });
  }

  /** What may run in a slot: of what nobody knows, all of the memory. */
  #asItStands({ name, nodes, port, container }: Slot): Footprint {
    const belief = this.means.store.beliefs().find((each) => each.slot === name);
    return { nodes, port, container, memory: belief?.model.gpu_memory_utilization ?? null };
  }

  /** A stop or restart under way in the slot, or in one that conflicts with what is wanted. */
  #disruption(slot: string | null, wanted: Footprint): string | null {
    const { gate, topology } = this.means;
    const near = topology().slots.filter((each) => each.name === slot || conflicts(wanted, this.#asItStands(each)));
    return near.map((each) => gate.disruptionIn(placeOf(each))).find((what) => what !== null) ?? null;
  }

  /** @throws Fault 409 `swap_running` with `job_id`, `slot_stopping` */
  #refuseBeside({ model, slot }: Pick<SwapOrder, "model" | "slot">): void {
    refuseDuring(this.conflicting(model, slot), this.#disruption(slot.name, ownedBy(model, slot)));
  }

  /**
   * @throws Fault 423 `reserved` with `lock`; 409 `others_first`, `swap_running` with `job_id`, `slot_stopping`, `files_being_deleted`;
   *   503 when it cannot be written
   */
  claim(model: Model, slot: Slot, request: ClaimRequest): SwapRecord {
    const { store, gate, newId, now, record: keep } = this.means;
    return store.claim(() => {
      const reservation = gate.admit(this.reach({ model, slot }), request.token ?? null);
      this.#refuseBeside({ model, slot });
      if (this.means.isBeingDeleted?.(model))
        throw new Fault("conflict", "files_being_deleted", filesBeingDeleted(model).message);
      const record = newRecord({
        model,
        slot,
        before: store.beliefs().find((belief) => belief.slot === slot.name),
        rollback: request.rollback ?? true,
        nodes: request.nodes,
        reservation,
        onDrainTimeout: request.onDrainTimeout ?? null,
        jobId: newId(),
        generation: store.nextGeneration(),
        requestedBy: request.requestedBy,
        at: now(),
      });
      store.save(record);
      keep(record.job);
      return record;
    });
  }

  /** What a claim would be refused for now; for the plan of a swap. */
  obstacles(order: Pick<SwapOrder, "model" | "slot">, token: string | null): PlanNote[] {
    const { gate } = this.means;
    const notes: PlanNote[] = [];
    try {
      gate.admit(this.reach(order), token);
    } catch (error) {
      notes.push(failureOf(error));
    }
    const running = this.conflicting(order.model, order.slot);
    if (running) notes.push(swapRunning(running.job));
    const disruption = this.#disruption(order.slot.name, ownedBy(order.model, order.slot));
    if (disruption !== null) notes.push(slotStopping(disruption));
    if (this.means.isBeingDeleted?.(order.model)) notes.push(filesBeingDeleted(order.model));
    return notes;
  }

  /**
   * Where a swap stops something: its own slot, and the slots that have to make room for it, with all of their Sparks. A
   * reservation of any of them is in its way.
   */
  reach(order: Pick<SwapOrder, "model" | "slot">): SwapPlace {
    const { slots } = this.means.topology();
    const touched = this.touchedSlots(order, slots);
    const nodes = slots.flatMap(({ name, nodes }) => (touched.has(name) ? nodes : []));
    return { slot: order.slot.name, nodes: [...new Set([...order.slot.nodes, ...nodes])] };
  }

  /** Swaps that own their slot now, and where each may stop something; oldest first. */
  running(): readonly { readonly jobId: string; readonly place: SwapPlace }[] {
    return this.means.store.unsettled().map(({ job, order }) => ({ jobId: job.job_id, place: this.reach(order) }));
  }

  /**
   * What is in the slots: what is believed to serve, and what other swaps are loading. A claim is given only beside swaps
   * that do not conflict with it; without them here, the stop of one would take what another loads for a stranger.
   */
  occupancy(ownJobId: string | null): Belief[] {
    const { store } = this.means;
    const loading = store
      .unsettled()
      .filter(({ job }) => job.job_id !== ownJobId)
      .map(({ job, machine, order }) => {
        const { model, launchId } = attemptOf(order, job.job_id, machine.leg);
        const { name, nodes } = order.slot;
        return { slot: name, model, job_id: job.job_id, since: job.updated_at, nodes, launch_id: launchId };
      });
    return [...loading, ...store.beliefs()];
  }

  /** What swaps need that own their slot now, or of which nobody knows how they ended: as it was ordered, whatever became of the catalog. */
  needed(): readonly { readonly slot: string; readonly models: readonly Model[] }[] {
    const { store } = this.means;
    return [...store.unsettled(), ...store.unknown()].map(({ order }) => ({
      slot: order.slot.name,
      models: order.previous ? [order.model, order.previous] : [order.model],
    }));
  }

  /** Names of the slots whose belief a verified stop of this order ends. */
  touchedSlots({ model, slot }: Pick<SwapOrder, "model" | "slot">, slots: readonly Slot[]): ReadonlySet<string> {
    const wanted = footprint(model, slot);
    const touched = this.means.store.beliefs().filter((belief) => {
      const other = slots.find((each) => each.name === belief.slot);
      return other !== undefined && conflicts(wanted, footprint(belief.model, other));
    });
    return new Set([...touched.map((belief) => belief.slot), slot.name]);
  }

  /**
   * Slots whose model a swap stops or has stopped, each with that swap: from the end of its drain until it is settled. What is
   * believed of them ends with the stop, and what was seen of them is some seconds old then.
   */
  beingEmptied(): ReadonlyMap<string, SwapJob> {
    const emptied = new Map<string, SwapJob>();
    for (const { job, order } of this.means.store.unsettled()) {
      if (BEFORE_STOPPING.has(job.state)) continue;
      for (const slot of this.touchedSlots(order, this.means.topology().slots)) emptied.set(slot, job);
      for (const [slot, by] of this.#stoppedBy) if (by === job.job_id) emptied.set(slot, job);
    }
    return emptied;
  }

  /** What a step of a swap changes in what is believed, and in what is unknown. Call it within the step's transaction. */
  follow({ job, order }: SwapRecord, change: BeliefChange): void {
    const { store, topology } = this.means;
    if (change.type === "stopped") {
      for (const touched of this.touchedSlots(order, topology().slots)) {
        store.disbelieve(touched);
        this.#stoppedBy.set(touched, job.job_id);
      }
      this.overtakeUnknown(order);
    }
    if (change.type === "emptied") store.disbelieve(order.slot.name);
    if (change.type === "gone") for (const slot of change.slots) store.disbelieve(slot);
    if (change.type === "serves") store.believe(change.belief);
  }

  /**
   * A newer swap has stopped, verified, whatever an unknown one of the same slot may have left: there is nothing to look
   * into any more. One of another slot on the same Sparks is still cleaned up, but what it would go back to is in the way
   * now. Not before the stop: a swap that ends earlier has touched nothing. Call it within the step's transaction.
   */
  overtakeUnknown({ model, slot }: SwapOrder): void {
    const { store, now, record: keep } = this.means;
    const stopped = ownedBy(model, slot);
    for (const { job, machine, order } of store.unknown()) {
      if (job.slot === slot.name) {
        const state = machine.ending?.as ?? "failed";
        const { stopLeft } = machine;
        const over = { ...machine, state, phase: state, ...(stopLeft ? { stopLeft: "gone" as const } : {}) };
        const failure = whyItEnds(over, order, job);
        const reason = failure?.message ?? job.reason;
        const ended = { ...job, state, phase: state, failure, reason, updated_at: now() };
        store.save({ job: ended, machine: over, order });
        keep(ended);
      } else if (order.previous && conflicts(stopped, footprint(order.previous, order.slot)))
        store.save({ job, machine: { ...machine, canRollBack: false }, order });
    }
  }
}

const filesBeingDeleted = ({ name }: Model): PlanNote =>
  failure("files_being_deleted", `The files of ${name} are being deleted. Wait until that has ended.`);

function slotStopping(disruption: string): PlanNote {
  return failure("slot_stopping", `There is ${disruption} under way. Wait until it has ended.`);
}

/** A swap owns all nodes of its slot: its stop looks at each of them, and a rollback may use them. */
const ownedBy = (model: Model, slot: Slot): Footprint => ({ ...footprint(model, slot), nodes: slot.nodes });

/** @param disruption in words */
function refuseDuring(running: SwapRecord | undefined, disruption: string | null): void {
  if (running) {
    const { job } = running;
    throw new Fault("conflict", "swap_running", swapRunning(job).message, { job_id: job.job_id });
  }
  if (disruption !== null) throw new Fault("conflict", "slot_stopping", slotStopping(disruption).message);
}

function swapRunning(job: SwapJob): PlanNote {
  return failure("swap_running", `A swap to ${job.model_name} is running. Wait until it has ended, or cancel it.`);
}
