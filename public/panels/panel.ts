/** What every panel does: render from signals, keep what is already there, answer to clicks. */
import { type Child, morph } from "../dom.ts";
import { effect } from "../store.ts";

export abstract class Panel extends HTMLElement {
  #stop: (() => void) | undefined;

  connectedCallback(): void {
    this.addEventListener("click", this);
    this.#stop = effect(() => {
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

  /** The content; undefined keeps what the page came with. Signals read here render it again. */
  protected abstract render(): Child | undefined;

  /** A click on an element with `data-act`. */
  protected act(_name: string, _origin: HTMLElement): void {}
}
