import { h, morph, picture } from "../dom.ts";
import { PAGES, type Page } from "../pages.ts";
import { place } from "../router.ts";
import { sheet, title } from "./sheet.ts";

/** On a phone: the pages that the bar at the bottom has no room for. */
export class MorePages extends HTMLElement {
  #parts = sheet("more-h");

  connectedCallback(): void {
    const { dialog, head, foot } = this.#parts;
    this.append(dialog);
    morph(head, title("more-h", "More"));
    foot.remove();
  }

  show(): void {
    const { page } = place.value;
    const pages = (PAGES as readonly Page[]).flatMap(({ id, path, title: name, rail }) => {
      const here = id === (page.within ?? page.id) ? "page" : null;
      return rail && !rail.onPhone ? [h("a", { href: path, "aria-current": here }, picture(rail.icon), name)] : [];
    });
    morph(this.#parts.body, h("nav", { class: "more-pages", "aria-label": "More pages" }, ...pages));
    if (!this.#parts.dialog.open) this.#parts.dialog.showModal();
    this.querySelector<HTMLElement>("nav a")?.focus();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "more-pages": MorePages;
  }
}
