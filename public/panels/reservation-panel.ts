import { fetchSchedule } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime, duration, secondsBetween, waitingWords } from "../format.ts";
import { connection, controller, lock, modelName, ownToken, running, schedule, waiting } from "../state.ts";
import { Panel } from "./panel.ts";
import { reservationAct } from "./reservation.ts";

/** Who holds the GPUs, and what is planned next. */
export class ReservationPanel extends Panel {
  #asked = false;

  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    this.#ask();
    return h(
      "section",
      { class: "panel resv", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Reservation"),
        this.closest("[data-page=overview]") &&
          h("a", { class: "more", href: "/automation" }, "Automation", picture("i-chevron")),
      ),
      h("div", { class: "pad resv-body" }, this.#state()),
      this.#next(),
    );
  }

  #state(): Child {
    const held = lock.value;
    const lost = connection.value.state === "lost";
    const none = controller.value?.configured === false;
    const button = (act: string, word: string, icon?: string) =>
      h(
        "button",
        {
          class: "btn",
          type: "button",
          "data-act": act,
          disabled: lost || none,
          "aria-describedby": none ? this.idOf("why") : null,
        },
        icon && picture(icon),
        word,
      );
    const line = waiting.value > 0 && h("p", {}, waitingWords(waiting.value));
    if (!held)
      return [
        h("p", {}, "Nobody has reserved the GPUs."),
        h(
          "p",
          { class: "dim", id: this.idOf("why") },
          none
            ? "No Spark is set up yet, so there is nothing to reserve."
            : running.value.length > 0
              ? "A reservation can start once this swap has ended."
              : "Anyone may swap. Reserve them to keep a model in place while you or a job need it.",
        ),
        line,
        running.value.length === 0 && h("p", { class: "acts" }, button("reserve", "Reserve…", "i-lock")),
      ];
    const until = clockTime(held.expires_at, quarterMinute.value);
    const mine = ownToken() !== null;
    return [
      h("p", {}, h("b", {}, held.holder), mine ? `, from this tab, until ${until}` : `, until ${until}`),
      h("p", { class: "dim" }, `${held.note ?? "Without a note."} It ends by itself then, or is given back before.`),
      line,
      mine && h("p", { class: "acts" }, button("extend", "One hour from now"), button("give-back", "Release")),
    ];
  }

  #next(): Child {
    const next = schedule.value?.runs.find(({ starts_at: at }) => secondsBetween(quarterMinute.value, at) > 0);
    return h(
      "div",
      { class: "next" },
      h("p", { class: "eyebrow" }, "Next on the schedule"),
      next
        ? [
            h(
              "p",
              {},
              h("b", {}, next.title),
              `, ${clockTime(next.starts_at, quarterMinute.value)} `,
              h(
                "span",
                { class: "dim" },
                `in ${duration(secondsBetween(quarterMinute.value, next.starts_at)).replace(/ \d+ s$/, "")}`,
              ),
            ),
            h(
              "p",
              { class: "dim" },
              `${next.owner}, ${next.model === null ? "works with any model" : modelName(next.model)}`,
            ),
          ]
        : h("p", { class: "dim" }, schedule.value === null ? "–" : "Nothing is planned in the next 24 hours."),
    );
  }

  /** Afterwards it comes with the stream; what that has told meanwhile is newer than this answer. */
  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    fetchSchedule().then(
      (known) => {
        schedule.value ??= known;
      },
      () => {
        this.#asked = false;
      },
    );
  }

  protected override act(name: string): void {
    reservationAct(name);
  }
}
