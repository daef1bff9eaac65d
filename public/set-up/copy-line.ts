/**
 * A line to paste elsewhere, with a button that copies it. Plain HTTP on a LAN has no clipboard API: there the old
 * command is tried, and where even that is refused the line is selected.
 */
import { type Child, h } from "../dom.ts";
import { signal } from "../store.ts";

const SHOWN_MS = 2_500;

/** The line that was copied last, and how that went. */
const outcome = signal<{ readonly text: string; readonly word: string } | null>(null);
let forget: ReturnType<typeof setTimeout> | undefined;

export function copyLine(text: string, label: string): Child {
  const word = outcome.value?.text === text ? outcome.value.word : "Copy";
  return h(
    "div",
    { class: "su-line" },
    h("pre", { tabindex: 0, role: "group", "aria-label": label }, h("code", {}, text)),
    h("button", { class: "btn sm", type: "button", "data-act": "copy", "aria-label": `${word}: ${label}` }, word),
  );
}

/** For screen readers; one in each element that has lines. */
export function copyStatus(): Child {
  return h("p", { class: "vh", role: "status" }, outcome.value?.word ?? "");
}

/** @param button within what `copyLine` made */
export async function copyFrom(button: HTMLElement): Promise<void> {
  const code = button.parentElement?.querySelector("code");
  const text = code?.textContent ?? "";
  if (!code || text === "") return;
  const copied = (await byClipboard(text)) || byCommand(code);
  if (!copied) select(code);
  outcome.value = { text, word: copied ? "Copied" : "Press Ctrl C" };
  clearTimeout(forget);
  forget = setTimeout(() => {
    outcome.value = null;
  }, SHOWN_MS);
}

async function byClipboard(text: string): Promise<boolean> {
  if (!isSecureContext || !navigator.clipboard) return false;
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}

function byCommand(code: Element): boolean {
  select(code);
  try {
    if (!document.execCommand("copy")) return false;
    getSelection()?.removeAllRanges();
    return true;
  } catch {
    return false;
  }
}

function select(code: Element): void {
  getSelection()?.selectAllChildren(code);
}
