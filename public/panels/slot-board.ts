import { quarterMinute } from "../clock.ts";
import { copyText } from "../copy.ts";
import { askSwap, openDialog } from "../dialogs.ts";
import { type Child, h } from "../dom.ts";
import { refreshSlotTraffic } from "../slot-traffic.ts";
import { connection, controller, lastRequest, running, slots } from "../state.ts";
import { cancelQuestion } from "./cancel-question.ts";
import { answeredDrain } from "./drain-note.ts";
import { Panel } from "./panel.ts";
import { servedSlot } from "./served-slot.ts";
import { swapProgress } from "./swap-progress.ts";

/** One panel a slot: what it serves, or the swap that owns it now. */
export class SlotBoard extends Panel {
  #askedFor: readonly unknown[] = [];

  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    if (slots.value.length === 0) return null;
    this.#refreshFigures();
    return h(
      "div",
      { class: "slots" },
      ...slots.value.map((slot) => {
        const job = running.value.find((each) => each.slot === slot.name);
        const heading = this.idOf(`h-${slot.name}`);
        return h(
          "section",
          { class: "panel now", "data-key": `${slot.name} ${job?.job_id ?? ""}`, "aria-labelledby": heading },
          job ? swapProgress(job, heading) : servedSlot(slot, heading, this.idOf(`why-${slot.name}`)),
        );
      }),
    );
  }

  /** With each request that was noted, each connection, and once a minute, because they are of the last ones. */
  #refreshFigures(): void {
    const reason = [lastRequest.value, connection.value.state, Math.floor(quarterMinute.value / 60_000)];
    if (reason.every((each, at) => each === this.#askedFor[at])) return;
    this.#askedFor = reason;
    if (connection.value.state === "live") refreshSlotTraffic(slots.value.map(({ name }) => name));
  }

  protected override act(name: string, origin: HTMLElement): void {
    if (answeredDrain(name, origin.dataset.job)) return;
    const job = running.value.find((each) => each.job_id === origin.dataset.job);
    if (name === "cancel" && job) cancelQuestion(job);
    if (name === "choose") void openDialog("command-palette", (palette) => palette.chooseModel(origin.dataset.slot));
    if (name === "load" && origin.dataset.model) askSwap(origin.dataset.model, origin.dataset.slot);
    if (name === "copy") void copyText(origin.dataset.text ?? "", origin);
  }
}
