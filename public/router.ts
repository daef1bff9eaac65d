/** Where the page is: real addresses, the History API, and what moves with a page: focus, title, scroll. */
import { type Place, placeOf } from "./pages.ts";
import { signal } from "./store.ts";

export const place = signal<Place>(placeOf(location.pathname));

/** Goes to a page of the dashboard, without loading the document again. */
export function navigate(path: string): void {
  if (path !== location.pathname) history.pushState(null, "", path);
  arrive();
  scrollTo(0, 0);
  document.querySelector<HTMLElement>("#page-title")?.focus({ preventScroll: true });
}

/** Takes over the links to the dashboard's own pages. */
export function startRouter(): void {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link?.getAttribute("href")?.startsWith("/") || link.target !== "" || link.hasAttribute("download")) return;
    if (placeOf(link.pathname).page.path === "*") return;
    event.preventDefault();
    navigate(link.pathname);
  });
  window.addEventListener("popstate", arrive);
  show(place.value);
}

function arrive(): void {
  const next = placeOf(location.pathname);
  // A dialog belongs to the page that it was opened on.
  for (const dialog of document.querySelectorAll("dialog[open]")) (dialog as HTMLDialogElement).close();
  show(next);
  place.value = next;
}

/** The document came with its own page shown: this changes nothing at the first call. */
function show({ page }: Place): void {
  for (const view of document.querySelectorAll<HTMLElement>("main > [data-page]"))
    view.hidden = view.dataset.page !== page.id;
  const own = page.within ?? page.id;
  for (const link of document.querySelectorAll<HTMLElement>("[data-nav]")) {
    if (link.dataset.nav === own) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = document.querySelector("#page-title");
  if (title && title.textContent !== page.title) title.textContent = page.title;
}
