/** A classic script in the head: what has to be in place before the first paint. */
const KEY = "theme";
const kept = localStorage.getItem(KEY);
const root = document.documentElement;
if (kept === "light" || kept === "dark") root.dataset.theme = kept;

// How many models, Sparks and slots to keep room for: routes/_first-look.ts.
for (const [, name = "", count = ""] of (root.dataset.first ?? "").matchAll(/(\w+)-(\d+)/g))
  root.style.setProperty(`--${name}`, count);
// News that was put away in this browser.
if (root.dataset.news && root.dataset.news === localStorage.getItem("dismissed-swap"))
  root.dataset.first = root.dataset.first?.replace(/\b(?:bad-)?news\b/, "") ?? "";
