import type { Schedule } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { HOURS, type PlannedBar, plannedBars, type Span, spanOf, startOf } from "../day-line.ts";
import { type Child, h, picture, withProperties } from "../dom.ts";
import { clockTime, dayTime, hourMinute, shortWeekday } from "../format.ts";
import { lock, modelName, schedule, slots } from "../state.ts";
import { noneServing } from "../words.ts";
import { Panel } from "./panel.ts";

const EVERY_HOURS = 3;
/** So that the time now and the next mark do not overlap. */
const NEAR_HOURS = 2.4;

/** Runs in the list of a phone. */
const LISTED = 8;

/** What serves, who holds the GPUs and what others plan, on one line. The list of plans has the same as text. */
export class NextDay extends Panel {
  protected render(): Child | undefined {
    const known = schedule.value;
    if (known === null) return undefined;
    const now = quarterMinute.value;
    const start = startOf(now);
    const at = (now - start) / 3_600_000;
    return h(
      "section",
      { class: "panel tl", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Next 24 hours"),
        h("p", { class: "dim" }, "What other systems plan. Shown here, never run from here."),
        this.closest("[data-page=overview]") &&
          h("a", { class: "more", href: "/automation" }, "Schedule", picture("i-chevron")),
      ),
      h(
        "div",
        {
          class: "tl-chart",
          role: "img",
          "aria-label": `The next 24 hours: ${known.runs.length} planned runs. The list in Automation has them as text.`,
        },
        marks(start, at),
        lane("Serving", serving(start, now)),
        lane("Reserved", reserved(start, at)),
        lane(
          "Planned",
          known.runs.length === 0 ? nothing("Nothing is planned", at) : plannedBars(start, known).map(planned),
          "tall",
        ),
      ),
      agenda(known, now),
      known.warnings
        .slice(0, 1)
        .map(({ message }) =>
          h("p", { class: "tl-note", "data-tone": "warn" }, picture("g-warn"), h("span", {}, message)),
        ),
    );
  }
}

/** The same as a list, where a line of a day has no room. */
function agenda({ runs }: Schedule, now: number): Child {
  const held = lock.value;
  const line = (key: string, time: Child, what: Child, more: Child) =>
    h("li", { "data-key": key }, h("span", {}, time), h("p", {}, what, h("span", { class: "dim" }, more)));
  const names = slots.value.flatMap(({ state, model_name: name }) => (state === "serving" && name ? [name] : []));
  return h(
    "ul",
    { class: "tl-agenda" },
    line("now", "Now", names.join(", ") || noneServing(), names.length > 0 && "until someone swaps"),
    held && line("held", `To ${clockTime(held.expires_at, now)}`, `Reserved by ${held.holder}`, held.note),
    ...runs
      .slice(0, LISTED)
      .map((run) =>
        line(
          `${run.entry_id} ${run.starts_at}`,
          h("time", { datetime: run.starts_at }, dayTime(run.starts_at, now)),
          run.title,
          `${run.owner}, ${run.model === null ? "any model" : modelName(run.model)}`,
        ),
      ),
    runs.length > LISTED && line("more", "", h("span", { class: "dim" }, `and ${runs.length - LISTED} more`), null),
    runs.length === 0 && line("none", "", h("span", { class: "dim" }, "Nothing is planned."), null),
  );
}

function marks(start: number, at: number): Child {
  const first = EVERY_HOURS - (new Date(start).getHours() % EVERY_HOURS);
  const hours = Array.from({ length: HOURS / EVERY_HOURS }, (_, index) => first + index * EVERY_HOURS).filter(
    (hour) => hour < HOURS,
  );
  return [
    h(
      "div",
      { class: "tl-grid", "aria-hidden": "true" },
      ...hours.map((hour) => placed(h("i", { class: isMidnight(start, hour) ? "day" : null }), { at: hour })),
      placed(h("b"), { at }),
    ),
    h(
      "div",
      { class: "tl-axis", "aria-hidden": "true" },
      placed(h("span", { class: "tl-nowlab" }, clockTime(start + at * 3_600_000, start)), { at }),
      ...hours
        .filter((hour) => hour - at > NEAR_HOURS)
        .map((hour) => placed(h("span", {}, markOf(start, hour)), { at: hour })),
    ),
  ];
}

const isMidnight = (start: number, hour: number) => new Date(start + hour * 3_600_000).getHours() === 0;

function markOf(start: number, hour: number): string {
  const time = new Date(start + hour * 3_600_000);
  return isMidnight(start, hour) ? shortWeekday(time) : hourMinute(time);
}

function lane(name: string, content: Child, size = ""): Child {
  return h(
    "div",
    { class: `tl-lane ${size}`.trim(), "aria-hidden": "true", "data-key": name },
    h("p", {}, name),
    h("div", {}, content),
  );
}

function serving(start: number, now: number): Child {
  const served = slots.value.filter(({ state, model_name: name }) => state === "serving" && name !== null);
  const [only] = served;
  if (!only) return nothing(noneServing(), (now - start) / 3_600_000);
  const past = spanOf(start, only.since ?? start, now);
  const name = served.length > 1 ? served.map((slot) => slot.model_name).join(", ") : only.model_name;
  return [
    past && placed(h("i", { class: "tl-bar", "data-k": "run" }), past),
    placed(h("i", { class: "tl-bar", "data-k": "stay" }, label(name ?? "", "until someone swaps")), {
      from: (now - start) / 3_600_000,
      to: HOURS,
    }),
  ];
}

function reserved(start: number, at: number): Child {
  const held = lock.value;
  const span = held && spanOf(start, held.acquired_at, held.expires_at);
  if (!held || !span) return nothing("No reservation", at);
  return placed(
    h("i", { class: "tl-bar out", "data-k": "held" }, label(held.holder, `until ${clockTime(held.expires_at, start)}`)),
    span,
  );
}

function planned({ run, row, before, clashes, from, to }: PlannedBar): Child {
  const bar = h(
    "i",
    {
      class: `tl-bar ${before ? "before" : "out"}${clashes ? " clash" : ""}`,
      "data-k": "plan",
      "data-key": `${run.entry_id} ${run.starts_at}`,
    },
    label(run.title, run.model === null ? "" : modelName(run.model)),
  );
  return withProperties(placed(bar, { from, to }), { "--line-row": row });
}

/** Cut where there is no room for it; then whoever points at it reads it all. */
const label = (what: string, more: string): Child =>
  h("span", { class: "tl-label", title: `${what} ${more}`.trim() }, h("b", {}, what), more && ` ${more}`);

const nothing = (word: string, at: number): Child => placed(h("span", { class: "tl-none" }, word), { at });

function placed<E extends HTMLElement>(element: E, where: Partial<Span> & { readonly at?: number }): E {
  return withProperties(
    element,
    Object.fromEntries(Object.entries(where).map(([name, value]) => [`--${name}`, value])),
  );
}
