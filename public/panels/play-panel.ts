/** What the panels of the playground share: one question at a time, what became of it, and how long it took. */
import { sentenceOf } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import type { GatewayModel } from "../play/gateway.ts";
import { answering, offered } from "../play/models.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { refusal } from "./sheet.ts";

export abstract class PlayPanel extends Panel {
  /** A question is on its way. */
  protected readonly busy = signal(false);
  protected readonly failed = signal<string | null>(null);
  /** How long the last answer took; null: none yet. */
  protected readonly tookMs = signal<number | null>(null);
  #abort = new AbortController();

  /** Of this panel. */
  protected abstract readonly kind: GatewayModel["kind"];
  protected abstract readonly heading: string;
  /** What it does, in one sentence. */
  protected abstract readonly says: string;
  /** When nothing of its kind answers. */
  protected abstract readonly nothing: Child;

  /** Asks with what the form holds. */
  protected abstract ask(form: FormData, signal: AbortSignal): Promise<void>;
  /** Fields and answer. Reads signals. */
  protected abstract content(models: readonly GatewayModel[]): Child;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      if (event.target instanceof HTMLFormElement) void this.run(event.target);
    });
  }

  protected render(): Child | undefined {
    if (offered.value === null) return undefined;
    const models = answering(this.kind);
    return h(
      "section",
      { class: "panel play", "aria-labelledby": this.idOf("h"), "aria-busy": this.busy.value ? "true" : "false" },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, this.heading),
        h("p", { class: "dim" }, this.says),
      ),
      h(
        "form",
        { class: "play-form", "data-key": "form" },
        this.content(models),
        models.length === 0 &&
          h(
            "p",
            { class: "why", id: this.idOf("why"), "data-tone": "off", "data-key": "why" },
            picture("g-off"),
            h("span", {}, this.nothing),
          ),
      ),
      this.failed.value !== null && h("div", { class: "pad", "data-key": "failed" }, refusal(this.failed.value)),
    );
  }

  protected async run(form: HTMLFormElement): Promise<void> {
    if (this.busy.value || answering(this.kind).length === 0) return;
    this.#abort = new AbortController();
    const { signal: stopped } = this.#abort;
    this.busy.value = true;
    this.failed.value = null;
    const began = performance.now();
    try {
      await this.ask(new FormData(form), stopped);
      this.tookMs.value = performance.now() - began;
    } catch (error) {
      if (!stopped.aborted) this.failed.value = sentenceOf(error);
    } finally {
      this.busy.value = false;
    }
  }

  protected override act(name: string): void {
    if (name === "stop") this.#abort.abort();
  }

  /** The model, when there is a choice; named where there is none. */
  protected modelField(models: readonly GatewayModel[]): Child {
    return h(
      "label",
      { class: "field", "data-key": "model" },
      "Model",
      h(
        "select",
        { name: "model", disabled: models.length === 0 },
        ...models.map(({ id }) => h("option", { value: id, "data-key": id }, id)),
      ),
    );
  }

  /** The button that asks, and then stops: one and the same, so that it keeps the focus. */
  protected buttons(word: string): Child {
    const isNone = answering(this.kind).length === 0;
    return this.busy.value
      ? h("button", { class: "btn", type: "button", "data-act": "stop" }, "Stop")
      : h(
          "button",
          {
            class: "btn primary",
            type: "submit",
            disabled: isNone,
            "aria-describedby": isNone ? this.idOf("why") : null,
          },
          word,
        );
  }
}
