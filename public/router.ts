/** Where the page is: real addresses, the History API, and what moves with a page: focus, title, scroll. */

import { isReady, loadPage } from "./page-loads.ts";
import { type Place, placeOf } from "./pages.ts";
import { say } from "./say.ts";
import { signal } from "./store.ts";

export const place = signal<Place>(placeOf(location.pathname));

/**
 * Goes to a page of the dashboard, without loading the document again.
 * @returns once the page is shown
 */
export async function navigate(path: string): Promise<void> {
  if (path !== location.pathname) history.pushState(null, "", path);
  if (!(await arrive())) return;
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
    void navigate(link.pathname);
  });
  window.addEventListener("popstate", () => void arrive());
  show(place.value);
  // What the document came with is on its way: this only notes it.
  for (const view of document.querySelectorAll<HTMLElement>("main > [data-page]:not([hidden])"))
    loadPage(view).catch(() => undefined);
}

/** @returns whether the page is shown; not when another one was wanted meanwhile, or it cannot be had */
async function arrive(): Promise<boolean> {
  const next = placeOf(location.pathname);
  // A dialog belongs to the page that it was opened on.
  for (const dialog of document.querySelectorAll("dialog[open]")) (dialog as HTMLDialogElement).close();
  const view = document.querySelector<HTMLElement>(`main > [data-page="${next.page.id}"]`);
  const wanted = location.href;
  if (view && !isReady(view)) {
    try {
      await loadPage(view);
    } catch {
      if (location.href === wanted) await missed("This page");
      return false;
    }
    if (location.href !== wanted) return false;
  }
  show(next);
  place.value = next;
  return true;
}

/** The files of something are not there: another version has been installed, or nobody answers. @param what begins a sentence */
export async function missed(what: string): Promise<void> {
  const answers = await fetch("/health").then(
    ({ ok }) => ok,
    () => false,
  );
  if (answers) location.reload();
  else say(`${what} cannot be opened: Spark Control does not answer. Try again once it is back.`);
}

/** The document came with its own page shown: this changes nothing at the first call. */
function show({ page }: Place): void {
  for (const view of document.querySelectorAll<HTMLElement>("main > [data-page]"))
    view.hidden = view.dataset.page !== page.id;
  const own = page.within ?? page.id;
  for (const entry of document.querySelectorAll<HTMLElement>("[data-nav]")) {
    // More stands for several pages.
    if (entry.dataset.nav?.split(" ").includes(own))
      entry.setAttribute("aria-current", entry.localName === "a" ? "page" : "true");
    else entry.removeAttribute("aria-current");
  }
  const title = document.querySelector("#page-title");
  if (title && title.textContent !== page.title) title.textContent = page.title;
}
