import { type Child, h } from "../dom.ts";
import { milliseconds } from "../format.ts";
import { ask, type GatewayModel } from "../play/gateway.ts";
import { signal } from "../store.ts";
import { PlayPanel } from "./play-panel.ts";

/** Text becomes speech. */
export class PlaySpeak extends PlayPanel {
  protected readonly kind = "tts";
  protected readonly heading = "Speak";
  protected readonly says = "text becomes speech";
  protected readonly nothing = "No speech service answers. Its state is under Services.";
  /** Address of the speech in this browser. */
  #spoken = signal<string | null>(null);

  protected content(models: readonly GatewayModel[]): Child {
    const voices = models.flatMap((model) => model.voices ?? []);
    const spoken = this.#spoken.value;
    const took = this.tookMs.value;
    return [
      h(
        "label",
        { class: "field", "data-key": "text" },
        "Text",
        h("textarea", { name: "text", rows: 3, required: true, autocomplete: "off" }),
      ),
      h(
        "div",
        { class: "play-do", "data-key": "do" },
        this.modelField(models),
        h(
          "label",
          { class: "field", "data-key": "voice" },
          "Voice",
          h(
            "select",
            { name: "voice", disabled: voices.length === 0 },
            ...voices.map(({ id, name }) => h("option", { value: id }, name)),
          ),
        ),
        this.buttons("Speak"),
      ),
      spoken !== null &&
        h(
          "div",
          { class: "play-answer", "data-key": "answer" },
          h("audio", { controls: true, src: spoken, "aria-label": "What was spoken" }),
          h(
            "p",
            { class: "dim" },
            took === null ? null : [`After ${milliseconds(took)}. `],
            h("a", { href: spoken, download: "speech" }, "Save it"),
          ),
        ),
    ];
  }

  protected async ask(form: FormData, stopped: AbortSignal): Promise<void> {
    const voice = form.get("voice");
    const body = { model: form.get("model"), input: form.get("text"), ...(voice === null ? {} : { voice }) };
    const answer = await ask("/v1/audio/speech", body, stopped);
    const url = URL.createObjectURL(await answer.blob());
    if (this.#spoken.value !== null) URL.revokeObjectURL(this.#spoken.value);
    this.#spoken.value = url;
  }
}
