/** A plan in plain words, with the memory before and after. */
import type { Plan } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { gb } from "../format.ts";
import { memoryBar } from "./memory-bar.ts";

export function planView(plan: Plan): Child {
  const notes = new Set([...plan.blockers, ...plan.warnings].map(({ message }) => message));
  const [lead, ...more] = plan.summary.filter((sentence) => !notes.has(sentence));
  return [
    h("p", { class: "lead", "data-key": "lead" }, lead),
    more.length > 0 &&
      h("ul", { class: "plan-more", "data-key": "more" }, ...more.map((sentence) => h("li", {}, sentence))),
    ...plan.blockers.map((each) => note("bad", each)),
    ...plan.warnings.map((each) => note("warn", each)),
    plan.memory.length > 0 &&
      h(
        "div",
        { class: "plan-memory", "data-key": "memory" },
        ...plan.memory.map((each) => nodeMemory(each, plan.starts.name)),
      ),
    plan.commands.length > 0 &&
      h(
        "details",
        { class: "commands", "data-key": "commands" },
        h("summary", {}, "Exact commands"),
        ...plan.commands.map(({ node, command }) => [
          h("p", { class: "dim" }, node),
          h("pre", { tabindex: 0 }, h("code", {}, command)),
        ]),
      ),
  ];
}

function note(tone: "bad" | "warn", { code, message, evidence, advice }: Plan["blockers"][number]): Child {
  return h(
    "div",
    {
      class: "plan-note",
      "data-tone": tone,
      "data-key": `${code} ${message}`,
      role: tone === "bad" ? "alert" : "note",
    },
    picture(`g-${tone}`),
    h(
      "div",
      {},
      h("p", {}, h("b", {}, message)),
      evidence !== null && h("p", { class: "dim" }, evidence),
      advice !== null && h("p", {}, advice),
    ),
  );
}

function nodeMemory(memory: Plan["memory"][number], name: string): Child {
  const { node, total_bytes: total, available_bytes: available, available_after_stop_bytes: afterStop } = memory;
  const now = [
    { kind: "other", label: "In use", bytes: total - available },
    { kind: "free", label: "Free", bytes: available },
  ] as const;
  const after = [
    { kind: "model", label: name, bytes: memory.needed_bytes },
    { kind: "other", label: "Everything else", bytes: total - afterStop },
    { kind: "free", label: "Free", bytes: Math.max(memory.spare_bytes, 0) },
  ] as const;
  return h(
    "section",
    { "data-key": node },
    h("h3", {}, node),
    h("div", { class: "plan-bar" }, h("span", {}, "Now"), memoryBar(now, `${node} now`)),
    h("div", { class: "plan-bar" }, h("span", {}, "After"), memoryBar(after, `${node} after the swap`)),
    h(
      "p",
      { class: "dim" },
      memory.spare_bytes < 0
        ? `${gb(memory.needed_bytes)} GB for the model, ${gb(afterStop)} GB there`
        : `${gb(memory.needed_bytes)} GB for the model, ${gb(total - afterStop)} GB for everything else, ${gb(memory.spare_bytes)} GB free`,
    ),
  );
}
