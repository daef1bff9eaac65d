import { h, morph, picture } from "../dom.ts";
import { PAGES, type Page } from "../pages.ts";
import { sheet, title } from "./sheet.ts";

/** On a phone: the pages that the bar at the bottom has no room for. */
export class MorePages extends HTMLElement {
  #parts = sheet("more-h");

  connectedCallback(): void {
    const { dialog, head, body, foot } = this.#parts;
    this.append(dialog);
    morph(head, title("more-h", "More"));
    const pages = (PAGES as readonly Page[]).flatMap(({ path, title: name, rail }) =>
      rail && !rail.onPhone ? [h("a", { href: path }, picture(rail.icon), name)] : [],
    );
    morph(body, h("nav", { class: "more-pages", "aria-label": "More pages" }, ...pages));
    foot.remove();
  }

  show(): void {
    if (!this.#parts.dialog.open) this.#parts.dialog.showModal();
    this.querySelector<HTMLElement>("nav a")?.focus();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "more-pages": MorePages;
  }
}
