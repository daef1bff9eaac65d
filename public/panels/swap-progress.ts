/** A swap that runs: what, how far, how long still, and its log. */
import type { SwapJob } from "../api.ts";
import { second } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { about, clockTime, duration, secondsBetween } from "../format.ts";
import { connection, modelName } from "../state.ts";
import { type Step, stepsOf, wordOf } from "./phases.ts";
import { pill } from "./pill.ts";

/** The former model is not touched yet. */
const STILL_ANSWERING: ReadonlySet<string> = new Set(["planned", "draining"]);
const GLYPHS = { done: "g-done", now: "g-move", todo: "g-off" } as const;

export function swapProgress(job: SwapJob, headingId: string): Child {
  const now = second.value;
  const percent = Math.round(job.progress * 100);
  const steps = stepsOf(job, now);
  const back = job.leg === "rollback";
  const cancelling = job.phase === "cancelling";
  const lost = connection.value.state === "lost";
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
          pill("move", lost ? `Was ${wordOf(job).toLowerCase()}` : wordOf(job)),
          h(
            "span",
            {},
            `since ${clockTime(job.created_at, now)}, for ${duration(secondsBetween(job.created_at, now))}`,
          ),
        ),
        h("h2", { id: headingId }, back && job.previous_model ? modelName(job.previous_model) : job.model_name),
        h("p", { class: "dim" }, explanation(job)),
      ),
      h(
        "div",
        { class: "eta" },
        h("p", {}, job.eta_seconds === null ? h("b", {}, "–") : [h("b", {}, about(job.eta_seconds)), " left"]),
        h("p", { class: "dim" }, `${percent} % loaded`),
      ),
      h(
        "button",
        { class: "btn", type: "button", "data-act": "cancel", "data-job": job.job_id, disabled: cancelling || lost },
        cancelling ? "Cancelling" : "Cancel…",
      ),
    ),
    h(
      "div",
      { class: "progress", "data-key": "progress" },
      h("progress", { max: 100, value: percent, "aria-label": `Progress of ${job.model_name}` }, `${percent} %`),
      h("ol", { class: "phases" }, ...steps.map(phase)),
      h("p", { class: "vh", role: "status" }, `${job.model_name}: ${currentName(steps)}`),
    ),
    h("swap-log", { "data-key": job.job_id, "data-job": job.job_id }),
  ];
}

function explanation(job: SwapJob): string {
  const places = job.nodes.join(" and ");
  const former = job.previous_model === null ? null : modelName(job.previous_model);
  if (job.leg === "rollback")
    return `${former ?? "The previous model"} is put back, because ${job.model_name} did not get ready. ${job.reason ?? ""}`;
  const answers = STILL_ANSWERING.has(job.state) ? "" : " Nothing answers there until it is ready.";
  if (former !== null && job.previous_model !== job.model) return `Replaces ${former}, on ${places}.${answers}`;
  return `On ${places}.${answers}`;
}

function phase(step: Step): Child {
  return h(
    "li",
    { "data-s": step.state, "data-key": step.name, "aria-current": step.state === "now" ? "step" : null },
    picture(GLYPHS[step.state]),
    h("span", { class: "ph-name" }, step.name),
    h("span", { class: "ph-time" }, step.seconds === null ? "–" : duration(step.seconds)),
  );
}

function currentName(steps: readonly Step[]): string {
  return steps.find((step) => step.state === "now")?.name ?? "";
}
