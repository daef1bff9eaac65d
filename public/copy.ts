/**
 * Copying text. The clipboard API exists on HTTPS and localhost only; on plain HTTP a hidden field and the old command do
 * it, and where even that fails the text is selected and the person is told.
 */
import { say } from "./say.ts";

/** @param near the button; what it stands in keeps the focus inside an open dialog */
export async function copyText(text: string, near: HTMLElement): Promise<void> {
  if (await tryCopy(text, near)) return say("Copied.");
  const shown = near.parentElement?.querySelector("code");
  if (shown) getSelection()?.selectAllChildren(shown);
  say("This browser does not let the page copy. The text is selected: press Ctrl C.");
}

/** The same without a word. @returns whether it is in the clipboard */
export async function tryCopy(text: string, near: HTMLElement): Promise<boolean> {
  return (await byClipboard(text)) || byCommand(text, near);
}

async function byClipboard(text: string): Promise<boolean> {
  if (!isSecureContext || !navigator.clipboard) return false;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function byCommand(text: string, near: HTMLElement): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "vh";
  field.readOnly = true;
  near.after(field);
  field.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
    near.focus();
  }
}
