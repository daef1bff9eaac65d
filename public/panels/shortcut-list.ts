import { h, morph } from "../dom.ts";
import { PAGES, type Page } from "../pages.ts";
import { sheet, title } from "./sheet.ts";

const GENERAL = [
  ["Jump to, or do", "Ctrl K"],
  ["Swap to another model", "s"],
  ["Filter the models", "/"],
  ["This list", "?"],
  ["Close, or the harmless answer", "Esc"],
] as const;

/** What the keyboard can do. */
export class ShortcutList extends HTMLElement {
  #parts = sheet("keys-h");

  connectedCallback(): void {
    const { dialog, head, body, foot } = this.#parts;
    this.append(dialog);
    morph(head, title("keys-h", "Shortcuts"));
    const pages = (PAGES as readonly Page[]).flatMap((page) =>
      page.rail ? [[page.title, `g ${page.rail.key}`] as const] : [],
    );
    const line = ([what, keys]: readonly [string, string]) =>
      h(
        "div",
        {},
        h("dt", {}, what),
        h("dd", {}, ...keys.split(" ").map((key, at) => [at > 0 && " ", h("kbd", {}, key)])),
      );
    morph(body, h("dl", { class: "keys" }, ...GENERAL.map(line), ...pages.map(line)));
    morph(foot, h("p", {}), h("button", { class: "btn", type: "submit", autofocus: true }, "Close"));
  }

  show(): void {
    if (!this.#parts.dialog.open) this.#parts.dialog.showModal();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "shortcut-list": ShortcutList;
  }
}
