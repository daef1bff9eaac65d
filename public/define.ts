/** Makes elements known to the browser. */
import { effect } from "./store.ts";
import { inTurn } from "./turns.ts";

export type Elements = Readonly<Record<string, CustomElementConstructor>>;

const RETRY_MS = 2_000;

/**
 * Several pages may have the same one: the first that is opened brings it. What the document came with stands as it is until
 * each has its turn.
 */
export function define(elements: Elements): void {
  for (const [name, element] of Object.entries(elements)) {
    const make = () => {
      if (!customElements.get(name)) customElements.define(name, element);
    };
    if (document.readyState === "complete") make();
    else inTurn(make);
  }
}

/**
 * For what a page seldom shows: its script is asked for the first time that it is needed, and again while that fails.
 *
 * @param isNeeded reads signals
 * @param load     `import()` of what has the elements
 */
export function defineWhen(isNeeded: () => boolean, load: () => Promise<Elements>): void {
  const attempt = () =>
    load().then(define, () => {
      setTimeout(attempt, RETRY_MS);
    });
  let isAsked = false;
  effect(() => {
    if (isAsked || !isNeeded()) return;
    isAsked = true;
    attempt();
  });
}
