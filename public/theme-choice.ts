/** The theme that was chosen in this browser. early.ts puts it in place before the first paint. */
import { signal } from "./store.ts";

export const THEMES = [
  { id: "system", label: "System" },
  { id: "light", label: "Light" },
  { id: "dark", label: "Dark" },
] as const;
export type Theme = (typeof THEMES)[number]["id"];

const KEY = "theme";

export const theme = signal<Theme>(read());

export function chooseTheme(wanted: Theme): void {
  if (wanted === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, wanted);
  apply(wanted);
}

/** Another tab chose. */
export function followTheme(): void {
  window.addEventListener("storage", ({ key }) => {
    if (key === KEY || key === null) apply(read());
  });
}

function apply(wanted: Theme): void {
  const root = document.documentElement;
  if (wanted === "system") delete root.dataset.theme;
  else root.dataset.theme = wanted;
  theme.value = wanted;
}

function read(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}
