/** A swap that runs: what, how far, how long still, its memory and its log. */
import type { Model, SwapJob } from "../api.ts";
import { second } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { about, clockSeconds, clockTime, duration, secondsBetween } from "../format.ts";
import { loadingParts } from "../memory-parts.ts";
import { connection, controller, modelName, models, nodes, settled } from "../state.ts";
import { byWhom, onNodes, slotWord } from "../words.ts";
import { drainNote } from "./drain-note.ts";
import { nodeMemory } from "./node-memory.ts";
import { phaseBar } from "./phase-bar.ts";
import { stepsOf, usualSteps, wordOf } from "./phases.ts";
import { pill } from "./pill.ts";
import { STALL_ADVICE, stallOf } from "./stall.ts";

/** The former model is not touched yet. */
const STILL_ANSWERING: ReadonlySet<string> = new Set(["planned", "draining"]);

export function swapProgress(job: SwapJob, headingId: string): Child {
  const now = second.value;
  const percent = Math.round(job.progress * 100);
  const back = job.leg === "rollback";
  const target = back && job.previous_model !== null ? job.previous_model : job.model;
  const model = models.value.find(({ key }) => key === target);
  const elapsed = secondsBetween(job.created_at, now);
  const whole = model?.load_seconds_estimate ?? (job.eta_seconds === null ? null : elapsed + job.eta_seconds);
  const usual = usualSteps(target, settled.value ?? [], whole);
  const steps = stepsOf(job, now, usual);
  const cancelling = job.phase === "cancelling";
  const lost = connection.value.state === "lost";
  const stall = lost ? null : stallOf(job, controller.value?.stallSeconds ?? null);
  const word = wordOf(job);
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
          lost ? pill("unknown", `Was ${word.toLowerCase()}`) : pill("move", word),
          h("span", {}, lost ? `when last seen, at ${clockSeconds(connection.value.since)}` : answering(job)),
        ),
        h("h2", { id: headingId }, modelName(target), replaces(job, target)),
        h("p", { class: "dim" }, explanation(job, now)),
      ),
      h(
        "div",
        { class: "eta" },
        h(
          "p",
          {},
          job.eta_seconds === null || stall !== null ? h("b", {}, "–") : [h("b", {}, about(job.eta_seconds)), " left"],
        ),
        h("p", { class: "dim" }, forecast(stall === null ? job : { ...job, eta_seconds: null }, model)),
      ),
      h(
        "div",
        { class: "now-do" },
        h(
          "button",
          { class: "btn", type: "button", "data-act": "cancel", "data-job": job.job_id, disabled: cancelling || lost },
          cancelling ? "Cancelling" : "Cancel swap…",
        ),
      ),
    ),
    drainNote(job),
    stall !== null &&
      h(
        "div",
        { class: "differs", "data-tone": "warn", "data-key": "stall", role: "note" },
        picture("g-warn"),
        h("div", {}, h("p", {}, h("b", {}, stall)), h("p", {}, STALL_ADVICE)),
      ),
    h(
      "div",
      { class: "progress", "data-key": "progress" },
      h(
        "div",
        {
          role: "progressbar",
          "aria-label": `Progress of ${job.model_name}`,
          "aria-valuemin": 0,
          "aria-valuemax": 100,
          "aria-valuenow": percent,
          "aria-valuetext": `${percent} %`,
        },
        phaseBar(steps, "Steps of the swap"),
      ),
      h(
        "p",
        { class: "vh", role: "status" },
        `${job.model_name}: ${steps.find((step) => step.state === "now")?.name ?? word}${stall === null ? "" : ", no progress"}`,
      ),
    ),
    h(
      "div",
      { class: "nodes", "data-key": "nodes" },
      ...nodes.value
        .filter(({ name }) => job.nodes.includes(name))
        .map((node) => nodeMemory(node, loadingParts(node, job, model))),
    ),
    h("swap-log", { class: "logbox", "data-key": job.job_id, "data-job": job.job_id }),
  ];
}

function answering(job: SwapJob): string {
  if (STILL_ANSWERING.has(job.state) && job.previous_model !== null)
    return `${modelName(job.previous_model)} still answers`;
  const stopping = job.phases.find(({ name }) => name === "stopping");
  if (job.previous_model === null || !stopping) return "no model is answering";
  return `no model is answering since ${clockSeconds(stopping.started_at)}`;
}

function replaces(job: SwapJob, target: string): Child {
  if (job.leg === "rollback") {
    // Without a failure it was stopped from outside.
    const why =
      job.failure === null ? `the swap to ${job.model_name} was cancelled` : `${job.model_name} did not get ready`;
    return [" ", h("span", { class: "h-sub" }, `again, because ${why}`)];
  }
  if (job.previous_model === null || job.previous_model === target) return null;
  return [" ", h("span", { class: "h-sub" }, `replaces ${modelName(job.previous_model)}`)];
}

function explanation(job: SwapJob, now: number): string {
  const slot = slotWord(job.slot);
  const started = `Started ${byWhom(job.requested_by)} at ${clockSeconds(job.created_at)}, ${duration(secondsBetween(job.created_at, now))} ago.`;
  // Why it goes back, or what it waits for.
  const told = job.reason ?? job.restores?.failure.message;
  const why = told ? ` ${told}` : "";
  return `${slot === "" ? "" : `${slot}. `}${onNodes(job.nodes)}. ${started}${why}`;
}

function forecast(job: SwapJob, model: Model | undefined): string {
  const percent = `${Math.round(job.progress * 100)} %`;
  if (job.eta_seconds === null) return percent;
  const ready = clockTime(Date.parse(job.updated_at) + job.eta_seconds * 1000, second.value);
  return `${percent}, ready at about ${ready}, going by ${model?.last_load_seconds == null ? "its size" : "earlier loads"}`;
}
