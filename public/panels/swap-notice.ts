import type { SwapJob } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime, duration, secondsBetween } from "../format.ts";
import { dismiss, dismissed, modelName, running, settled } from "../state.ts";
import { Panel } from "./panel.ts";

/** An older result is history, not news. */
const NEWS_SECONDS = 30 * 60;

const TONES = { ready: "ok", failed: "bad", cancelled: "off", unknown: "unknown" } as const;
type Tone = (typeof TONES)[keyof typeof TONES];

/** How the last swap ended, until it is put away or another one begins. */
export class SwapNotice extends Panel {
  protected render(): Child {
    const job = settled.value?.[0];
    if (!job?.ended_at || job.job_id === dismissed.value || running.value.some(({ slot }) => slot === job.slot))
      return null;
    if (secondsBetween(job.ended_at, quarterMinute.value) > NEWS_SECONDS) return null;
    const tone: Tone =
      job.state === "ready" || job.state === "failed" || job.state === "cancelled" ? TONES[job.state] : "unknown";
    return h(
      "section",
      { class: "notice", "data-tone": tone, "data-key": job.job_id, "aria-labelledby": "notice-h" },
      h(
        "div",
        { role: "status" },
        h("p", { class: "eyebrow" }, picture(`g-${tone}`), timing(job, job.ended_at)),
        h("h2", { id: "notice-h" }, headline(job)),
        job.state !== "ready" && job.failure && h("p", {}, job.failure.message),
        aftermath(job),
      ),
      job.failure?.evidence &&
        h(
          "figure",
          { class: "evidence" },
          h("figcaption", {}, "Evidence"),
          h("pre", { tabindex: 0 }, h("code", {}, job.failure.evidence)),
        ),
      job.failure?.advice && h("p", { class: "advice" }, h("b", {}, "What you can do: "), job.failure.advice),
      job.state !== "ready" &&
        h(
          "details",
          { class: "whole-log" },
          h("summary", {}, "The whole log"),
          h("swap-log", { "data-key": job.job_id, "data-job": job.job_id }),
        ),
      h(
        "button",
        {
          class: "btn icon-only notice-x",
          type: "button",
          "data-act": "dismiss",
          "data-job": job.job_id,
          "aria-label": "Hide this message",
        },
        picture("i-x"),
      ),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    if (name === "dismiss" && origin.dataset.job) dismiss(origin.dataset.job);
  }
}

function timing(job: SwapJob, endedAt: string): string {
  const at = clockTime(endedAt, quarterMinute.value);
  const took = duration(secondsBetween(job.created_at, endedAt));
  const verbs = { ready: "finished", failed: "failed", cancelled: "cancelled" } as const;
  const verb =
    job.state === "ready" || job.state === "failed" || job.state === "cancelled" ? verbs[job.state] : "ended";
  return `Swap ${verb} at ${at}, after ${took}.`;
}

function headline(job: SwapJob): string {
  switch (job.state) {
    case "ready":
      return `${job.model_name} is answering`;
    case "failed":
      return `${job.model_name} did not start`;
    case "cancelled":
      return `The swap to ${job.model_name} was cancelled`;
    default:
      return `How the swap to ${job.model_name} ended is not known`;
  }
}

function aftermath(job: SwapJob): Child {
  if (job.state === "ready") return null;
  if (job.rolled_back_to !== null) return h("p", {}, `${modelName(job.rolled_back_to)} is back and answers.`);
  if (job.state === "unknown")
    return h("p", {}, "Look at the Sparks before the next swap: something may still run there.");
  return null;
}
