import { fetchSwaps, type Plan, planSwap, Refused, type SwapJob, sentenceOf, startSwap } from "../api.ts";
import { startDownload } from "../catalog/calls.ts";
import { serverNow } from "../clock.ts";
import { type Child, h, morph } from "../dom.ts";
import { needsDownload } from "../fits.ts";
import { about, clockSeconds } from "../format.ts";
import { say } from "../say.ts";
import { isReservedForAnother, modelName, models, ownToken, running, slots, swapObstacle } from "../state.ts";
import { effect } from "../store.ts";
import { inTurn } from "../turns.ts";
import { takeOverQuestion } from "./key-questions.ts";
import { commandsOf, planView } from "./plan-view.ts";
import { focusTitle, refusal, sheet, title } from "./sheet.ts";

/** The ring too, however the dialog was opened: which answer Enter gives must be seen. */
const SHOWN: FocusOptions & { focusVisible: boolean } = { focusVisible: true };

const AFTERWARDS = "This one can start once it has ended.";

interface Answers {
  readonly ready: boolean;
  readonly note: string;
}

/** Shows what a swap would do, and asks. */
export class SwapDialog extends HTMLElement {
  #model = "";
  #slot: string | undefined;
  #rollback = true;
  /** Whether the swap would begin with a download. */
  #downloads = false;
  /** Counts the questions: an answer to an earlier one is dropped. */
  #round = 0;
  /** Whether the plan that is shown may be started, when nothing else came first. */
  #ready = false;
  /** Something came first: it is planned again once that is over. */
  #overtaken = false;
  #starting = false;
  #watch: (() => void) | undefined;
  #parts = sheet("swap-h");

  connectedCallback(): void {
    const { dialog } = this.#parts;
    this.append(dialog);
    dialog.addEventListener("close", () => {
      this.#round++;
      this.#watch?.();
    });
    dialog.addEventListener("click", (event) => {
      const origin = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-act]") : null;
      if (origin?.dataset.act === "start") void this.#start();
      if (origin?.dataset.act === "download") void this.#download();
      if (origin?.dataset.act === "take-over")
        takeOverQuestion(
          { node: origin.dataset.node ?? "", instance: origin.dataset.instance ?? "" },
          () => void this.#plan(),
        );
    });
    dialog.addEventListener("change", ({ target }) => {
      if (!(target instanceof HTMLInputElement)) return;
      if (target.name === "slot") {
        this.#slot = target.value;
        void this.#plan();
      }
      if (target.name === "rollback") this.#rollback = target.checked;
    });
  }

  /**
   * @param model key of the catalog
   * @param slot  the one that was clicked; else the first free one with enough Sparks
   */
  ask(model: string, slot?: string): void {
    const { dialog, head, body, foot } = this.#parts;
    this.#model = model;
    this.#rollback = true;
    this.#downloads = models.value.some((each) => each.key === model && needsDownload(each));
    const able = this.#able();
    this.#slot = (able.find(({ name }) => name === slot) ?? able[0])?.name;
    for (const part of [head, body, foot]) part.replaceChildren();
    void this.#plan();
    dialog.showModal();
    dialog.querySelector<HTMLElement>("[data-keep]")?.focus(SHOWN);
    this.#overtaken = false;
    this.#watch?.();
    this.#watch = effect(() => {
      const [other] = running.value;
      const obstacle = swapObstacle(this.#slot);
      queueMicrotask(() => this.#overtake(obstacle && (other ? `${begun(other)} ${AFTERWARDS}` : obstacle.reason)));
    });
  }

  /** @param reason why this swap cannot start now; null when it can */
  #overtake(reason: string | null): void {
    if (this.#starting || !this.#parts.dialog.open) return;
    if (reason !== null && this.#ready) {
      this.#overtaken = true;
      this.#answers({ ready: false, note: reason });
    } else if (reason === null && this.#overtaken) {
      this.#overtaken = false;
      void this.#plan();
    }
  }

  /** Slots in which it can run and that no swap owns. */
  #able() {
    const needed = models.value.find(({ key }) => key === this.#model)?.nodes ?? 1;
    const free = slots.value.filter(
      (slot) => running.value.every((job) => job.slot !== slot.name) && !isReservedForAnother(slot.name),
    );
    const large = free.filter((slot) => slot.nodes.length >= needed);
    return large.length > 0 ? large : free;
  }

  async #plan(): Promise<void> {
    const round = ++this.#round;
    const waiting = h("p", { class: "lead", role: "status", "data-key": "wait" }, "Looking at the Sparks.");
    this.#show(waiting, { ready: false, note: "" });
    try {
      // Always with the way back, so that the plan can say what it would be.
      const plan = await planSwap({ model: this.#model, slot: this.#slot, rollback: true }, ownToken());
      if (round !== this.#round) return;
      this.#downloads = plan.download !== null;
      const content = [planView(plan), this.#wayBack(plan), commandsOf(plan)];
      this.#show(content, { ready: plan.blockers.length === 0, note: noteOf(plan) });
    } catch (error) {
      if (round === this.#round) this.#show(refusal(sentenceOf(error)), { ready: false, note: "" });
    }
  }

  async #start(): Promise<void> {
    const round = this.#round;
    const { dialog, body } = this.#parts;
    const button = dialog.querySelector<HTMLButtonElement>("[data-act=start]");
    if (button) button.disabled = true;
    this.#starting = true;
    try {
      await startSwap({ model: this.#model, slot: this.#slot, rollback: this.#rollback }, ownToken());
      if (round !== this.#round) return;
      dialog.close();
      focusSwap();
    } catch (error) {
      const sentence = error instanceof Refused && error.status === 409 ? await lostRace(error) : sentenceOf(error);
      if (round !== this.#round) return;
      this.#show(refusal(sentence), { ready: false, note: "" });
      this.#overtaken = error instanceof Refused && error.status === 409;
      body.scrollTop = 0;
    } finally {
      this.#starting = false;
    }
  }

  /** Without the swap: what is served goes on answering. */
  async #download(): Promise<void> {
    const round = this.#round;
    try {
      await startDownload(this.#model);
      say(`${modelName(this.#model)} is being downloaded. The page Models shows how far it is.`);
      if (round !== this.#round) return;
      this.#parts.dialog.close();
      focusTitle();
    } catch (error) {
      if (round !== this.#round) return;
      this.#show(refusal(sentenceOf(error)), { ready: false, note: "" });
    }
  }

  get #verb(): string {
    return this.#downloads ? "Download and swap" : "Swap";
  }

  #show(content: Child, answers: Answers): void {
    const { head, body } = this.#parts;
    morph(head, title("swap-h", `${this.#verb} to ${modelName(this.#model)}?`));
    morph(body, this.#slotChoice(), content);
    this.#answers(answers);
  }

  #answers({ ready, note }: Answers): void {
    const { foot } = this.#parts;
    this.#ready = ready;
    const name = modelName(this.#model);
    const slot = slots.value.find((each) => each.name === this.#slot);
    const keep = slot?.model_name ? `Keep ${slot.model_name}` : "Leave it as it is";
    morph(
      foot,
      h("p", { class: "dim", id: "swap-note", role: "status" }, note),
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
        `${this.#verb} to ${name}`,
      ),
    );
  }

  #slotChoice(): Child {
    const able = this.#able();
    if (slots.value.length < 2 || able.length < 2) return null;
    return h(
      "fieldset",
      { class: "field", "data-key": "slot" },
      h("legend", {}, "In which slot?"),
      h(
        "div",
        { class: "choice" },
        ...able.map(({ name, nodes, model_name: there }) =>
          h(
            "label",
            {},
            h("input", { type: "radio", name: "slot", value: name, checked: name === this.#slot }),
            h(
              "span",
              {},
              `${name}, ${nodes.join(" and ")}`,
              h("small", { class: "dim" }, there === null ? "empty" : `now ${there}`),
            ),
          ),
        ),
      ),
    );
  }

  #wayBack(plan: Plan): Child {
    if (plan.rollback_to === null || plan.blockers.length > 0) return null;
    const seconds = models.value.find(({ key }) => key === plan.rollback_to)?.last_load_seconds;
    return h(
      "label",
      { class: "check", "data-key": "back" },
      h("input", { type: "checkbox", name: "rollback", checked: this.#rollback }),
      h(
        "span",
        {},
        h("b", {}, `If it does not start, go back to ${modelName(plan.rollback_to)}`),
        h("span", { class: "dim" }, seconds ? `Takes ${about(seconds)} more.` : "Takes some minutes more."),
      ),
    );
  }
}

/** Who began another swap, and when. */
function begun({ requested_by: caller, model_name: name, created_at: at }: SwapJob): string {
  const who = caller === "dashboard" ? "Someone at the dashboard" : caller === "unknown" ? "A program" : caller;
  return `${who} started a swap to ${name} at ${clockSeconds(at)}.`;
}

/** Another swap was faster than the click: whose, if it can be found out. */
async function lostRace(refused: Refused): Promise<string> {
  const first = running.value[0] ?? (await fetchSwaps(1).catch(() => null))?.swaps[0];
  return `${first?.ended_at === null ? begun(first) : refused.message} Nothing was changed by your click.`;
}

/** On what can be done next: cancel the swap, as soon as the page shows it. */
function focusSwap(): void {
  focusTitle();
  const stop = effect(() => {
    if (running.value.length === 0) return;
    // The panels that show it wait for their turns, too.
    inTurn(() => {
      stop();
      if (document.activeElement?.id !== "page-title") return;
      const cancels = [...document.querySelectorAll<HTMLElement>("[data-act=cancel]:enabled")];
      cancels.find((button) => button.checkVisibility())?.focus({ preventScroll: true });
    });
  });
}

function noteOf(plan: Plan): string {
  if (plan.blockers.length > 0) return "This swap cannot start now.";
  const learnt =
    plan.learnt_from === 0
      ? "The duration is a guess from its size."
      : `Durations of ${plan.learnt_from} earlier ${plan.learnt_from === 1 ? "load" : "loads"}.`;
  return `Checked at ${clockSeconds(serverNow())}: the Sparks answer. ${learnt}`;
}

declare global {
  interface HTMLElementTagNameMap {
    "swap-dialog": SwapDialog;
  }
}
