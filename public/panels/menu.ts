/** A button with a menu below it: arrows, Home and End move, Esc and a click elsewhere close (APG menu button). */
import { type Child, h, morph } from "../dom.ts";
import { effect } from "../store.ts";

export abstract class Menu extends HTMLElement {
  #button: HTMLButtonElement | null = null;
  #menu = h("div", { class: "menu", role: "menu", hidden: true });
  #stop: (() => void) | undefined;
  #outside = (event: Event) => {
    if (event.target instanceof Node && !this.contains(event.target)) this.#close();
  };

  connectedCallback(): void {
    this.#button = this.querySelector("button");
    if (!this.#button) return;
    this.#button.setAttribute("aria-haspopup", "menu");
    this.#button.setAttribute("aria-expanded", "false");
    this.#menu.setAttribute("aria-label", this.#button.getAttribute("aria-label") ?? "Menu");
    if (!this.#menu.isConnected) this.append(this.#menu);
    this.addEventListener("click", this);
    this.addEventListener("keydown", this);
  }

  disconnectedCallback(): void {
    this.#close();
    this.removeEventListener("click", this);
    this.removeEventListener("keydown", this);
  }

  handleEvent(event: Event): void {
    const target = event.target instanceof Element ? event.target : null;
    if (event instanceof KeyboardEvent) this.#key(event);
    else if (target?.closest("button") === this.#button) this.#menu.hidden ? this.#open() : this.#close();
    else {
      const item = target?.closest<HTMLElement>("[role^=menuitem]");
      if (!item) return;
      this.#close();
      this.#button?.focus();
      this.choose(item.dataset.choice ?? "", item);
    }
  }

  /** Elements of role menuitem or menuitemradio with `data-choice`. Signals read here render it again. */
  protected abstract items(): Child;
  protected abstract choose(choice: string, item: HTMLElement): void;

  #open(): void {
    this.#stop = effect(() => morph(this.#menu, this.items()));
    this.#menu.hidden = false;
    this.#button?.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", this.#outside);
    const all = this.#all();
    (all.find((item) => item.getAttribute("aria-checked") === "true") ?? all[0])?.focus();
  }

  #close(): void {
    this.#stop?.();
    this.#menu.hidden = true;
    this.#button?.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", this.#outside);
  }

  #all(): HTMLElement[] {
    return [...this.#menu.querySelectorAll<HTMLElement>("[role^=menuitem]")];
  }

  #key(event: KeyboardEvent): void {
    if (this.#menu.hidden) {
      if (event.key !== "ArrowDown" || event.target !== this.#button) return;
      event.preventDefault();
      this.#open();
      return;
    }
    const all = this.#all();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") this.#close();
    if (event.key === "Escape") {
      event.stopPropagation();
      this.#close();
      this.#button?.focus();
    }
    if (next === undefined) return;
    event.preventDefault();
    all.at(next % all.length)?.focus();
  }
}
