/** One Spark within a hero: is it well, and who holds its memory. */
import type { SparkNode } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { clockTime, forHow, secondsBetween } from "../format.ts";
import { nodeChangedAt } from "../since.ts";
import { cards, connection } from "../state.ts";
import { ownReason } from "../words.ts";
import { type MemoryPart, memoryBar, memoryKey } from "./memory-bar.ts";
import { pill, type Tone } from "./pill.ts";

const OLD_SECONDS = 60;

const NODE_STATES: Readonly<Record<SparkNode["state"], readonly [Tone, string]>> = {
  reachable: ["ok", "Healthy"],
  unreachable: ["bad", "Not reachable"],
  misconfigured: ["warn", "Entry cannot be used"],
  unknown: ["unknown", "Not looked at yet"],
};

export function nodeMemory(node: SparkNode, parts: readonly MemoryPart[]): Child {
  return h(
    "div",
    { class: "node", role: "group", "aria-label": node.name, "data-key": node.name },
    h(
      "div",
      { class: "node-top" },
      h("h3", {}, node.name),
      nodePill(node),
      readings(node) ?? h("span", { class: "dim push" }, checkedWhen(node)),
    ),
    memoryBar(parts, `Memory of ${node.name}`),
    h(
      "div",
      { class: "node-bot" },
      node.memory ? memoryKey(parts, node.memory.total_bytes) : h("p", { class: "mem-key" }, "–"),
    ),
    node.reason !== null &&
      h("p", { class: "node-why" }, ownReason(node), node.failure?.advice ? ` ${node.failure.advice}` : null),
  );
}

/** "GPU 64 % 61 °C 48 W"; null while they are not known or old. Reads signals. */
function readings({ name, state, checked_at: at }: SparkNode): Child {
  if (state !== "reachable" || connection.value.state === "lost") return null;
  if (at === null || secondsBetween(at, quarterMinute.value) >= OLD_SECONDS) return null;
  const gpu = cards.value?.find((card) => card.name === name)?.gpu;
  if (!gpu || gpu.percent === null) return null;
  const reading = (value: number | null, unit: string, before = "") =>
    value !== null && h("span", {}, before, h("b", {}, Math.round(value)), h("span", { class: "unit" }, ` ${unit}`));
  return h(
    "span",
    { class: "readings push" },
    reading(gpu.percent, "%", "GPU "),
    reading(gpu.celsius, "°C"),
    reading(gpu.watts, "W"),
  );
}

/** "Healthy"; "Was healthy" while there is no connection; since when it is not. Reads signals. */
export function nodePill(node: SparkNode): Child {
  const [tone, word] = NODE_STATES[node.state];
  if (connection.value.state === "lost") return pill("unknown", `Was ${word.toLowerCase()}`);
  const changed = tone === "bad" ? nodeChangedAt(node) : null;
  return pill(tone, changed === null ? word : `${word} since ${clockTime(changed, quarterMinute.value)}`);
}

/** "checked 4 min ago", "when last seen". Reads signals. */
export function checkedWhen({ checked_at: at }: SparkNode): string {
  if (at === null) return "";
  if (connection.value.state === "lost") return "when last seen";
  const seconds = secondsBetween(at, quarterMinute.value);
  return seconds < OLD_SECONDS ? "checked just now" : `checked ${forHow(seconds)} ago`;
}
