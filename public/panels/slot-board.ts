import type { Slot } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { clockSeconds, forHow, secondsBetween } from "../format.ts";
import { connection, controller, models, running, slots } from "../state.ts";
import { Panel } from "./panel.ts";
import { pill, type Tone } from "./pill.ts";
import { swapProgress } from "./swap-progress.ts";

const STATES: Readonly<Record<Slot["state"], readonly [Tone, string]>> = {
  serving: ["ok", "Ready"],
  not_answering: ["bad", "Not answering"],
  idle: ["off", "Idle"],
  swapping: ["move", "Swapping"],
  unknown: ["unknown", "Unknown"],
};

/** One panel a slot: what it serves, or the swap that owns it now. */
export class SlotBoard extends Panel {
  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    if (slots.value.length === 0) return null;
    return h(
      "div",
      { class: "slots" },
      ...slots.value.map((slot, index) => {
        const job = running.value.find((each) => each.slot === slot.name);
        const heading = `slot-h-${index}`;
        return h(
          "section",
          { class: "panel now", "data-key": `${slot.name} ${job?.job_id ?? ""}`, "aria-labelledby": heading },
          job ? swapProgress(job, heading) : served(slot, heading),
        );
      }),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    const job = running.value.find((each) => each.job_id === origin.dataset.job);
    if (name === "cancel" && job) document.querySelector("cancel-dialog")?.ask(job);
  }
}

function served(slot: Slot, heading: string): Child {
  const [tone, word] = STATES[slot.state];
  const { state: connected, since } = connection.value;
  const lost = connected === "lost";
  return h(
    "div",
    { class: "now-head" },
    h(
      "div",
      { class: "now-what" },
      h(
        "p",
        { class: "now-state" },
        lost ? pill("unknown", `Was ${word.toLowerCase()}`) : pill(tone, word),
        h("span", {}, lost ? `when last seen, at ${clockSeconds(since)}` : sinceWhen(slot)),
      ),
      h("h2", { id: heading }, slot.model_name ?? (slot.state === "idle" ? "No model" : "–")),
      h("p", { class: "dim" }, where(slot)),
    ),
    slot.url !== null &&
      h(
        "dl",
        { class: "address" },
        h("div", {}, h("dt", {}, "Address"), h("dd", {}, h("code", {}, slot.url))),
        slot.served_ids.length > 0 &&
          h("div", {}, h("dt", {}, "Model name"), h("dd", {}, h("code", {}, slot.served_ids.join(", ")))),
      ),
  );
}

function sinceWhen(slot: Slot): string {
  const known = slot.since === null ? null : forHow(secondsBetween(slot.since, quarterMinute.value));
  switch (slot.state) {
    case "serving":
      if (known !== null) return `answering for ${known}`;
      return slot.by_hand ? "answering; not started by Spark Control" : "answering";
    case "not_answering":
      return known === null ? "loaded, but gives no answer" : `loaded ${known} ago, but gives no answer`;
    case "idle":
      return "nothing is served; choose a model below";
    case "swapping":
      return "a swap is under way";
    case "unknown":
      return "not looked at yet, or out of reach";
  }
}

function where(slot: Slot): string {
  const model = models.value.find(({ key }) => key === slot.model);
  const used = model ? slot.nodes.slice(0, model.nodes) : slot.nodes;
  const many = slots.value.length > 1 ? `Slot ${slot.name}. ` : "";
  return `${many}On ${used.join(" and ")}.`;
}
