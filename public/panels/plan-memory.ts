/** One Spark's memory now and after a swap, as two bars of one scale. Reads signals. */
import type { Model, Plan } from "../api.ts";
import { type Child, h } from "../dom.ts";
import { gb } from "../format.ts";
import { type MemoryPart, memoryBar } from "./memory-bar.ts";

export function planMemory(memory: Plan["memory"][number], plan: Plan, model: Model | undefined): Child {
  const { node, total_bytes: total, available_bytes: available, available_after_stop_bytes: afterStop } = memory;
  const others = total - afterStop;
  const freed = Math.max(0, afterStop - available);
  const leaving = plan.stops.filter(({ nodes }) => nodes.includes(node)).map(({ name }) => name);
  const weights = memory.weights_bytes ?? memory.needed_bytes;
  const fits = memory.spare_bytes >= 0;
  const isTight = plan.warnings.some(({ code, message }) => code === "tight" && message.endsWith(` ${node}.`));
  const now: MemoryPart[] = [
    { kind: "gone", label: leaving.join(" and ") || "Given back", bytes: freed, caption: leaving.join(", ") },
    { kind: "other", label: "Everything else", bytes: Math.max(0, total - available - freed) },
    { kind: "free", label: "Free", bytes: available },
  ];
  const room = fits ? memory.needed_bytes : afterStop;
  const after: MemoryPart[] = [
    {
      kind: fits && !isTight ? "model" : "tight",
      label: plan.starts.name,
      bytes: Math.min(weights, room),
      caption: fits ? plan.starts.name : "",
    },
    { kind: "ctx", label: "Its working space", bytes: Math.max(0, room - weights) },
    { kind: "other", label: "Everything else", bytes: others },
    { kind: "free", label: "Free", bytes: Math.max(memory.spare_bytes, 0) },
  ];
  const share = model?.nodes === 2 ? "its half of the model" : "the model";
  return h(
    "div",
    { class: "ba", "data-key": node },
    h("h4", {}, node),
    h("div", { class: "ba-row" }, h("span", {}, "Now"), memoryBar(now, `${node} now`, "big")),
    h("div", { class: "ba-row" }, h("span", {}, "After"), memoryBar(after, `${node} after the swap`, "big")),
    h(
      "p",
      { class: "dim" },
      fits
        ? `${gb(memory.needed_bytes)} GB for ${share}, ${gb(others)} GB for everything else`
        : `${gb(memory.needed_bytes)} GB wanted, ${gb(afterStop)} GB there`,
    ),
  );
}
