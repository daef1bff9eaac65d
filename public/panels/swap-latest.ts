import type { SwapJob } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime, dayMonth, duration, secondsBetween } from "../format.ts";
import { modelName, running, settled } from "../state.ts";
import { byWhom } from "../words.ts";
import { outcomeOf } from "./outcome.ts";
import { Panel } from "./panel.ts";

const SHOWN = 6;

/** What happened last, newest first. */
export class SwapLatest extends Panel {
  protected render(): Child | undefined {
    const past = settled.value;
    if (past === null) return undefined;
    const shown = [...running.value, ...past].slice(0, SHOWN);
    return h(
      "section",
      { class: "panel", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Latest"),
        h("a", { class: "more", href: "/activity" }, "Activity", picture("i-chevron")),
      ),
      shown.length === 0
        ? h("p", { class: "pad dim" }, "No swap yet. The first one shows up here with its log.")
        : h("ul", { class: "events" }, ...shown.map(entry)),
    );
  }
}

function entry(job: SwapJob): Child {
  const { tone } = outcomeOf(job);
  return h(
    "li",
    { "data-key": job.job_id, "data-tone": tone },
    h("time", { datetime: job.ended_at ?? job.created_at }, shortTime(job.ended_at ?? job.created_at)),
    picture(`g-${tone}`),
    h("p", {}, h("a", { href: `/activity/${job.job_id}` }, sentence(job)), h("span", { class: "dim" }, detail(job))),
  );
}

function shortTime(iso: string): string {
  const now = quarterMinute.value;
  const time = clockTime(iso, now);
  return time.length <= 5 ? time : dayMonth(new Date(iso));
}

function sentence(job: SwapJob): Child {
  const name = h("b", {}, job.model_name);
  switch (job.state) {
    case "ready":
      return ["Swapped to ", name];
    case "failed":
      return ["Swap to ", name, " failed"];
    case "cancelled":
      return ["Swap to ", name, " cancelled"];
    case "unknown":
      return ["How the swap to ", name, " ended is not known"];
    default:
      return ["Swapping to ", name];
  }
}

function detail(job: SwapJob): string {
  if (job.ended_at === null) return `started ${byWhom(job.requested_by)}`;
  if (job.died) return job.reason ?? job.died.failure.message;
  if (job.state === "ready")
    return `${duration(secondsBetween(job.created_at, job.ended_at))}, ${byWhom(job.requested_by)}`;
  const back = job.rolled_back_to === null ? "" : ` ${modelName(job.rolled_back_to)} is back.`;
  return `${job.reason ?? ""}${back}`.trim();
}
