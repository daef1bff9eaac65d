import type { LogLine } from "../../lib/swap/swap.ts";
import { h, morph } from "../dom.ts";
import { clockSeconds, plural } from "../format.ts";

const MOST_LINES = 2_000;
const FLUSH_MS = 250;
/** Still counts as being at the end. */
const END_PX = 24;

/**
 * The log of the swap in `data-job`, followed while it runs. At most 2,000 lines are kept; how many were dropped is
 * said. Closed by a `details` around it, it does not connect.
 */
export class SwapLog extends HTMLElement {
  #stream: EventSource | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #waiting: LogLine[] = [];
  #last = 0;
  #skipped = 0;
  #paused = false;
  #ended = false;
  #gone = false;
  #head = h("div", { class: "log-head" });
  #lines = h("div", { class: "log", role: "log", "aria-live": "off", "aria-label": "Log of the swap", tabindex: 0 });

  connectedCallback(): void {
    this.replaceChildren(this.#head, this.#lines);
    this.addEventListener("click", this);
    const folded = this.closest("details");
    if (folded && !folded.open) folded.addEventListener("toggle", () => this.#open(), { once: true });
    else this.#open();
    this.#showHead();
  }

  disconnectedCallback(): void {
    this.removeEventListener("click", this);
    this.#stream?.close();
    clearInterval(this.#timer);
  }

  handleEvent(event: Event): void {
    if (!(event.target instanceof Element) || !event.target.closest("[data-act=pause]")) return;
    this.#paused = !this.#paused;
    this.#flush();
    if (!this.#paused) this.#lines.scrollTop = this.#lines.scrollHeight;
    this.#showHead();
  }

  #open(): void {
    if (this.#stream || !this.isConnected) return;
    const stream = new EventSource(`/api/swap/${encodeURIComponent(this.dataset.job ?? "")}/stream`);
    this.#stream = stream;
    stream.addEventListener("log", (event) => this.#take((JSON.parse(event.data) as { lines: LogLine[] }).lines));
    stream.addEventListener("end", () => {
      stream.close();
      this.#ended = true;
      this.#flush();
      clearInterval(this.#timer);
    });
    stream.addEventListener("error", () => {
      this.#gone = stream.readyState === EventSource.CLOSED && !this.#ended;
      this.#showHead();
    });
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS);
  }

  /** A stream that begins again sends lines that are already here: the number tells. */
  #take(lines: readonly LogLine[]): void {
    for (const line of lines) {
      if (line.seq <= this.#last) continue;
      this.#skipped += line.seq - this.#last - 1;
      this.#last = line.seq;
      this.#waiting.push(line);
    }
    const tooMany = this.#waiting.length - MOST_LINES;
    if (tooMany > 0) {
      this.#waiting.splice(0, tooMany);
      this.#skipped += tooMany;
    }
  }

  #flush(): void {
    if (!this.#paused && this.#waiting.length > 0) {
      const box = this.#lines;
      const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < END_PX;
      box.append(...this.#waiting.splice(0).map(logLine));
      while (box.childElementCount > MOST_LINES) {
        box.firstElementChild?.remove();
        this.#skipped++;
      }
      if (atEnd) box.scrollTop = box.scrollHeight;
    }
    this.#showHead();
  }

  #showHead(): void {
    const count = this.#lines.childElementCount;
    const waiting = this.#paused && this.#waiting.length > 0 ? `${plural(this.#waiting.length, "line")} waiting` : null;
    const skipped = this.#skipped > 0 ? `${plural(this.#skipped, "line")} skipped` : null;
    const gone = this.#gone ? "This log is not available" : null;
    const facts = [gone ?? plural(count, "line"), skipped, waiting].filter((fact) => fact !== null);
    morph(
      this.#head,
      h("h3", {}, "Log"),
      h("span", { class: "dim" }, facts.join(", ")),
      h(
        "button",
        {
          class: "btn sm push",
          type: "button",
          "data-act": "pause",
          "aria-pressed": String(this.#paused),
          hidden: this.#ended && !this.#paused,
        },
        this.#paused ? "Follow" : "Pause",
      ),
    );
  }
}

function logLine({ at, source, line }: LogLine): HTMLElement {
  return h(
    "p",
    { "data-source": source === "controller" ? "controller" : null },
    h("time", { datetime: at }, clockSeconds(at)),
    h("span", { class: "log-source" }, source),
    h("code", {}, line),
  );
}
