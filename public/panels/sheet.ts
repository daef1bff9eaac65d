/** The parts of every dialog: a question, what follows from the answer, the answers. On a phone it is a sheet. */
import { type Child, h, picture } from "../dom.ts";

export interface Sheet {
  readonly dialog: HTMLDialogElement;
  readonly head: HTMLElement;
  readonly body: HTMLElement;
  readonly foot: HTMLElement;
}

/** @param headingId of the element that the owner puts into the head */
export function sheet(headingId: string, size: "" | "narrow" = ""): Sheet {
  const head = h("div", { class: "dlg-head" });
  const body = h("div", { class: "dlg-body" });
  const foot = h("div", { class: "dlg-foot" });
  const form = h("form", { method: "dialog" }, head, body, foot);
  const dialog = h("dialog", { class: `dialog ${size}`.trim(), "aria-labelledby": headingId }, form);
  // A click beside the dialog is the harmless answer.
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return { dialog, head, body, foot };
}

export function title(id: string, text: string): Child[] {
  return [
    h("h2", { id, "data-key": "title" }, text),
    h("button", { class: "btn icon-only", type: "submit", "aria-label": "Close", "data-key": "close" }, picture("i-x")),
  ];
}

/** After an answer that changes the page, what had the focus may be gone; the title of the page is always there. */
export function focusTitle(): void {
  if (document.querySelector("dialog[open]")) return;
  document.querySelector<HTMLElement>("#page-title")?.focus({ preventScroll: true });
}

export function refusal(sentence: string): HTMLElement {
  return h("p", { class: "refusal", role: "alert", "data-key": "refusal" }, picture("g-bad"), sentence);
}
