import { sentenceOf } from "../api.ts";
import { type Child, h } from "../dom.ts";
import { grouped, milliseconds } from "../format.ts";
import { chat, type Figures, type Message } from "../play/chat.ts";
import type { GatewayModel } from "../play/gateway.ts";
import { signal } from "../store.ts";
import { PlayPanel } from "./play-panel.ts";

/** Whoever has scrolled up further reads there. */
const NEAR_PX = 80;

interface Turn extends Message {
  /** What the model said to itself before. */
  readonly thought: string;
  readonly model: string | null;
  readonly figures: Figures | null;
  readonly stopped: boolean;
}

const turn = (role: Message["role"], content: string, model: string | null = null): Turn => ({
  role,
  content,
  thought: "",
  model,
  figures: null,
  stopped: false,
});

/** Talk to the model that is loaded; the answer as it comes. */
export class PlayChat extends PlayPanel {
  protected readonly kind = "chat";
  protected readonly heading = "Chat";
  protected readonly says = "with the model that is loaded; nothing of it is kept";
  protected readonly nothing = [
    "No model is loaded. ",
    h("a", { href: "/models" }, "Swap to one"),
    ", then talk to it here.",
  ];
  #turns = signal<readonly Turn[]>([]);

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      if (!(event.target instanceof HTMLTextAreaElement)) return;
      event.preventDefault();
      event.target.form?.requestSubmit();
    });
  }

  protected override act(name: string): void {
    super.act(name);
    if (name === "clear") this.#turns.value = [];
  }

  protected content(models: readonly GatewayModel[]): Child {
    const turns = this.#turns.value;
    const last = turns.at(-1);
    return [
      h(
        "div",
        {
          class: "turns",
          role: "log",
          "aria-label": "Conversation",
          "aria-live": "off",
          tabindex: 0,
          "data-key": "turns",
        },
        turns.length === 0
          ? h(
              "p",
              { class: "dim", "data-key": "hint" },
              "The conversation shows up here, and is gone when the page is reloaded.",
            )
          : turns.map((each, at) => this.#turn(each, at, at === turns.length - 1 && this.busy.value)),
      ),
      h(
        "label",
        { class: "field", "data-key": "message" },
        "Message",
        h("textarea", {
          name: "message",
          rows: 2,
          required: true,
          autocomplete: "off",
          "aria-describedby": this.idOf("enter"),
        }),
        h("span", { class: "dim", id: this.idOf("enter") }, "Enter sends, Shift and Enter begins a new line."),
      ),
      h(
        "div",
        { class: "play-do", "data-key": "do" },
        this.modelField(models),
        turns.length > 0 &&
          !this.busy.value &&
          h("button", { class: "btn", type: "button", "data-act": "clear", "data-key": "clear" }, "New conversation"),
        this.buttons("Send"),
      ),
      h(
        "p",
        { class: "vh", role: "status", "data-key": "status" },
        this.busy.value ? "The model answers." : last?.role === "assistant" ? "The answer is complete." : "",
      ),
    ];
  }

  #turn({ role, content, thought, model, figures, stopped }: Turn, at: number, isRunning: boolean): Child {
    return h(
      "article",
      { class: "turn", "data-role": role, "data-key": at, "aria-label": role === "user" ? "You" : (model ?? "Model") },
      h("p", { class: "turn-who" }, role === "user" ? "You" : model),
      thought !== "" &&
        h(
          "details",
          { "data-key": "thought" },
          h("summary", {}, "Thought"),
          h("p", { class: "turn-text dim" }, thought),
        ),
      h("p", { class: "turn-text", "data-key": "text" }, content === "" && isRunning ? "…" : content),
      (figures !== null || stopped) &&
        h("p", { class: "turn-figures dim", "data-key": "figures" }, figuresOf(figures, stopped)),
    );
  }

  protected async ask(form: FormData, stopped: AbortSignal): Promise<void> {
    const said = String(form.get("message") ?? "").trim();
    const model = String(form.get("model") ?? "");
    if (said === "") return;
    const before = this.#turns.value;
    const messages = [...before, turn("user", said)].map(({ role, content }) => ({ role, content }));
    this.#turns.value = [...before, turn("user", said), turn("assistant", "", model)];
    const field = this.querySelector<HTMLTextAreaElement>("textarea");
    if (field) field.value = "";
    try {
      const figures = await chat(model, messages, stopped, (piece, thinking) =>
        this.#last((last) =>
          thinking ? { ...last, thought: last.thought + piece } : { ...last, content: last.content + piece },
        ),
      );
      this.#last((last) => ({ ...last, figures }));
    } catch (error) {
      if (stopped.aborted) this.#last((last) => ({ ...last, stopped: true }));
      else this.#fail(said, error);
    }
  }

  /** What was said goes back into the field where no answer has begun, so that it can be sent again. */
  #fail(said: string, error: unknown): void {
    this.failed.value = sentenceOf(error);
    const last = this.#turns.value.at(-1);
    if (last === undefined || last.content !== "" || last.thought !== "") return;
    this.#turns.value = this.#turns.value.slice(0, -2);
    const field = this.querySelector<HTMLTextAreaElement>("textarea");
    if (field && field.value === "") field.value = said;
  }

  #last(change: (last: Turn) => Turn): void {
    const turns = this.#turns.value;
    const last = turns.at(-1);
    if (last?.role !== "assistant") return;
    const log = this.querySelector(".turns");
    const follows = log !== null && log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
    this.#turns.value = [...turns.slice(0, -1), change(last)];
    if (follows) requestAnimationFrame(() => log.scrollTo({ top: log.scrollHeight }));
  }
}

function figuresOf(figures: Figures | null, stopped: boolean): string {
  const parts = [
    stopped ? "Stopped" : null,
    figures?.firstMs != null ? `first token after ${milliseconds(figures.firstMs)}` : null,
    figures?.tokensPerSecond != null ? `${figures.tokensPerSecond.toFixed(1)} tokens/s` : null,
    figures?.tokens != null ? `${grouped(figures.tokens)} tokens` : null,
  ].filter((part) => part !== null);
  const text = parts.join(", ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
