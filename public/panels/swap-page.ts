import { fetchSwap, Refused, type SwapJob } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { askSwap } from "../dialogs.ts";
import { type Child, h } from "../dom.ts";
import { clockTime, duration, secondsBetween } from "../format.ts";
import { place } from "../router.ts";
import { controller, knownSwap, modelName, swapObstacle } from "../state.ts";
import { signal } from "../store.ts";
import { byWhom, onNodes, slotWord } from "../words.ts";
import { cancelQuestion } from "./cancel-question.ts";
import { answeredDrain } from "./drain-note.ts";
import { evidence } from "./evidence.ts";
import { whyNot } from "./obstacle.ts";
import { outcomeOf, outcomeSentence } from "./outcome.ts";
import { Panel } from "./panel.ts";
import { phaseBar } from "./phase-bar.ts";
import { endedSteps } from "./phases.ts";
import { pill } from "./pill.ts";
import { swapProgress } from "./swap-progress.ts";

/** One swap on a page of its own: phases, failure, log. */
export class SwapPage extends Panel {
  /** What was asked for beyond what the page keeps; a sentence when there is no such swap. */
  #found = signal<SwapJob | string | null>(null);
  #asked: string | null = null;

  protected render(): Child | undefined {
    const { id } = place.value;
    if (id === null) return undefined;
    const found = this.#found.value;
    const job = knownSwap(id) ?? (typeof found === "object" && found?.job_id === id ? found : undefined);
    if (!job) {
      this.#ask(id);
      return typeof found === "string" ? missing(found) : undefined;
    }
    // Before the snapshot neither names nor what stands in the way are known: what is below would move when they are.
    if (!controller.value) return undefined;
    const heading = this.idOf("h");
    return h(
      "section",
      { class: "panel now", "aria-labelledby": heading, "data-key": `${job.job_id} ${job.ended_at === null}` },
      job.ended_at === null ? swapProgress(job, heading) : ended(job, heading, this.idOf("why")),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    if (answeredDrain(name, origin.dataset.job)) return;
    const job = knownSwap(origin.dataset.job ?? "");
    if (name === "cancel" && job) cancelQuestion(job);
    if (name === "again" && origin.dataset.model) askSwap(origin.dataset.model, origin.dataset.slot);
  }

  #ask(id: string): void {
    if (this.#asked === id) return;
    this.#asked = id;
    this.#found.value = null;
    fetchSwap(id).then(
      (job) => {
        if (this.#asked === id) this.#found.value = job;
      },
      (error) => {
        if (this.#asked !== id) return;
        const gone = error instanceof Refused && error.status === 404;
        this.#found.value = gone
          ? "There is no swap with this number. It may be from another Spark Control."
          : "Spark Control does not answer. Open this page again once it does.";
        // Asked again when the page is opened again.
        if (!gone) this.#asked = null;
      },
    );
  }
}

const missing = (why: string): Child =>
  h(
    "section",
    { class: "panel missing" },
    h("h2", {}, "This swap is not known"),
    h("p", {}, why),
    h("p", {}, h("a", { href: "/activity" }, "All activity")),
  );

function ended(job: SwapJob, heading: string, whyId: string): Child {
  const { tone, word } = outcomeOf(job);
  const obstacle = swapObstacle(job.slot);
  const steps = endedSteps(job);
  const end = job.ended_at ?? job.updated_at;
  const sentence = outcomeSentence(job);
  const failure = job.failure ?? job.died?.failure;
  const slot = slotWord(job.slot);
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
          pill(tone, word),
          h(
            "span",
            {},
            `at ${clockTime(end, quarterMinute.value)}, after ${duration(secondsBetween(job.created_at, end))}`,
          ),
        ),
        h(
          "h2",
          { id: heading },
          job.model_name,
          job.previous_model !== null &&
            job.previous_model !== job.model && [
              " ",
              h("span", { class: "h-sub" }, `instead of ${modelName(job.previous_model)}`),
            ],
        ),
        h(
          "p",
          { class: "dim" },
          `${slot === "" ? "" : `${slot}. `}${onNodes(job.nodes)}. Started ${byWhom(job.requested_by)} at ${clockTime(job.created_at, quarterMinute.value)}. ${sentence}`,
        ),
      ),
      h(
        "div",
        { class: "now-do" },
        obstacle && whyNot(obstacle, whyId),
        h(
          "button",
          {
            class: "btn",
            type: "button",
            "data-act": "again",
            "data-model": job.model,
            "data-slot": job.slot,
            disabled: obstacle !== null,
            "aria-describedby": obstacle ? whyId : null,
          },
          job.state === "ready" ? "Swap to it again…" : "Try again…",
        ),
      ),
    ),
    steps.length > 0 && h("div", { class: "progress", "data-key": "progress" }, phaseBar(steps, "Steps of the swap")),
    failure &&
      h(
        "div",
        { class: "failure", "data-key": "failure" },
        evidence(failure),
        failure.advice !== null && h("p", {}, h("b", {}, "What you can do: "), failure.advice),
      ),
    h("swap-log", { class: "logbox", "data-key": job.job_id, "data-job": job.job_id }),
  ];
}
