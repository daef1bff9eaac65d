import type { Model } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { duration } from "../format.ts";
import { controller, models, running, slots, swapObstacle } from "../state.ts";
import { Panel } from "./panel.ts";
import { pill } from "./pill.ts";

const COLUMNS = ["Model", "Sparks", "On disk", "Last load"] as const;

const OBSTACLE_ID = "swap-obstacle";

/** The models of the catalog, each with the way to it. */
export class ModelList extends Panel {
  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    const obstacle = swapObstacle();
    return h(
      "section",
      { class: "panel models", "aria-labelledby": "models-h" },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: "models-h" }, "Models"),
        h("p", { id: OBSTACLE_ID, class: "dim" }, obstacle),
      ),
      models.value.length === 0
        ? h("p", { class: "pad dim" }, "The catalog is empty. Add models to models-overrides.yaml in the data folder.")
        : h(
            "table",
            { class: "table" },
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                ...COLUMNS.map((name) => h("th", { scope: "col" }, name)),
                h("th", { scope: "col" }, h("span", { class: "vh" }, "Swap")),
              ),
            ),
            h("tbody", {}, ...models.value.map((model) => row(model, obstacle === null ? null : OBSTACLE_ID))),
          ),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    if (name === "swap" && origin.dataset.model) document.querySelector("swap-dialog")?.ask(origin.dataset.model);
  }
}

function row(model: Model, obstacleId: string | null): Child {
  const serving = slots.value.some((slot) => slot.model === model.key && slot.state === "serving");
  const job = running.value.find((each) => each.model === model.key);
  const isTooLarge = slots.value.length > 0 && slots.value.every((slot) => slot.nodes.length < model.nodes);
  const reasonId = `too-large-${model.key}`;
  return h(
    "tr",
    { "data-key": model.key, "aria-current": serving ? "true" : null },
    h(
      "th",
      { scope: "row" },
      h("span", { class: "m-name" }, model.name, model.local && h("span", { class: "tag" }, "local")),
      h("span", { class: "m-sub" }, model.quantization ?? "–"),
      isTooLarge && h("span", { class: "m-sub", id: reasonId }, `No slot has ${model.nodes} Sparks.`),
    ),
    h(
      "td",
      { class: "c-where" },
      sparks(model.nodes),
      model.nodes === 1 ? "One" : model.nodes === 2 ? "Two" : model.nodes,
    ),
    h("td", { class: "c-size" }, model.size_gb === null ? "–" : `${model.size_gb} GB`),
    h(
      "td",
      { class: "c-time", "data-known": model.last_load_seconds !== null },
      model.last_load_seconds === null ? "–" : duration(model.last_load_seconds),
    ),
    h(
      "td",
      { class: "c-do" },
      job ? percent(job.progress) : serving ? here() : button(model, isTooLarge ? reasonId : obstacleId),
    ),
  );
}

const percent = (progress: number): Child =>
  h("span", { class: "serving" }, pill("move", `${Math.round(progress * 100)} %`));
const here = (): Child => h("span", { class: "serving" }, pill("ok", "Serving"));

/** @param reasonId element that says why it cannot be used; null when it can */
function button(model: Model, reasonId: string | null): Child {
  const attributes = { class: "btn", type: "button", "data-act": "swap", "data-model": model.key };
  return h(
    "button",
    { ...attributes, "aria-label": `Swap to ${model.name}`, disabled: reasonId !== null, "aria-describedby": reasonId },
    "Swap…",
  );
}

function sparks(count: number): Child {
  return picture(count === 1 ? "s-one" : "s-two", "icon");
}
