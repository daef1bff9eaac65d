/** What stands above the lines: how many there are, search, pause and follow, copy, download. Built once, then updated. */
import { h, picture } from "../dom.ts";

export interface HeadState {
  /** "1,204 lines, 300 lines skipped" */
  readonly facts: string;
  readonly isFollowing: boolean;
  /** Whether more may come; a log that is complete cannot be followed. */
  readonly isRunning: boolean;
  /** "3 of 17"; empty without a search. */
  readonly matches: string;
  readonly downloadUrl: string;
}

export type LogAction = "follow" | "next" | "previous" | "copy";

export class LogHead {
  readonly input = h("input", {
    type: "search",
    placeholder: "Search the log",
    spellcheck: "false",
    enterkeyhint: "search",
  });
  #facts = h("p", { class: "dim num" });
  #matches = h("span", { class: "log-matches num" });
  #steps = h(
    "span",
    { class: "log-steps" },
    iconButton("previous", "Previous match", "i-chevron"),
    iconButton("next", "Next match", "i-chevron"),
  );
  #followText = h("span");
  #follow = h("button", { class: "btn sm", type: "button", "data-log": "follow" }, picture("i-down"), this.#followText);
  #download = h(
    "a",
    { class: "btn sm icon-only", download: true, "aria-label": "Download the log", title: "Download the log" },
    picture("i-download"),
  );
  /** Said to screen readers, and only after something was done: the lines themselves would never end. */
  #said = h("span", { class: "vh", role: "status" });

  readonly element = h(
    "div",
    { class: "log-head" },
    h("h3", {}, "Log"),
    this.#facts,
    this.#said,
    h(
      "label",
      { class: "search" },
      picture("i-search"),
      h("span", { class: "vh" }, "Search the log"),
      this.input,
      this.#matches,
    ),
    this.#steps,
    h("div", { class: "seg" }, this.#follow, iconButton("copy", "Copy the log", "i-copy"), this.#download),
  );

  show({ facts, isFollowing, isRunning, matches, downloadUrl }: HeadState): void {
    setText(this.#facts, facts);
    setText(this.#matches, matches);
    this.#steps.hidden = matches === "";
    this.#follow.hidden = !isRunning;
    setText(this.#followText, isFollowing ? "Pause" : "Follow");
    if (this.#download.getAttribute("href") !== downloadUrl) this.#download.setAttribute("href", downloadUrl);
  }

  /** What came of a search, for screen readers. */
  say(words: string): void {
    setText(this.#said, words);
  }
}

function iconButton(action: LogAction, label: string, icon: string): HTMLButtonElement {
  const attributes = {
    class: "btn sm icon-only",
    type: "button",
    "data-log": action,
    "aria-label": label,
    title: label,
  };
  return h("button", attributes, picture(icon));
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
