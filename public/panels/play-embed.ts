import { type Child, h } from "../dom.ts";
import { grouped, milliseconds } from "../format.ts";
import { ask, type GatewayModel } from "../play/gateway.ts";
import { likeness } from "../play/likeness.ts";
import { signal } from "../store.ts";
import { PlayPanel } from "./play-panel.ts";

const SHOWN = 6;

/** Two texts become vectors; how alike they are. */
export class PlayEmbed extends PlayPanel {
  protected readonly kind = "embeddings";
  protected readonly heading = "Embed";
  protected readonly says = "how alike two texts are";
  protected readonly nothing = "No embeddings service answers. Its state is under Services.";
  #vectors = signal<readonly (readonly number[])[]>([]);

  protected content(models: readonly GatewayModel[]): Child {
    const [one, other] = this.#vectors.value;
    const took = this.tookMs.value;
    return [
      ...(["One text", "Another text"] as const).map((word, at) =>
        h(
          "label",
          { class: "field", "data-key": `text-${at}` },
          word,
          h("input", { type: "text", name: "text", required: true, autocomplete: "off" }),
        ),
      ),
      h("div", { class: "play-do", "data-key": "do" }, this.modelField(models), this.buttons("Embed")),
      one !== undefined &&
        other !== undefined &&
        h(
          "div",
          { class: "play-answer", role: "status", "data-key": "answer" },
          h("p", {}, "Alike: ", h("b", {}, likeness(one, other).toFixed(3)), " of 1 (cosine)."),
          h(
            "p",
            { class: "dim" },
            `${grouped(one.length)} numbers each${took === null ? "" : `, after ${milliseconds(took)}`}. The first begins `,
            h(
              "code",
              {},
              one
                .slice(0, SHOWN)
                .map((value) => value.toFixed(3))
                .join(", "),
            ),
            ".",
          ),
        ),
    ];
  }

  protected async ask(form: FormData, stopped: AbortSignal): Promise<void> {
    const body = { model: form.get("model"), input: form.getAll("text"), encoding_format: "float" };
    const { data } = (await (await ask("/v1/embeddings", body, stopped)).json()) as {
      data: { index: number; embedding: number[] }[];
    };
    this.#vectors.value = [...data].sort((a, b) => a.index - b.index).map(({ embedding }) => embedding);
  }
}
