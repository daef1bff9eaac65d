import type { Model } from "../api.ts";
import { askSwap } from "../dialogs.ts";
import { type Child, h, picture } from "../dom.ts";
import { fitOf } from "../fits.ts";
import { plural } from "../format.ts";
import { connection, controller, downloads, models, nodes, running, slots, swapObstacle } from "../state.ts";
import { signal } from "../store.ts";
import { modelRow } from "./model-row.ts";
import { whyNot } from "./obstacle.ts";
import { Panel } from "./panel.ts";

const COLUMNS = [
  ["Model", ""],
  ["Sparks", "c-where"],
  ["On disk", "c-size"],
  ["Memory", "c-fit"],
  ["Loads in", "c-time"],
] as const;

/** The models of the catalog, each with the way to it. `data-most` is how many are shown before "All". */
export class ModelList extends Panel {
  #filter = signal("");

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("input", (event) => {
      if (event.target instanceof HTMLInputElement) this.#filter.value = event.target.value;
    });
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !(event.target instanceof HTMLInputElement) || event.target.value === "") return;
      event.target.value = "";
      this.#filter.value = "";
    });
  }

  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    const obstacle = swapObstacle();
    const obstacleId = this.idOf("obstacle");
    const wanted = this.#filter.value.trim().toLowerCase().split(/\s+/);
    const found = ordered().filter(({ name, key, repo, local_path: path, quantization, aliases, local }) => {
      const text = [name, key, repo, path, quantization, local ? "local" : "", ...aliases].join(" ").toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
    const most = Number(this.dataset.most ?? Number.POSITIVE_INFINITY);
    const shown = this.#filter.value.trim() === "" ? found.slice(0, most) : found;
    // Before a first look nobody knows what is ready.
    const isLookedAt = models.value.some(({ fit }) => fit.verdict !== "unknown");
    const count = isLookedAt
      ? `${models.value.filter(isReady).length} ready to load`
      : plural(models.value.length, "model");
    return h(
      "section",
      { class: "panel models", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Models"),
        obstacle === null ? h("p", { class: "dim", "data-key": "count" }, count) : whyNot(obstacle, obstacleId),
        h(
          "label",
          { class: "search" },
          picture("i-search"),
          h("span", { class: "vh" }, "Filter models"),
          h("input", {
            type: "search",
            placeholder: "Filter",
            autocomplete: "off",
            spellcheck: "false",
            "data-filter": true,
          }),
          h("kbd", { "aria-hidden": "true" }, "/"),
        ),
      ),
      models.value.length === 0
        ? empty("There are no models yet.", "Add one under “Manage models” on the page Models.")
        : shown.length === 0
          ? empty(`No model has “${this.#filter.value.trim()}” in its name.`, "Esc in the field shows all again.")
          : h(
              "table",
              { class: "table" },
              h(
                "thead",
                {},
                h(
                  "tr",
                  {},
                  ...COLUMNS.map(([name, className]) => h("th", { scope: "col", class: className || null }, name)),
                  h("th", { scope: "col" }, h("span", { class: "vh" }, "Action")),
                ),
              ),
              h(
                "tbody",
                {},
                ...shown.map((model) =>
                  modelRow(model, {
                    obstacleId: obstacle === null ? null : obstacleId,
                    id: (name) => this.idOf(name),
                    fit: fitOf(model),
                    withNotes: this.dataset.most === undefined,
                    nodes: nodes.value,
                    slots: slots.value,
                    isPast: connection.value.state === "lost",
                    job: running.value.find((each) => each.model === model.key),
                    downloading: downloading(model),
                  }),
                ),
              ),
            ),
      shown.length < found.length &&
        h("a", { class: "rest", href: "/models" }, `All ${plural(models.value.length, "model")}`),
      h("p", { class: "vh", role: "status" }, this.#filter.value.trim() === "" ? "" : plural(found.length, "model")),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    if (name === "swap" && origin.dataset.model) askSwap(origin.dataset.model);
  }
}

const empty = (what: string, how: string): Child =>
  h("div", { class: "empty" }, h("p", {}, what), h("p", { class: "dim" }, how));

/** Reads signals. */
function downloading({ key }: Model): string | null {
  const last = downloads.all.find(({ model, ended_at: end }) => model === key && end === null);
  if (!last) return null;
  return last.progress === null ? "Downloading" : `Downloading, ${Math.round(last.progress * 100)}\u00a0%`;
}

const isReady = (model: Model): boolean =>
  model.needs_setup === null &&
  fitOf(model).verdict !== "does_not_fit" &&
  (model.availability === "on_disk" || model.availability === "unknown");

/** What serves first, then in the order of the catalog. Reads signals. */
function ordered() {
  const serving = new Set(slots.value.map(({ model }) => model));
  const moving = new Set(running.value.map(({ model }) => model));
  const rank = (key: string) => (moving.has(key) ? 0 : serving.has(key) ? 1 : 2);
  return models.value.toSorted((a, b) => rank(a.key) - rank(b.key));
}
