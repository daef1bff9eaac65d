/** The hero of a slot in which no swap runs. Reads signals. */
import type { Model, Slot } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { fitOf } from "../fits.ts";
import { clockSeconds, clockTime, duration, forHow, secondsBetween } from "../format.ts";
import { memoryParts } from "../memory-parts.ts";
import { changedAt } from "../since.ts";
import { connection, models, nodes, settled, slots, swapObstacle } from "../state.ts";
import { byWhom, onNodes, slotWord } from "../words.ts";
import { nodeMemory } from "./node-memory.ts";
import { whyNot } from "./obstacle.ts";
import { pill, type Tone } from "./pill.ts";
import { slotStats } from "./slot-stats.ts";

const STATES: Readonly<Record<Slot["state"], readonly [Tone, string]>> = {
  serving: ["ok", "Ready"],
  not_answering: ["bad", "Not answering"],
  idle: ["off", "No model loaded"],
  swapping: ["move", "Swapping"],
  unknown: ["unknown", "Unknown"],
};

/** Where a model's name would stand. */
const EMPTY_NAMES: Partial<Record<Slot["state"], string>> = {
  idle: "Nothing is being served",
  unknown: "Not known what is served",
};

export function servedSlot(slot: Slot, headingId: string, whyId: string): Child {
  const [tone, word] = STATES[slot.state];
  const { state: connected, since } = connection.value;
  const lost = connected === "lost";
  return [
    h(
      "div",
      { class: "now-head", "data-key": "head" },
      h(
        "div",
        { class: "now-what" },
        h(
          "p",
          { class: "now-state" },
          lost ? pill("unknown", `Was ${word.toLowerCase()}`) : pill(tone, word),
          h("span", {}, lost ? `when last seen, at ${clockSeconds(since)}` : sinceWhen(slot)),
        ),
        h("h2", { id: headingId }, slot.model_name ?? EMPTY_NAMES[slot.state] ?? "–"),
        h("p", { class: "dim" }, explanation(slot)),
      ),
      actions(slot, whyId),
    ),
    slot.difference && differs(slot.difference),
    slotStats(slot, lost),
    h(
      "div",
      { class: "nodes", "data-key": "nodes" },
      ...nodes.value
        .filter(({ name }) => slot.nodes.includes(name))
        .map((node) => nodeMemory(node, memoryParts(node, { slots: slots.value, models: models.value }))),
    ),
  ];
}

function actions(slot: Slot, whyId: string): Child {
  const obstacle = swapObstacle(slot.name);
  const off = { disabled: obstacle !== null, "aria-describedby": obstacle ? whyId : null };
  const likely = slot.state === "idle" ? likeliest(slot) : undefined;
  const again = slot.state === "not_answering" ? models.value.find(({ key }) => key === slot.model) : undefined;
  const first = likely ?? again;
  return h(
    "div",
    { class: "now-do" },
    obstacle && whyNot(obstacle, whyId),
    first &&
      h(
        "button",
        {
          class: "btn primary",
          type: "button",
          "data-act": "load",
          "data-model": first.key,
          "data-slot": slot.name,
          ...off,
        },
        `Load ${first.name}${again ? " again" : ""}…`,
      ),
    h(
      "button",
      { class: first ? "btn" : "btn primary", type: "button", "data-act": "choose", "data-slot": slot.name, ...off },
      !first && picture("i-swap"),
      likely ? "Choose another…" : "Swap model…",
    ),
  );
}

/** What was loaded here last, else the first that fits. */
function likeliest(slot: Slot): Model | undefined {
  const last = settled.value?.find((job) => job.slot === slot.name && job.state === "ready")?.model;
  const able = models.value.filter(
    (model) => model.nodes <= slot.nodes.length && fitOf(model).verdict !== "does_not_fit",
  );
  return able.find(({ key }) => key === last) ?? able.find(({ availability }) => availability === "on_disk") ?? able[0];
}

function differs({ message, evidence, advice, since }: NonNullable<Slot["difference"]>): Child {
  return h(
    "div",
    { class: "differs", "data-tone": "warn", "data-key": "differs", role: "note" },
    picture("g-warn"),
    h(
      "div",
      {},
      h("p", {}, h("b", {}, message), ` Seen since ${clockTime(since, quarterMinute.value)}.`),
      evidence !== null && h("code", {}, evidence),
      advice !== null && h("p", {}, advice),
    ),
  );
}

function sinceWhen(slot: Slot): string {
  const known = slot.since === null ? null : forHow(secondsBetween(slot.since, quarterMinute.value));
  const changed = changedAt(`slot ${slot.name}`, slot.state);
  const down = slot.difference?.since ?? changed;
  switch (slot.state) {
    case "serving":
      if (known !== null) return `answering for ${known}`;
      return slot.by_hand ? "answering; not started by Spark Control" : "answering";
    case "not_answering":
      return `gives no answer${down ? ` since ${clockTime(down, quarterMinute.value)}` : ""}${known ? `, loaded ${known} ago` : ""}`;
    case "idle":
      return "chat requests are refused";
    case "swapping":
      return "a swap is under way";
    case "unknown":
      return "not looked at yet, or out of reach";
  }
}

function explanation(slot: Slot): string {
  const model = models.value.find(({ key }) => key === slot.model);
  const used = model ? slot.nodes.slice(0, model.nodes) : slot.nodes;
  const place = [slotWord(slot.name), onNodes(used)].filter((part) => part !== "").join(". ");
  if (slot.state === "idle") return `${place} a model can be loaded. Everything else keeps working.`;
  if (slot.state === "not_answering")
    return `${place}. Chat requests get an error that says so. Loading it again helps most often.`;
  if (slot.state === "unknown")
    return `${place}. Spark Control asks again by itself. If this stays so, check that the Sparks are switched on.`;
  if (slot.since === null || !slot.loaded_by) return `${place}.`;
  const at = clockTime(slot.since, quarterMinute.value);
  const last = settled.value?.find((job) => job.slot === slot.name);
  if (last?.rolled_back_to === slot.model && secondsBetween(last.created_at, slot.since) >= 0)
    return `${place}. Put back automatically at ${at}.`;
  const took = slot.load_seconds === null ? "" : ` in ${duration(slot.load_seconds)}`;
  return `${place}. Loaded ${byWhom(slot.loaded_by)} at ${at}${took}.`;
}
