import { cancelSwap, type SwapJob } from "../api.ts";
import { h } from "../dom.ts";
import { about } from "../format.ts";
import { modelName, models, ownToken } from "../state.ts";

/** Asks before a swap is cancelled, and says what happens then. */
export function cancelQuestion(job: SwapJob): void {
  const back = job.previous_model !== null && job.leg === "forward" && job.rollback;
  document.querySelector("confirm-dialog")?.ask({
    title: `Stop loading ${job.model_name}?`,
    body: h("p", { class: "lead" }, consequence(job)),
    keep: "Go on loading",
    go: back ? "Stop and go back" : "Stop it",
    danger: true,
    async run() {
      await cancelSwap(job.job_id, ownToken());
    },
  });
}

function consequence(job: SwapJob): string {
  if (job.leg === "rollback") return "Then no model is loaded there, until someone swaps again.";
  if (job.previous_model === null || !job.rollback)
    return "What was started is stopped. Then no model is loaded there.";
  const former = modelName(job.previous_model);
  const untouched = job.state === "planned" || job.state === "draining";
  if (untouched) return `${former} was not stopped yet and goes on.`;
  const seconds = models.value.find(({ key }) => key === job.previous_model)?.last_load_seconds;
  return `${former} is loaded again, which takes ${seconds ? about(seconds) : "some minutes"}.`;
}
