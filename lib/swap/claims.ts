/** Who owns which slot: check and claim are one transaction, so that of any number of simultaneous calls one succeeds. */
import type { Model } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import type { Slot } from "../topology/topology.ts";
import { conflicts } from "./conflicts.ts";
import { footprint } from "./facts.ts";
import { failure } from "./failure.ts";
import { newRecord } from "./new-record.ts";
import type { PlanNote, SwapJob } from "./swap.ts";
import type { SwapRecord, SwapStore } from "./swap-store.ts";

export interface ClaimRequest {
  readonly rollback?: boolean | undefined;
  readonly requestedBy: string;
}

interface Means {
  readonly store: SwapStore;
  newId(): string;
  now(): string;
  /** Called within the transaction that makes a change durable. */
  record(job: SwapJob): void;
}

export class Claims {
  constructor(private readonly means: Means) {}

  /** The swap that a swap of this model in this slot would have to wait for. */
  conflicting(model: Model, slot: Slot): SwapRecord | undefined {
    // A swap owns all nodes of its slot: its stop looks at each of them, and a rollback may use them.
    const owned = (one: Model, place: Slot) => ({ ...footprint(one, place), nodes: place.nodes });
    const wanted = owned(model, slot);
    return this.means.store
      .unsettled()
      .find(({ order }) => order.slot.name === slot.name || conflicts(wanted, owned(order.model, order.slot)));
  }

  /** @throws Fault 409 `swap_running` with `job_id`; 503 when it cannot be written */
  claim(model: Model, slot: Slot, request: ClaimRequest): SwapRecord {
    const { store, newId, now, record: keep } = this.means;
    return store.claim(() => {
      const running = this.conflicting(model, slot);
      if (running)
        throw new Fault("conflict", "swap_running", swapRunning(running.job).message, { job_id: running.job.job_id });
      const record = newRecord({
        model,
        slot,
        before: store.beliefs().find((belief) => belief.slot === slot.name),
        rollback: request.rollback ?? true,
        jobId: newId(),
        generation: store.nextGeneration(),
        requestedBy: request.requestedBy,
        at: now(),
      });
      this.#overtakeUnknown(slot);
      store.save(record);
      keep(record.job);
      return record;
    });
  }

  /** A new swap stops whatever an unknown one of the same slot may have left: there is nothing to look into any more. */
  #overtakeUnknown(slot: Slot): void {
    const { store, now, record: keep } = this.means;
    for (const { job, machine, order } of store.unknown()) {
      if (job.slot !== slot.name) continue;
      const state = machine.ending?.as ?? "failed";
      const ended = { ...job, state, phase: state, updated_at: now() };
      store.save({ job: ended, machine: { ...machine, state, phase: state }, order });
      keep(ended);
    }
  }
}

export function swapRunning(job: SwapJob): PlanNote {
  return failure("swap_running", `A swap to ${job.model_name} is running. Wait until it has ended, or cancel it.`);
}
