import { type Child, h, picture } from "../dom.ts";
import { problems } from "../state.ts";
import { placeOfProblem } from "./page-banners.ts";
import { Panel } from "./panel.ts";

/** What of the configuration could not be used; nothing when all of it can. */
export class ConfigProblems extends Panel {
  protected render(): Child {
    if (problems.value.length === 0) return null;
    return h(
      "section",
      { class: "panel", "aria-labelledby": this.idOf("h") },
      h("header", { class: "panel-head" }, h("h2", { id: this.idOf("h") }, "Could not be used")),
      h(
        "ul",
        { class: "rows" },
        ...problems.value.map((each) =>
          h(
            "li",
            { "data-key": `${placeOfProblem(each)} ${each.message}`, "data-tone": "warn" },
            picture("g-warn"),
            h(
              "div",
              {},
              h("b", {}, each.message),
              h("span", { class: "dim" }, each.instead),
              h("code", {}, placeOfProblem(each).replace(/:$/, "")),
            ),
          ),
        ),
      ),
    );
  }
}
