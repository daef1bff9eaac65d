import type { SparkNode } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { forHow, secondsBetween } from "../format.ts";
import { controller, models, nodes, slots } from "../state.ts";
import { type MemoryPart, memoryBar, memoryKey } from "./memory-bar.ts";
import { Panel } from "./panel.ts";
import { pill, type Tone } from "./pill.ts";

const STATES: Readonly<Record<SparkNode["state"], readonly [Tone, string]>> = {
  reachable: ["ok", "Healthy"],
  unreachable: ["bad", "Not reachable"],
  misconfigured: ["warn", "Entry cannot be used"],
  unknown: ["unknown", "Not looked at yet"],
};

/** The machines: reachable or not, and their memory. */
export class SparkList extends Panel {
  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    if (nodes.value.length === 0) return null;
    return h(
      "section",
      { class: "panel sparks-panel", "aria-labelledby": "sparks-h" },
      h("h2", { id: "sparks-h", class: "vh" }, "Sparks"),
      h("ul", { class: "nodes" }, ...nodes.value.map(spark)),
    );
  }
}

function spark(node: SparkNode): Child {
  const [tone, word] = STATES[node.state];
  const { memory } = node;
  const parts = memory ? memoryParts(node, memory.total_bytes, memory.available_bytes) : [];
  return h(
    "li",
    { class: "node", "data-key": node.name },
    h(
      "div",
      { class: "node-top" },
      h("h3", {}, node.name),
      pill(tone, word),
      h("span", { class: "dim push" }, node.checked_at === null ? "" : checked(node.name, node.checked_at)),
    ),
    memory
      ? [memoryBar(parts, `Memory of ${node.name}`), memoryKey(parts, memory.total_bytes)]
      : h("div", { class: "mem" }),
    (node.reason !== null || node.failure?.advice) &&
      h("p", { class: "node-why" }, node.reason, node.failure?.advice ? ` ${node.failure.advice}` : null),
  );
}

function checked(node: string, iso: string): string {
  const isStale = slots.value.some(
    (slot) => slot.state === "serving" && slot.nodes.includes(node) && (slot.since ?? "") > iso,
  );
  if (isStale) return "checked before the model was ready";
  const seconds = secondsBetween(iso, quarterMinute.value);
  return seconds < 60 ? "checked just now" : `checked ${forHow(seconds)} ago`;
}

/**
 * What vLLM holds is what it was allowed to claim: an estimate, bounded by what is in use at all. A measurement that is
 * older than the model says nothing about it.
 */
function memoryParts(node: SparkNode, total: number, available: number): MemoryPart[] {
  const used = total - available;
  const claimed = slots.value
    .filter((slot) => slot.state === "serving" && (slot.since ?? "") <= (node.checked_at ?? ""))
    .flatMap((slot) =>
      models.value.filter((model) => model.key === slot.model && slot.nodes.slice(0, model.nodes).includes(node.name)),
    )
    .reduce((sum, model) => sum + model.gpu_memory_utilization * total, 0);
  const model = Math.min(claimed, used);
  const free: MemoryPart = { kind: "free", label: "Free", bytes: available };
  if (model === 0) return [{ kind: "other", label: "In use", bytes: used }, free];
  return [
    { kind: "model", label: "Model about", bytes: model },
    { kind: "other", label: "Everything else", bytes: used - model },
    free,
  ];
}
