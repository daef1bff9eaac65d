/**
 * The page is shown once its first data are in it, so that nothing moves under anybody's hand. frame.css hides it until
 * then, for two and a half seconds at the most; without scripts it is never hidden.
 */
import { controller, settled } from "./state.ts";
import { effect } from "./store.ts";

/** The first data, and what panels ask for because of them. */
let waiting = 1;

export function startReveal(): void {
  const stop = effect(() => {
    if (!controller.value || settled.value === null) return;
    // After the panels have rendered with it.
    setTimeout(() => {
      stop();
      arrived();
    });
  });
}

/** What a panel asks for when it is shown: the page waits for it too. */
export function awaited<Answer>(work: Promise<Answer>): Promise<Answer> {
  if (document.documentElement.hasAttribute("data-shown")) return work;
  waiting++;
  return work.finally(() => setTimeout(arrived));
}

function arrived(): void {
  if (--waiting <= 0) document.documentElement.setAttribute("data-shown", "");
}
