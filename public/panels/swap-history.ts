import type { SwapJob } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { clockTime, duration, secondsBetween } from "../format.ts";
import { modelName, settled } from "../state.ts";
import { Panel } from "./panel.ts";
import { pill, type Tone } from "./pill.ts";

const STATES: Readonly<Record<string, readonly [Tone, string]>> = {
  ready: ["ok", "Ready"],
  failed: ["bad", "Failed"],
  cancelled: ["off", "Cancelled"],
  unknown: ["unknown", "Unknown"],
};

/** The last swaps, newest first. */
export class SwapHistory extends Panel {
  protected render(): Child | undefined {
    const swaps = settled.value;
    if (swaps === null) return undefined;
    return h(
      "section",
      { class: "panel history", "aria-labelledby": "history-h" },
      h("header", { class: "panel-head" }, h("h2", { id: "history-h" }, "Last swaps")),
      swaps.length === 0
        ? h("p", { class: "pad dim" }, "No swap yet. The first one shows up here.")
        : h("ul", { class: "swaps" }, ...swaps.map(entry)),
    );
  }
}

function entry(job: SwapJob): Child {
  const [tone, word] = STATES[job.state] ?? ["unknown", job.state];
  const took = job.ended_at === null ? "" : `, took ${duration(secondsBetween(job.created_at, job.ended_at))}`;
  return h(
    "li",
    { "data-key": job.job_id },
    h("p", { class: "sw-model" }, job.model_name),
    pill(tone, word),
    h(
      "p",
      { class: "dim" },
      h("time", { datetime: job.created_at }, clockTime(job.created_at, quarterMinute.value)),
      took,
    ),
    job.state !== "ready" && h("p", { class: "sw-why" }, outcome(job)),
  );
}

function outcome(job: SwapJob): string {
  const reason = job.state === "cancelled" ? "" : (job.reason ?? "The outcome is not known.");
  const back = job.rolled_back_to === null ? "" : `${modelName(job.rolled_back_to)} was put back.`;
  return [reason, back].filter((part) => part !== "").join(" ");
}
