/** Light, dark, or as the system has it. A classic script in the head: the theme is there before the first paint. */
const KEY = "theme";
const kept = localStorage.getItem(KEY);
if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
