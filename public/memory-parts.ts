/**
 * Who holds a Spark's memory. Measured is only what is available; what vLLM holds is what it was allowed to claim, its
 * weights first, bounded by what is in use at all. Pure.
 */
import type { Model, Slot, SparkNode, SwapJob } from "./api.ts";
import type { MemoryPart } from "./panels/memory-bar.ts";

const BYTES_PER_GB = 1e9;
/** From here on the weights are there; what comes is working space. */
const LOADED_PHASES: ReadonlySet<string> = new Set(["compile", "kv_cache", "graphs", "warmup", "serving", "verifying"]);

export interface MemoryFacts {
  readonly slots: readonly Slot[];
  readonly models: readonly Model[];
}

/** Claim of a model on each of its Sparks, split; the weights are null when their size is not known. */
export function claimOf(model: Model, totalBytes: number): { claim: number; weights: number | null } {
  const claim = model.gpu_memory_utilization * totalBytes;
  const weights = model.size_gb === null ? null : Math.min((model.size_gb * BYTES_PER_GB) / model.nodes, claim);
  return { claim, weights };
}

/** Empty while the memory is not known. */
export function memoryParts(node: SparkNode, facts: MemoryFacts): MemoryPart[] {
  if (!node.memory) return [];
  const { total_bytes: total, available_bytes: available } = node.memory;
  const used = total - available;
  const free: MemoryPart = { kind: "free", label: "Free", bytes: available };
  const served = facts.slots
    // A measurement that is older than the model says nothing about it.
    .filter((slot) => slot.state === "serving" && (slot.since ?? "") <= (node.checked_at ?? ""))
    .flatMap((slot) => facts.models.filter((model) => model.key === slot.model && runsOn(model, slot, node.name)));
  const parts: MemoryPart[] = [];
  let left = used;
  const take = (kind: MemoryPart["kind"], label: string, bytes: number) => {
    const taken = Math.min(bytes, left);
    left -= taken;
    if (taken > 0) parts.push({ kind, label, bytes: taken });
  };
  for (const model of served) {
    const { claim, weights } = claimOf(model, total);
    take("model", "Model", weights ?? claim);
    if (weights !== null) take("ctx", "Working space", claim - weights);
  }
  parts.push({ kind: "other", label: served.length > 0 ? "Everything else" : "In use", bytes: left });
  return [...parts, free];
}

/** While a model loads: how much of it is there, going by the measurement, and what is still to come. */
export function loadingParts(node: SparkNode, job: SwapJob, model: Model | undefined): MemoryPart[] {
  if (!node.memory) return [];
  const { total_bytes: total, available_bytes: available } = node.memory;
  const used = total - available;
  if (!model || !job.nodes.slice(0, model.nodes).includes(node.name))
    return [
      { kind: "other", label: "In use", bytes: used },
      { kind: "free", label: "Free", bytes: available },
    ];
  const { claim } = claimOf(model, total);
  const launched = job.phases.findLast(({ name }) => name.endsWith("launching"));
  // What was measured before the launch says nothing about what is loaded now.
  if (!launched || (node.checked_at ?? "") < launched.started_at)
    return [
      { kind: "todo", label: "Still to come", bytes: claim },
      { kind: "free", label: "For everything else", bytes: total - claim },
    ];
  const isLoading = job.phase === "weights" || LOADED_PHASES.has(job.phase);
  const here = isLoading ? Math.min(used, claim * (LOADED_PHASES.has(job.phase) ? 1 : job.progress)) : 0;
  const todo = Math.max(0, Math.min(claim - here, available));
  return [
    { kind: "model", label: "Loaded about", bytes: here },
    { kind: "todo", label: "Still to come", bytes: todo },
    { kind: "other", label: here > 0 ? "Everything else" : "In use", bytes: used - here },
    { kind: "free", label: "Free after", bytes: Math.max(0, available - todo) },
  ];
}

function runsOn(model: Model, slot: Slot, node: string): boolean {
  return slot.nodes.slice(0, model.nodes).includes(node);
}
