/** The settings of Sparks that are configured: look again, change, save. For the pages Machines and Settings. */
import { type Child, h, picture } from "../dom.ts";
import { checkView } from "../set-up/check-view.ts";
import { copyFrom, copyLine } from "../set-up/copy-line.ts";
import { Desk, resultKey } from "../set-up/desk.ts";
import { firstWrong, sparkFields, vllmFields } from "../set-up/spark-fields.ts";
import { controller } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";

export class SparkSettings extends Panel {
  readonly #desk = new Desk(null);
  readonly #saved = signal(false);
  #asked: boolean | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("input", this.#entered);
    this.addEventListener("submit", this.#submitted);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("input", this.#entered);
    this.removeEventListener("submit", this.#submitted);
  }

  protected render(): Child | undefined {
    const known = controller.value;
    if (!known) return undefined;
    if (this.#asked !== known.simulated) {
      this.#asked = known.simulated;
      queueMicrotask(() => void this.#desk.load());
    }
    const { setup, changed, busy, run, refusal } = this.#desk;
    if (setup.value === null && refusal.value === null) return undefined;
    const isRunning = run.value.state === "running";
    return h(
      "section",
      { class: "panel su", "aria-labelledby": "spark-settings-h" },
      h(
        "header",
        { class: "su-head" },
        h("h2", { id: "spark-settings-h" }, "Sparks and vLLM"),
        h(
          "button",
          { class: "btn", type: "button", "data-act": "check", disabled: isRunning || busy.value },
          isRunning ? "Checking…" : "Check the Sparks",
        ),
      ),
      h(
        "form",
        { class: "su-body", novalidate: true },
        run.value.state !== "none" && h("div", { class: "su-results", "data-key": "results" }, checkView(this.#desk)),
        problems(setup.value?.nodes ?? []),
        sparkFields(this.#desk, true),
        vllmFields(this.#desk),
        h(
          "details",
          { class: "su-more", "data-key": "key" },
          h("summary", {}, "Public key of Spark Control"),
          setup.value && copyLine(setup.value.public_key, "public key of Spark Control"),
          h("p", { class: "dim" }, "This line, pasted on a Spark, lets Spark Control in:"),
          setup.value && copyLine(setup.value.authorize_line, "line that lets Spark Control in"),
        ),
        refusal.value !== null &&
          h(
            "p",
            { class: "su-wrong", role: "alert", "data-key": "refusal" },
            picture("g-bad"),
            h("span", {}, refusal.value),
          ),
        h(
          "div",
          { class: "su-foot", "data-key": "foot" },
          h(
            "p",
            { class: "su-why", role: "status" },
            this.#saved.value && !changed.value ? "Saved, and in use." : changed.value ? "Not saved yet." : "",
          ),
          h(
            "button",
            { class: "btn", type: "button", "data-act": "discard", disabled: !changed.value },
            "Discard changes",
          ),
          h("button", { class: "btn primary", type: "submit", disabled: !changed.value || busy.value }, "Save"),
        ),
      ),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    const desk = this.#desk;
    if (name === "copy") copyFrom(origin);
    if (name === "add") desk.add();
    if (name === "remove") desk.remove(origin.dataset.spark ?? "");
    if (name === "check") void desk.check();
    if (name === "discard") {
      desk.discard();
      this.querySelector("form")?.reset();
    }
    if (name === "confirm") {
      const result = desk.run.value.results.get(resultKey(origin.dataset.spark ?? "", "host_key"));
      if (result) void desk.confirm(result);
    }
  }

  readonly #entered = (event: Event): void => {
    this.#saved.value = false;
    if (event.target instanceof HTMLInputElement) this.#desk.enter(event.target.name, event.target.value);
  };

  readonly #submitted = (event: Event): void => {
    event.preventDefault();
    void this.#desk.save().then((saved) => {
      this.#saved.value = saved;
      if (!saved) requestAnimationFrame(() => firstWrong(this)?.focus());
    });
  };
}

function problems(nodes: readonly { name: string; reason: string | null }[]): Child {
  const wrong = nodes.filter(({ reason }) => reason !== null);
  return wrong.map(({ name, reason }) =>
    h(
      "p",
      { class: "su-wrong", "data-key": `problem ${name}` },
      picture("g-bad"),
      h("span", {}, `${name} cannot be used. ${reason}`),
    ),
  );
}
