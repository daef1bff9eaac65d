/** What must be true once a history has come to rest. */
import { SETTLED } from "../../../lib/swap/swap.ts";
import type { SwapStore } from "../../../lib/swap/swap-store.ts";
import type { Slot } from "../../../lib/topology/topology.ts";
import type { ModelCluster } from "./_model-cluster.ts";
import { isByHand } from "./_model-people.ts";

export interface Rest {
  readonly store: SwapStore;
  readonly cluster: ModelCluster;
  readonly slots: readonly Slot[];
  /** Jobs that were asked for, or begun by themselves. */
  readonly accepted: readonly string[];
  /** Sparks that were away in a stop which did not need them, and of which the swap's log says so. */
  readonly leftAlone: ReadonlySet<string>;
  /** Slots of which a stop was begun and did not come through: what is believed of them may be wrong. */
  readonly halfStopped: ReadonlySet<string>;
}

/** @returns in words what is wrong */
export function whatIsUntrue(rest: Rest): string | null {
  return ofJobs(rest) ?? ofBeliefs(rest) ?? ofContainers(rest);
}

function ofJobs({ store, accepted }: Rest): string | null {
  const jobs = accepted.map((id) => store.find(id)?.job);
  for (const [index, job] of jobs.entries()) {
    if (!job) return `${accepted[index]} is lost`;
    if (!SETTLED.has(job.state) || job.state === "unknown") return `${job.job_id} ended as ${job.state}`;
    // One try for what died right after it was ready, and none for that try.
    const restores = jobs.filter((each) => each?.restores?.job_id === job.job_id);
    const [only] = restores;
    if (restores.length > 1 || (only?.job_id ?? null) !== (job.died?.restored_by ?? null))
      return `${job.job_id} was restored ${restores.length} times, it says by ${job.died?.restored_by}`;
    if (only && job.restores) return `${job.job_id} restores, and was restored by ${only.job_id}`;
  }
  return null;
}

function ofBeliefs({ store, cluster, halfStopped }: Rest): string | null {
  const beliefs = store.beliefs();
  const living = cluster.started.filter((vllm) => vllm.state !== "dead" && !isByHand(vllm));
  const unknown = living.find(({ launchId }) => !beliefs.some(({ launch_id }) => launch_id === launchId));
  if (unknown) return `the vLLM of ${unknown.launchId} runs, and nobody believes in it`;
  for (const { slot, launch_id } of beliefs) {
    const vllm = cluster.started.find(({ launchId }) => launchId === launch_id);
    // What the world or a person took is shown as "not answering"; what was stopped must not be believed in any more.
    const isTrue = vllm?.state === "serving" || vllm?.endedBy === "fault" || vllm?.endedBy === "hand";
    if (!isTrue && !halfStopped.has(slot)) return `${slot} is believed to serve ${launch_id}: ${vllm?.state}`;
  }
  return null;
}

/** What the world has taken may leave its container behind: it is believed in, and the next stop finds it. */
function ofContainers({ store, cluster, slots, leftAlone, halfStopped }: Rest): string | null {
  const excused = new Set([...store.beliefs().map(({ slot }) => slot), ...halfStopped]);
  const names = slots.flatMap(({ name, container }) => (excused.has(name) ? [container] : []));
  for (const spark of cluster.sparks)
    for (const [container, { vllms }] of spark.containers)
      if (vllms.size === 0 && !leftAlone.has(spark.name) && !names.includes(container))
        return `${container} is left on ${spark.name} with nothing in it`;
  return null;
}
