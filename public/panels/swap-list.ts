import type { SwapJob } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h, picture, withProperties } from "../dom.ts";
import { dayTime, duration, secondsBetween } from "../format.ts";
import { running, settled } from "../state.ts";
import { slotWord, whoOf } from "../words.ts";
import { outcomeOf, outcomeSentence } from "./outcome.ts";
import { Panel } from "./panel.ts";
import { barOf } from "./phases.ts";
import { pill } from "./pill.ts";

const LEGEND = [
  ["drain", "Finish and stop"],
  ["load", "Load"],
  ["warm", "Warm up and check"],
] as const;

/** Every swap that the page knows, newest first, with where its time went. */
export class SwapList extends Panel {
  protected render(): Child | undefined {
    const past = settled.value;
    if (past === null) return undefined;
    const all = [...running.value, ...past];
    const longest = Math.max(...all.map((job) => barOf(job).reduce((sum, { seconds }) => sum + seconds, 0)), 1);
    return h(
      "section",
      { class: "panel", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Swaps"),
        h(
          "ul",
          { class: "legend", "aria-hidden": "true" },
          ...LEGEND.map(([kind, word]) => h("li", { "data-k": kind }, h("i"), word)),
        ),
      ),
      all.length === 0
        ? h(
            "div",
            { class: "empty" },
            h("p", {}, "No swap yet."),
            h("p", { class: "dim" }, "The first one shows up here with its log."),
          )
        : h("ul", { class: "swaps" }, ...all.map((job) => row(job, longest))),
    );
  }
}

function row(job: SwapJob, longest: number): Child {
  const { tone, word } = outcomeOf(job);
  const parts = barOf(job).filter(({ seconds }) => seconds > 0);
  const words = parts.map(({ kind, seconds }) => `${LEGEND.find(([name]) => name === kind)?.[1]} ${duration(seconds)}`);
  const why = outcomeSentence(job);
  return h(
    "li",
    { "data-key": job.job_id },
    h(
      "a",
      { class: "row", href: `/activity/${job.job_id}` },
      h("time", { datetime: job.created_at }, dayTime(job.created_at, quarterMinute.value)),
      h(
        "span",
        {},
        h("b", {}, job.model_name),
        h(
          "span",
          { class: "dim" },
          [slotWord(job.slot), whoOf(job.requested_by)].filter((part) => part !== "").join(", "),
        ),
      ),
      h(
        "span",
        { class: "sw-bar", role: "img", "aria-label": words.join(", ") || "No time spent" },
        ...parts.map(({ kind, seconds }) =>
          withProperties(h("i", { "data-k": kind }), { "--part": seconds / longest }),
        ),
      ),
      h(
        "span",
        { class: "sw-took" },
        job.ended_at === null
          ? `${Math.round(job.progress * 100)} %`
          : duration(secondsBetween(job.created_at, job.ended_at)),
      ),
      pill(tone, word),
      picture("i-chevron"),
      why !== "" && h("span", { class: "sw-why" }, why),
    ),
  );
}
