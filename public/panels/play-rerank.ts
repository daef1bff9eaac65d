import { type Child, h } from "../dom.ts";
import { milliseconds } from "../format.ts";
import { ask, type GatewayModel } from "../play/gateway.ts";
import { signal } from "../store.ts";
import { PlayPanel } from "./play-panel.ts";

interface Ranked {
  readonly text: string;
  readonly score: number;
}

/** Several texts by how well they answer a question. */
export class PlayRerank extends PlayPanel {
  protected readonly kind = "reranker";
  protected readonly heading = "Rerank";
  protected readonly says = "texts by how well they answer";
  protected readonly nothing = "No reranker answers. Its state is under Services.";
  #ranked = signal<readonly Ranked[] | null>(null);

  protected content(models: readonly GatewayModel[]): Child {
    const ranked = this.#ranked.value;
    const took = this.tookMs.value;
    return [
      h(
        "label",
        { class: "field", "data-key": "query" },
        "Question",
        h("input", { type: "text", name: "query", required: true, autocomplete: "off" }),
      ),
      h(
        "label",
        { class: "field", "data-key": "documents" },
        "Texts, one a line",
        h("textarea", { name: "documents", rows: 3, required: true, autocomplete: "off" }),
      ),
      h("div", { class: "play-do", "data-key": "do" }, this.modelField(models), this.buttons("Rerank")),
      ranked !== null &&
        h(
          "div",
          { class: "play-answer", role: "status", "data-key": "answer" },
          h(
            "ol",
            { class: "ranked" },
            ...ranked.map(({ text, score }) => h("li", {}, h("b", {}, score.toFixed(3)), " ", text)),
          ),
          took !== null &&
            h("p", { class: "dim" }, `Best first, after ${milliseconds(took)}. The scores are the reranker's own.`),
        ),
    ];
  }

  protected async ask(form: FormData, stopped: AbortSignal): Promise<void> {
    const documents = String(form.get("documents") ?? "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
    const body = { model: form.get("model"), query: form.get("query"), documents };
    const { results } = (await (await ask("/v1/rerank", body, stopped)).json()) as {
      results: { index: number; relevance_score: number }[];
    };
    this.#ranked.value = results.map(({ index, relevance_score }) => ({
      text: documents[index] ?? "",
      score: relevance_score,
    }));
  }
}
