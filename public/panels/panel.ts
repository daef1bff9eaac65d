/** What every panel does: render from signals, keep what is already there, answer to clicks. */
import { type Child, morph } from "../dom.ts";
import { place } from "../router.ts";
import { effect } from "../store.ts";

let count = 0;

export abstract class Panel extends HTMLElement {
  #stop: (() => void) | undefined;
  readonly #number = ++count;

  connectedCallback(): void {
    this.addEventListener("click", this);
    const page = this.closest<HTMLElement>("[data-page]")?.dataset.page;
    this.#stop = effect(() => {
      // A panel of a page that is not shown does nothing.
      if (page !== undefined && place.value.page.id !== page) return;
      const children = this.render();
      if (children !== undefined) morph(this, children);
    });
  }

  disconnectedCallback(): void {
    this.removeEventListener("click", this);
    this.#stop?.();
  }

  handleEvent(event: Event): void {
    const origin = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-act]") : null;
    if (origin && this.contains(origin)) this.act(origin.dataset.act ?? "", origin);
  }

  /** An id that no other panel uses, for headings and reasons. Without spaces: `aria-labelledby` is a list. */
  protected idOf(name: string): string {
    return `${this.localName}-${this.#number}-${name.replace(/\s+/g, "-")}`;
  }

  /** The content; undefined keeps what the page came with. Signals read here render it again. */
  protected abstract render(): Child | undefined;

  /** A click on an element with `data-act`. */
  protected act(_name: string, _origin: HTMLElement): void {}
}
