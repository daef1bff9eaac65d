import type { UpgradeReport as Report, UpgradeItem } from "../../lib/upgrade/report.ts";
import { call } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { clockTime, joined, plural } from "../format.ts";
import { controller } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { pill, type Tone } from "./pill.ts";

const OUTCOMES: Readonly<Record<UpgradeItem["outcome"], readonly [Tone, string]>> = {
  not_taken: ["warn", "Not taken over"],
  kept: ["off", "Something newer stays"],
  taken: ["ok", "Taken over"],
};
/** What needs a person comes first. */
const ORDER = Object.keys(OUTCOMES) as UpgradeItem["outcome"][];

/** What became of the earlier version's data; nothing where there were none. */
export class UpgradeReport extends Panel {
  #report = signal<Report | null>(null);
  #isAsked = false;

  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    if (!this.#isAsked) this.#ask();
    const report = this.#report.value;
    if (report === null) return null;
    const { at, items, originals } = report;
    const lost = items.filter(({ outcome }) => outcome === "not_taken").length;
    return h(
      "section",
      { class: "panel", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "From the earlier version"),
        h(
          "p",
          { class: "dim" },
          joined(
            `${clockTime(at, quarterMinute.value)}`,
            lost === 0 ? "all of it was taken over" : `${plural(lost, "thing")} could not be taken over`,
          ),
        ),
      ),
      h(
        "ul",
        { class: "rows" },
        ...ORDER.flatMap((outcome) => items.filter((item) => item.outcome === outcome)).map((item, index) =>
          h(
            "li",
            { "data-key": `${index} ${item.source} ${item.item}` },
            h(
              "div",
              {},
              h("b", {}, item.item === "" ? item.source : item.item),
              h("span", { class: "dim" }, item.source),
            ),
            h("div", {}, pill(...OUTCOMES[item.outcome]), h("span", { class: "dim" }, item.detail)),
          ),
        ),
      ),
      originals !== null &&
        h(
          "p",
          { class: "pad dim" },
          "The files as they were are in ",
          h("code", {}, originals),
          " of the data folder.",
        ),
    );
  }

  #ask(): void {
    this.#isAsked = true;
    call<{ readonly report: Report | null }>("GET", "/api/upgrade").then(
      ({ report }) => {
        this.#report.value = report;
      },
      () => {
        this.#isAsked = false;
      },
    );
  }
}
