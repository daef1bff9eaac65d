import { tryCopy } from "../copy.ts";
import { h, picture } from "../dom.ts";
import { grouped, plural } from "../format.ts";
import type { LogLine } from "../log/line-buffer.ts";
import { LineList } from "../log/line-list.ts";
import { LineSearch } from "../log/line-search.ts";
import type { LineSource, SourceEvents } from "../log/line-source.ts";
import { type LogAction, LogHead } from "../log/log-head.ts";
import { say } from "../say.ts";
import { effect } from "../store.ts";

const SEARCH_AFTER_MS = 150;

/**
 * A log: search, pause and follow, copy, download. The newest 10,000 lines are kept; how many are not is said, and the whole
 * can be downloaded. Scrolling up pauses. Closed by a `details` around it, it loads nothing.
 */
export abstract class LogView extends HTMLElement {
  #head = new LogHead();
  #search = new LineSearch();
  #source: LineSource | null = null;
  #list = new LineList((isFollowing) => this.#followed(isFollowing));
  #toEndText = h("span");
  #toEnd = h(
    "button",
    { class: "btn sm log-to-end", type: "button", "data-log": "follow", hidden: true },
    picture("i-down"),
    this.#toEndText,
  );
  #note = h("p", { class: "log-note", role: "status" });
  #stop: (() => void) | undefined;
  #typing: ReturnType<typeof setTimeout> | undefined;

  protected abstract readonly label: string;
  /** Of the whole log as text. */
  protected abstract readonly wholeUrl: string;
  protected abstract open(events: SourceEvents): LineSource;
  /** Whether more may come; reads signals. */
  protected abstract isRunning(): boolean;
  /** Why nothing comes although it might; null when all is well. Reads signals. */
  protected trouble(): string | null {
    return null;
  }

  connectedCallback(): void {
    this.#list.label = this.label;
    this.replaceChildren(
      this.#head.element,
      this.#note,
      h("div", { class: "log-box" }, this.#list.element, this.#toEnd),
    );
    for (const type of ["click", "input", "keydown"]) this.addEventListener(type, this);
    const folded = this.closest("details");
    if (folded && !folded.open) folded.addEventListener("toggle", () => this.#open(), { once: true });
    else this.#open();
    this.#stop = effect(() => this.#show());
  }

  disconnectedCallback(): void {
    this.#stop?.();
    this.#source?.close();
    this.#source = null;
    this.#list.disconnect();
    clearTimeout(this.#typing);
  }

  handleEvent(event: Event): void {
    if (event.type === "input") {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#startSearch(), SEARCH_AFTER_MS);
    } else if (event instanceof KeyboardEvent && event.target === this.#head.input) this.#key(event);
    else if (event.type === "click" && event.target instanceof Element) {
      const button = event.target.closest<HTMLElement>("[data-log]");
      if (button) this.#act(button.dataset.log as LogAction, button);
    }
  }

  #open(): void {
    if (this.#source || !this.isConnected) return;
    this.#source = this.open({
      onLines: (fresh) => this.#take(fresh),
      onChange: () => this.#show(),
    });
    this.#list.connect();
  }

  #take(fresh: readonly LogLine[]): void {
    if (!this.#source) return;
    const { buffer } = this.#source;
    this.#list.show(buffer.lines);
    if (this.#search.query !== "") {
      if (fresh.length === 0) this.#search.start(this.#search.query, buffer.lines);
      else this.#search.append(fresh);
      this.#search.dropBefore(buffer.first);
    }
    this.#show();
  }

  #act(action: LogAction, button: HTMLElement): void {
    if (action === "follow") {
      this.#list.isFollowing = !this.#list.isFollowing;
      this.#followed(this.#list.isFollowing);
      // The button that was pressed goes away; the keys go on in the log.
      if (this.#toEnd.contains(document.activeElement)) this.#list.element.focus({ preventScroll: true });
    } else if (action === "copy") void this.#copy(button);
    else this.#step(action === "next" ? 1 : -1);
  }

  #followed(isFollowing: boolean): void {
    if (this.#source) this.#source.isPaused = !isFollowing;
    this.#show();
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Enter") {
      event.preventDefault();
      if (this.#head.input.value.trim().toLowerCase() !== this.#search.query) this.#startSearch();
      else this.#step(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape" && this.#head.input.value !== "") {
      // Once for the search, again for the dialog around it.
      event.preventDefault();
      event.stopPropagation();
      this.#head.input.value = "";
      this.#startSearch();
    }
  }

  #startSearch(): void {
    clearTimeout(this.#typing);
    this.#search.start(this.#head.input.value, this.#source?.buffer.lines ?? []);
    if (this.#search.count > 0) this.#step(1);
    else {
      this.#mark();
      this.#show();
      this.#head.say(this.#search.query === "" ? "" : "No line matches.");
    }
  }

  #step(direction: 1 | -1): void {
    const seq = this.#search.step(direction, this.#list.firstInView);
    this.#mark();
    if (seq === null) return;
    this.#list.reveal(seq);
    this.#followed(false);
    this.#head.say(
      `${this.#search.place} of ${plural(this.#search.count, "line")} that ${this.#search.count === 1 ? "matches" : "match"}.`,
    );
  }

  #mark(): void {
    this.#list.highlight = { query: this.#search.query, current: this.#search.current };
  }

  async #copy(near: HTMLElement): Promise<void> {
    try {
      const answer = await fetch(this.wholeUrl, { cache: "no-store" });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const text = await answer.text();
      const isCopied = await tryCopy(text, near);
      if (isCopied) say(`Copied ${plural(text.split("\n").length - 1, "line")}.`);
      else say("This browser does not let the page copy. Download the log instead.");
    } catch {
      say("The log could not be fetched. Nothing was copied.");
    }
  }

  #show(): void {
    const isRunning = this.isRunning();
    const isFollowing = this.#list.isFollowing;
    const { place, count, query } = this.#search;
    this.#head.show({
      facts: this.#facts(isFollowing),
      isFollowing,
      isRunning,
      matches: query === "" ? "" : `${place} of ${grouped(count)}`,
      downloadUrl: this.wholeUrl,
    });
    const trouble = this.trouble() ?? "";
    if (this.#note.textContent !== trouble) this.#note.textContent = trouble;
    const waiting = this.#source?.waiting ?? 0;
    const text = waiting > 0 ? `${plural(waiting, "new line")}` : "To the end";
    if (this.#toEndText.textContent !== text) this.#toEndText.textContent = text;
    this.#toEnd.hidden = isFollowing;
  }

  #facts(isFollowing: boolean): string {
    if (!this.#source) return "";
    const { buffer, waiting, isMissing } = this.#source;
    if (isMissing) return "This log is not available";
    const facts = [plural(buffer.lines.length, "line")];
    if (buffer.skipped > 0 && buffer.lines.length > 0) facts.push(`${plural(buffer.skipped, "line")} skipped`);
    if (!isFollowing && waiting > 0) facts.push(`${plural(waiting, "line")} waiting`);
    return facts.join(", ");
  }
}
