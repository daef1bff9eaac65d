/**
 * What follows when a model died right after it was ready: its swap tells so, and where that swap was to go back if it failed, the model
 * before is loaded again by a swap of its own. It begins only where nobody has anything else in mind, and only once: it has no way back
 * itself, and what it loads is not replaced by anything if it dies too.
 */
import type { Model } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import type { Claims } from "./claims.ts";
import type { EngineOptions } from "./engine-options.ts";
import { newRecord } from "./new-record.ts";
import type { SwapOrder } from "./order.ts";
import type { Failure } from "./swap.ts";
import type { SwapRecord } from "./swap-store.ts";

/** Whom the history names for it. */
export const BY_ITSELF = "Spark Control";

export interface RestoreMeans
  extends Pick<EngineOptions, "store" | "topology" | "newId" | "now" | "record" | "wasForced" | "isBeingDeleted"> {
  readonly claims: Pick<Claims, "mustBeFree" | "touchedSlots">;
}

export interface AfterDeath {
  readonly told: SwapRecord;
  /** Null: nothing is loaded in its place. */
  readonly restore: SwapRecord | null;
}

/**
 * To be called within a transaction: check, claim and what is told of it are one.
 * @param remains of what died
 */
export function afterDeath(
  means: RestoreMeans,
  record: SwapRecord,
  failure: Failure,
  remains: SwapOrder["remains"],
): AfterDeath {
  const { store, newId, now, record: keep } = means;
  const { job, machine, order } = record;
  const { previous } = order;
  const isWanted = job.state === "ready" && machine.canRollBack && previous !== null;
  const obstacle = isWanted ? obstacleTo(means, record, previous) : null;
  const restore =
    isWanted && obstacle === null
      ? newRecord({
          model: previous,
          slot: order.slot,
          before: store.beliefs().find(({ slot }) => slot === job.slot),
          rollback: false,
          nodes: order.nodes,
          reservation: order.reservation ?? null,
          onDrainTimeout: "cut_off",
          jobId: newId(),
          generation: store.nextGeneration(),
          requestedBy: BY_ITSELF,
          at: now(),
          restores: { job_id: job.job_id, failure },
          remains,
        })
      : null;
  const then = restore
    ? ` ${restore.job.model_name} is loaded again.`
    : isWanted && previous
      ? ` ${previous.name} is not loaded again: ${obstacle}`
      : "";
  const at = now();
  // Why a swap has failed stays, where it is what it had put back that died.
  const before = job.state === "ready" || job.reason === null ? "" : `${job.reason} `;
  const told: SwapRecord = {
    ...record,
    job: {
      ...job,
      reason: `${before}${failure.message}${then}`,
      died: { at, failure, restored_by: restore?.job.job_id ?? null },
      updated_at: at,
    },
  };
  for (const each of restore ? [told, restore] : [told]) {
    store.save(each);
    keep(each.job);
  }
  return { told, restore };
}

/** In words; null: nothing is in the way. */
function obstacleTo(means: RestoreMeans, { job, order }: SwapRecord, previous: Model): string | null {
  const { claims, topology } = means;
  const { slot, reservation = null } = order;
  if (reservation !== null && means.wasForced(reservation, job.created_at))
    return "a person has ended the reservation under which it was loaded.";
  if (means.isBeingDeleted?.(previous)) return "its files are being deleted.";
  const others = [...claims.touchedSlots({ model: previous, slot }, topology().slots)].filter(
    (one) => one !== slot.name,
  );
  if (others.length > 0) return `what runs in ${others.join(" and ")} now would have to stop.`;
  try {
    claims.mustBeFree({ model: previous, slot, reservation });
    return null;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}
