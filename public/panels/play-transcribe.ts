import { type Child, h } from "../dom.ts";
import { milliseconds } from "../format.ts";
import { ask, type GatewayModel } from "../play/gateway.ts";
import { signal } from "../store.ts";
import { PlayPanel } from "./play-panel.ts";

/** A recording becomes text. */
export class PlayTranscribe extends PlayPanel {
  protected readonly kind = "asr";
  protected readonly heading = "Transcribe";
  protected readonly says = "a recording becomes text";
  protected readonly nothing = "No service for speech recognition answers. Its state is under Services.";
  #text = signal<string | null>(null);

  protected content(models: readonly GatewayModel[]): Child {
    const text = this.#text.value;
    const took = this.tookMs.value;
    return [
      h(
        "label",
        { class: "field", "data-key": "file" },
        "Recording",
        h("input", {
          type: "file",
          name: "file",
          accept: "audio/*,video/*",
          required: true,
          "aria-describedby": this.idOf("about"),
        }),
        h(
          "span",
          { class: "dim", id: this.idOf("about") },
          isSecureContext
            ? "At most 200 MB."
            : "At most 200 MB. Browsers lend the microphone only to pages over HTTPS, and this one comes over plain HTTP: record elsewhere and choose the file.",
        ),
      ),
      h("div", { class: "play-do", "data-key": "do" }, this.modelField(models), this.buttons("Transcribe")),
      text !== null &&
        h(
          "div",
          { class: "play-answer", role: "status", "data-key": "answer" },
          h("p", { class: "turn-text" }, text === "" ? "Nothing was said in it." : text),
          took !== null && h("p", { class: "dim" }, `After ${milliseconds(took)}.`),
        ),
    ];
  }

  protected async ask(form: FormData, stopped: AbortSignal): Promise<void> {
    const body = new FormData();
    for (const name of ["file", "model"]) {
      const value = form.get(name);
      if (value !== null) body.set(name, value);
    }
    body.set("response_format", "json");
    const answer = (await (await ask("/v1/audio/transcriptions", body, stopped)).json()) as { text?: unknown };
    this.#text.value = typeof answer.text === "string" ? answer.text.trim() : "";
  }
}
