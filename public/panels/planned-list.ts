import { fetchSchedule, removePlanned, type Schedule } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { dayTime, duration, joined, secondsBetween } from "../format.ts";
import { rhythmOf } from "../rhythm.ts";
import { controller, modelName, schedule } from "../state.ts";
import { Panel } from "./panel.ts";

type Entry = Schedule["entries"][number];

/** What other systems say that they will do, and where they get in each other's way. Shown, never run. */
export class PlannedList extends Panel {
  #asked = false;

  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    this.#ask();
    const known = schedule.value;
    if (known === null) return undefined;
    return h(
      "section",
      { class: "panel", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Planned by others"),
        h("p", { class: "dim" }, "Shown here, never run from here."),
      ),
      known.warnings.length > 0 &&
        h(
          "ul",
          { class: "tl-warn" },
          ...known.warnings.map(({ kind, message }) =>
            h("li", { "data-tone": "warn", "data-key": `${kind} ${message}` }, picture("g-warn"), h("p", {}, message)),
          ),
        ),
      known.entries.length === 0
        ? h(
            "div",
            { class: "empty" },
            h("p", {}, "Nothing is planned."),
            h(
              "p",
              { class: "dim" },
              "Jobs elsewhere can register what they will run: ",
              h("code", {}, "POST /api/schedule"),
              ".",
            ),
          )
        : h("ul", { class: "rows" }, ...known.entries.map(row)),
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

  protected override act(name: string, origin: HTMLElement): void {
    const entry = schedule.value?.entries.find(({ id }) => id === origin.dataset.id);
    if (name !== "remove" || !entry) return;
    document.querySelector("confirm-dialog")?.ask({
      title: `Remove “${entry.title}”?`,
      body: h(
        "p",
        { class: "lead" },
        `${entry.owner} registered it. Removing it here stops nothing: it only disappears from this list until ${entry.owner} registers it again.`,
      ),
      keep: "Keep it",
      go: "Remove it",
      async run() {
        await removePlanned(entry.id);
        const now = schedule.value;
        if (now) schedule.value = { ...now, entries: now.entries.filter(({ id }) => id !== entry.id) };
      },
    });
  }
}

function row(entry: Entry): Child {
  const now = quarterMinute.value;
  const model = entry.model === null ? "any model" : modelName(entry.model);
  const rhythm = entry.cron === null ? null : rhythmOf(entry.cron, entry.timezone);
  return h(
    "li",
    { "data-key": entry.id },
    h(
      "div",
      {},
      h("b", {}, entry.title),
      entry.stale !== null && [
        " ",
        h("span", { class: "tag", "data-tone": "warn" }, entry.stale === "over" ? "over" : "not renewed"),
      ],
      h(
        "span",
        { class: "dim" },
        joined(
          entry.owner,
          model,
          entry.slot && `slot ${entry.slot}`,
          rhythm,
          entry.duration_seconds !== null && `takes ${duration(entry.duration_seconds)}`,
        ),
      ),
      entry.note && h("span", { class: "dim" }, entry.note),
    ),
    h("p", { class: "when" }, when(entry.next_run, now)),
    h(
      "button",
      {
        class: "btn sm",
        type: "button",
        "data-act": "remove",
        "data-id": entry.id,
        "aria-label": `Remove ${entry.title}`,
      },
      "Remove…",
    ),
  );
}

function when(next: string | null, now: number): Child {
  if (next === null) return "no more";
  const seconds = secondsBetween(now, next);
  const time = h("time", { datetime: next }, dayTime(next, now));
  return seconds > 0 ? [time, h("span", { class: "dim" }, `in ${duration(Math.ceil(seconds / 60) * 60)}`)] : time;
}
