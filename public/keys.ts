/** The shortcuts. Single letters only where nobody types, and never with a modifier. */
import { openDialog } from "./dialogs.ts";
import { PAGES, type Page } from "./pages.ts";
import { navigate, place } from "./router.ts";
import { say } from "./say.ts";
import { swapObstacle } from "./state.ts";

/** How long `g` waits for its letter. */
const PAIR_MS = 1_500;

let pairUntil = 0;

export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      void openDialog("command-palette", (palette) => palette.show());
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const wasPair = performance.now() < pairUntil;
    pairUntil = 0;
    if (wasPair && go(event.key)) event.preventDefault();
    else if (!wasPair && single(event.key)) event.preventDefault();
  });
  document.addEventListener("click", ({ target }) => {
    const opener = target instanceof Element ? target.closest<HTMLElement>("[data-open]") : null;
    if (opener?.dataset.open === "palette") void openDialog("command-palette", (palette) => palette.show());
    if (opener?.dataset.open === "more") document.querySelector("more-pages")?.show();
  });
}

function go(key: string): boolean {
  const page = (PAGES as readonly Page[]).find(({ rail }) => rail?.key === key);
  if (page) void navigate(page.path);
  return page !== undefined;
}

function single(key: string): boolean {
  switch (key) {
    case "g":
      pairUntil = performance.now() + PAIR_MS;
      return true;
    case "s": {
      const obstacle = swapObstacle();
      if (obstacle) say(obstacle.reason);
      else void openDialog("command-palette", (palette) => palette.chooseModel());
      return true;
    }
    case "/":
      return filterModels();
    case "?":
      void openDialog("shortcut-list", (list) => list.show());
      return true;
    default:
      return false;
  }
}

/** The filter of the page that is shown; where there is none, that of Models. */
function filterModels(): boolean {
  const shown = field();
  if (shown) shown.focus();
  else void navigate("/models").then(() => field()?.focus());
  return true;
}

const field = () => document.querySelector<HTMLElement>(`[data-page="${place.value.page.id}"] [data-filter]`);

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}
