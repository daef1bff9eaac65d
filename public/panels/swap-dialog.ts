import { type Plan, planSwap, Refused, startSwap } from "../api.ts";
import { type Child, h, morph, picture } from "../dom.ts";
import { clockSeconds } from "../format.ts";
import { modelName, models, running, slots } from "../state.ts";
import { planView } from "./plan-view.ts";

/** Shows what a swap would do, and asks. */
export class SwapDialog extends HTMLElement {
  #model = "";
  #slot: string | undefined;
  /** Counts the questions: an answer to an earlier one is dropped. */
  #round = 0;
  #body = h("div", { class: "dlg-body" });
  #foot = h("div", { class: "dlg-foot" });
  #dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "swap-h" },
    h("form", { method: "dialog" }, this.#body, this.#foot),
  );

  connectedCallback(): void {
    this.append(this.#dialog);
    this.#dialog.addEventListener("close", () => void this.#round++);
    this.#dialog.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest("[data-act=start]")) void this.#start();
    });
    this.#dialog.addEventListener("change", (event) => {
      if (!(event.target instanceof HTMLSelectElement)) return;
      this.#slot = event.target.value;
      void this.#plan();
    });
  }

  /** @param model key of the catalog */
  ask(model: string): void {
    this.#model = model;
    const needed = models.value.find(({ key }) => key === model)?.nodes ?? 1;
    const free = slots.value.filter((slot) => running.value.every((job) => job.slot !== slot.name));
    this.#slot = (free.find((slot) => slot.nodes.length >= needed) ?? free[0])?.name;
    this.#body.replaceChildren();
    this.#foot.replaceChildren();
    void this.#plan();
    this.#dialog.showModal();
    this.#dialog.querySelector<HTMLElement>("[data-keep]")?.focus();
  }

  async #plan(): Promise<void> {
    const round = ++this.#round;
    this.#show(h("p", { class: "lead", role: "status" }, "Looking at the Sparks."), { ready: false, note: "" });
    try {
      const plan = await planSwap({ model: this.#model, slot: this.#slot });
      if (round !== this.#round) return;
      this.#show(planView(plan), { ready: plan.blockers.length === 0, note: noteOf(plan) });
    } catch (error) {
      if (round === this.#round) this.#show(refusal(error), { ready: false, note: "" });
    }
  }

  async #start(): Promise<void> {
    const round = this.#round;
    this.#dialog.querySelector("[data-act=start]")?.setAttribute("disabled", "");
    try {
      await startSwap({ model: this.#model, slot: this.#slot });
      if (round === this.#round) this.#dialog.close();
    } catch (error) {
      if (round === this.#round) this.#show(refusal(error), { ready: false, note: "" });
    }
  }

  #show(content: Child, { ready, note }: { ready: boolean; note: string }): void {
    const name = modelName(this.#model);
    const slot = slots.value.find((each) => each.name === this.#slot);
    const keep = slot?.model_name ? `Keep ${slot.model_name}` : "Leave it as it is";
    morph(this.#body, h("h2", { id: "swap-h" }, `Swap to ${name}?`), this.#slotChoice(), content);
    morph(
      this.#foot,
      h("p", { class: "dim", id: "swap-note" }, note),
      h("button", { class: "btn", type: "submit", "data-keep": true }, keep),
      h(
        "button",
        {
          class: "btn primary",
          type: "button",
          "data-act": "start",
          disabled: !ready,
          "aria-describedby": "swap-note",
        },
        `Swap to ${name}`,
      ),
    );
  }

  #slotChoice(): Child {
    if (slots.value.length < 2) return null;
    const options = slots.value.map(({ name }) => h("option", { value: name, selected: name === this.#slot }, name));
    return h("label", { class: "field" }, "Slot ", h("select", { name: "slot" }, ...options));
  }
}

function noteOf(plan: Plan): string {
  return plan.blockers.length > 0 ? "This swap cannot start now." : `Checked at ${clockSeconds(Date.now())}.`;
}

function refusal(error: unknown): Child {
  const text = error instanceof Refused ? error.message : "This page made a mistake. Reload it.";
  return h("p", { class: "refusal", role: "alert" }, picture("g-bad"), text);
}
