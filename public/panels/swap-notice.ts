import type { SwapJob } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { askSwap } from "../dialogs.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime, duration, secondsBetween } from "../format.ts";
import { connection, dismiss, dismissed, modelName, models, running, settled, slots, swapObstacle } from "../state.ts";
import { evidence } from "./evidence.ts";
import { whyNot } from "./obstacle.ts";
import { outcomeOf } from "./outcome.ts";
import { Panel } from "./panel.ts";
import { endedSteps } from "./phases.ts";

/** An older result is history, not news. */
const NEWS_SECONDS = 30 * 60;
/** Less than this is not worth a comparison. */
const NOTABLE_SECONDS = 5;

/** Failures whose remedy is a change of the model's entry. */
const IN_MODELS: ReadonlySet<string> = new Set(["out_of_memory", "arguments_refused"]);

/** How the last swap ended, until it is put away or another one begins. */
export class SwapNotice extends Panel {
  protected render(): Child | undefined {
    if (settled.value === null) return undefined;
    const job = settled.value[0];
    if (!job?.ended_at || job.job_id === dismissed.value || running.value.some(({ slot }) => slot === job.slot))
      return null;
    if (secondsBetween(job.ended_at, quarterMinute.value) > NEWS_SECONDS) return null;
    // What was a success then must not stand above a model that is down now, or above a view that is old.
    if (job.state === "ready" && (connection.value.state === "lost" || !serves(job.slot, job.model))) return null;
    const { tone } = outcomeOf(job);
    const slim = job.state === "ready" || (job.state === "cancelled" && !job.failure);
    return h(
      "section",
      {
        class: slim ? "notice slim" : "notice",
        "data-tone": tone,
        "data-key": job.job_id,
        "aria-labelledby": this.idOf("h"),
      },
      h(
        "div",
        { class: "notice-what" },
        h(
          "div",
          { role: "status" },
          h("p", { class: "eyebrow", "data-tone": tone }, picture(`g-${tone}`), timing(job, job.ended_at)),
          h("h2", { id: this.idOf("h") }, headline(job)),
          sentences(job, job.ended_at).map((sentence) => h("p", { class: "dim" }, sentence)),
        ),
        job.failure && evidence(job.failure, h("a", { href: `/activity/${job.job_id}` }, "Show the whole log")),
      ),
      slim
        ? h(
            "div",
            { class: "notice-try" },
            h("a", { class: "btn", href: `/activity/${job.job_id}` }, "Show the log"),
            hide(job),
          )
        : advice(job, this.idOf("why")),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    if (name === "dismiss" && origin.dataset.job) dismiss(origin.dataset.job);
    if (name === "swap" && origin.dataset.model) askSwap(origin.dataset.model, origin.dataset.slot);
  }
}

const hide = (job: SwapJob): Child =>
  h(
    "button",
    {
      class: "btn icon-only notice-x",
      type: "button",
      "data-act": "dismiss",
      "data-job": job.job_id,
      "aria-label": "Hide this message. It stays in Activity.",
    },
    picture("i-x"),
  );

function advice(job: SwapJob, whyId: string): Child {
  const obstacle = swapObstacle(job.slot);
  const button = (model: string, word: string) =>
    h(
      "button",
      {
        class: "btn",
        type: "button",
        "data-act": "swap",
        "data-model": model,
        "data-slot": job.slot,
        disabled: obstacle !== null,
        "aria-describedby": obstacle ? whyId : null,
      },
      word,
    );
  const again = models.value.some(({ key }) => key === job.model);
  const former = job.previous_model;
  const canReturn =
    former !== null &&
    former !== job.model &&
    job.rolled_back_to === null &&
    !stillThere(job) &&
    models.value.some(({ key }) => key === former);
  return h(
    "div",
    { class: "notice-try" },
    h("h3", {}, "What you can do"),
    obstacle && (canReturn || again) && whyNot(obstacle, whyId),
    h(
      "ol",
      {},
      job.failure?.advice &&
        h(
          "li",
          {},
          h("p", {}, job.failure.advice),
          IN_MODELS.has(job.failure.code) &&
            h("div", { class: "acts" }, h("a", { class: "btn", href: "/models" }, "Open Models")),
        ),
      canReturn &&
        h(
          "li",
          {},
          h("p", {}, h("b", {}, "Go back"), ` to ${modelName(former)}, which ran before.`),
          h("div", { class: "acts" }, button(former, `Back to ${modelName(former)}…`)),
        ),
      again &&
        h(
          "li",
          {},
          h("p", {}, h("b", {}, "Try again."), " The plan looks at the Sparks first."),
          h("div", { class: "acts" }, button(job.model, "Try again…")),
        ),
    ),
    hide(job),
  );
}

/** The swap ended before anything was stopped. Reads a signal. */
function stillThere({ slot, previous_model: former }: SwapJob): boolean {
  return former !== null && serves(slot, former);
}

/** Reads a signal. */
function serves(slot: string, model: string): boolean {
  return slots.value.some((each) => each.name === slot && each.model === model && each.state === "serving");
}

/** What it was doing when it failed, by the steps of phases.ts. */
const DOING: Readonly<Record<string, string>> = {
  Check: "checking",
  "Finish requests": "finishing requests",
  Stop: "stopping",
  Start: "starting",
  "Load weights": "loading weights",
  "Warm up": "warming up",
  Test: "testing",
};

function whileDoing(job: SwapJob): string {
  const doing = DOING[endedSteps(job).at(-1)?.name ?? ""];
  return doing === undefined ? "" : ` while ${doing}`;
}

/** Not while a stop could not be verified, or another controller's Spark was left alone. */
function isCleanedUp({ state, failure, phases }: SwapJob): boolean {
  if (state === "cancelled") return true;
  return state === "failed" && failure?.code !== "fenced" && phases.at(-1)?.name !== "stopping";
}

function timing(job: SwapJob, endedAt: string): string {
  const at = clockTime(endedAt, quarterMinute.value);
  const took = duration(secondsBetween(job.created_at, endedAt));
  const verb =
    job.state === "ready"
      ? "finished"
      : job.state === "failed"
        ? `failed${whileDoing(job)}`
        : job.state === "cancelled"
          ? "cancelled"
          : "ended";
  const clean = isCleanedUp(job) ? " Nothing is left half running." : "";
  if (job.state === "ready") return `Swap finished at ${at}`;
  return `Swap ${verb} at ${at}, after ${took}.${clean}`;
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

function sentences(job: SwapJob, endedAt: string): string[] {
  const took = secondsBetween(job.created_at, endedAt);
  const why = job.restores ? [job.restores.failure.message] : [];
  if (job.state === "ready") return [...why, `It took ${duration(took)}${comparison(job, took)}.`];
  const said = [...why, ...(job.state !== "cancelled" && job.failure ? [job.failure.message] : [])];
  const former = job.previous_model;
  if (job.rolled_back_to !== null) {
    const answers = serves(job.slot, job.rolled_back_to);
    said.push(`${modelName(job.rolled_back_to)} ${answers ? "is back and answers" : "was loaded again"}.`);
  } else if (former !== null && stillThere(job))
    said.push(`${modelName(former)} was not stopped and goes on answering.`);
  if (job.rollback_failure !== null && former !== null)
    said.push(`${modelName(former)} could not be loaded again: ${job.rollback_failure.message}`);
  if (job.state === "unknown") said.push("Look at the Sparks before the next swap: something may still run there.");
  return said;
}

/** Against the loads before it. */
function comparison(job: SwapJob, took: number): string {
  const before = (settled.value ?? []).find(
    (each) => each !== job && each.model === job.model && each.state === "ready",
  );
  if (!before?.ended_at) return "";
  const less = secondsBetween(before.created_at, before.ended_at) - took;
  if (Math.abs(less) < NOTABLE_SECONDS) return ", as long as the last time";
  return `, ${duration(Math.abs(less))} ${less > 0 ? "less" : "more"} than the last time`;
}
