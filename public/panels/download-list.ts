import { sentenceOf } from "../api.ts";
import { cancelDownload, type Download, fetchDownloads, startDownload } from "../catalog/calls.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { about, clockTime, joined, size } from "../format.ts";
import { withNews } from "../news.ts";
import { controller, downloads, modelName } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { pill, type Tone } from "./pill.ts";
import { refusal } from "./sheet.ts";

const WORDS: Readonly<Record<Download["state"], readonly [Tone, string]>> = {
  starting: ["move", "Starting"],
  downloading: ["move", "Downloading"],
  copying: ["move", "Copying"],
  cancelling: ["move", "Stopping"],
  done: ["ok", "Done"],
  failed: ["bad", "Failed"],
  cancelled: ["off", "Cancelled"],
};
/** Those that are over and still shown. */
const MOST_OVER = 5;

const isOver = ({ ended_at: at }: Download): boolean => at !== null;

/** Downloads that run, and the last ones; only there when there are any. */
export class DownloadList extends Panel {
  #all = signal<readonly Download[]>([]);
  #failed = signal<string | null>(null);
  #askedFor: unknown = null;
  #heard: readonly Download[] = [];

  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    if (this.#askedFor !== controller.value) {
      this.#askedFor = controller.value;
      void this.#try(async () => {
        const before = downloads.all;
        const { downloads: known } = await fetchDownloads();
        this.#all.value = withNews(known, downloads.all, before);
      });
    }
    const heard = downloads.all;
    if (heard !== this.#heard) {
      const before = this.#heard;
      this.#heard = heard;
      queueMicrotask(() => {
        this.#all.value = withNews(this.#all.value, heard, before);
      });
    }
    const all = this.#all.value;
    const shown = [...all.filter((each) => !isOver(each)), ...all.filter(isOver).slice(0, MOST_OVER)];
    const failed = this.#failed.value;
    if (shown.length === 0 && failed === null) return null;
    return h(
      "section",
      { class: "panel downloads", "aria-labelledby": this.idOf("h") },
      h("header", { class: "panel-head" }, h("h2", { id: this.idOf("h") }, "Downloads")),
      failed !== null && h("div", { class: "pad", "data-key": "failed" }, refusal(failed)),
      h("ul", { class: "rows" }, ...shown.map(row)),
    );
  }

  #take(one: Download): void {
    this.#all.value = withNews(this.#all.value, [one], []);
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.#failed.value = null;
    await work().catch((error) => {
      this.#failed.value = sentenceOf(error);
    });
  }

  protected override act(name: string, origin: HTMLElement): void {
    const { id, model } = origin.dataset;
    if (name === "cancel" && id) void this.#try(async () => this.#take(await cancelDownload(id)));
    if (name === "again" && model) void this.#try(async () => this.#take(await startDownload(model)));
  }
}

function row(one: Download): Child {
  const [tone, word] = WORDS[one.state];
  const name = one.model === null ? one.repo : modelName(one.model);
  const over = isOver(one);
  const percent = one.progress === null ? null : Math.round(one.progress * 100);
  return h(
    "li",
    { "data-key": one.id, "aria-label": name },
    h(
      "div",
      {},
      h("b", {}, name),
      h("span", { class: "dim" }, one.nodes.join(", ")),
      !over && h("progress", { max: 100, value: percent, "aria-label": `Download of ${name}` }),
      !over && h("span", { class: "dim" }, figures(one)),
      one.reason !== null && h("p", {}, one.reason),
      one.advice !== null && h("span", { class: "dim" }, one.advice),
      one.evidence !== null && over && one.state === "failed" && h("code", {}, one.evidence),
    ),
    h(
      "div",
      { class: "acts" },
      pill(
        tone,
        over
          ? `${word}, ${clockTime(one.ended_at ?? "", quarterMinute.value)}`
          : percent === null
            ? word
            : `${word}, ${percent} %`,
      ),
      !over &&
        one.state !== "cancelling" &&
        h(
          "button",
          {
            class: "btn sm",
            type: "button",
            "data-act": "cancel",
            "data-id": one.id,
            "aria-label": `Cancel the download of ${name}`,
          },
          "Cancel",
        ),
      (one.state === "failed" || one.state === "cancelled") &&
        one.model !== null &&
        h(
          "button",
          {
            class: "btn sm",
            type: "button",
            "data-act": "again",
            "data-model": one.model,
            "aria-label": `Go on with the download of ${name}`,
          },
          "Go on",
        ),
    ),
  );
}

function figures({ bytes, total_bytes: total, bytes_per_second: speed, eta_seconds: left }: Download): string {
  return joined(
    bytes !== null && `${size(bytes)}${total === null ? "" : ` of ${size(total)}`}`,
    speed !== null && `${size(speed)}/s`,
    left !== null && `${about(left)} left`,
  );
}
