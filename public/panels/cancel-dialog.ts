import { cancelSwap, Refused, type SwapJob } from "../api.ts";
import { h } from "../dom.ts";
import { modelName } from "../state.ts";

/** Asks before a swap is cancelled, and says what happens then. */
export class CancelDialog extends HTMLElement {
  ask(job: SwapJob): void {
    const refusal = h("p", { class: "refusal", role: "alert", hidden: true });
    const go = h("button", { class: "btn", type: "submit", value: "go", autofocus: true }, "Go on loading");
    const back = job.previous_model !== null && job.leg === "forward" && job.rollback;
    const stop = h("button", { class: "btn danger", type: "button" }, back ? "Stop and go back" : "Stop it");
    const dialog = h(
      "dialog",
      { class: "dialog narrow", "aria-labelledby": "cancel-h" },
      h(
        "form",
        { method: "dialog" },
        h(
          "div",
          { class: "dlg-body" },
          h("h2", { id: "cancel-h" }, `Stop loading ${job.model_name}?`),
          h("p", { class: "lead" }, consequence(job)),
          refusal,
        ),
        h("div", { class: "dlg-foot" }, h("span", { class: "push" }), go, stop),
      ),
    );
    stop.addEventListener("click", async () => {
      stop.disabled = true;
      try {
        await cancelSwap(job.job_id);
        dialog.close();
      } catch (error) {
        refusal.textContent = error instanceof Refused ? error.message : "This page made a mistake. Reload it.";
        refusal.hidden = false;
        stop.disabled = false;
      }
    });
    dialog.addEventListener("close", () => dialog.remove());
    this.replaceChildren(dialog);
    dialog.showModal();
  }
}

function consequence(job: SwapJob): string {
  if (job.leg === "rollback") return "Then no model is loaded there, until someone swaps again.";
  if (job.previous_model === null || !job.rollback)
    return "What was started is stopped. Then no model is loaded there.";
  const former = modelName(job.previous_model);
  const untouched = job.state === "planned" || job.state === "draining";
  return untouched
    ? `${former} was not stopped yet and goes on.`
    : `${former} is loaded again, which takes some minutes.`;
}
