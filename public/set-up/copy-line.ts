/** A line to paste elsewhere, with a button that copies it. */
import { copyText } from "../copy.ts";
import { type Child, h, picture } from "../dom.ts";

export function copyLine(text: string, label: string): Child {
  return h(
    "div",
    { class: "su-line" },
    h("pre", { tabindex: 0, role: "group", "aria-label": label }, h("code", {}, text)),
    h(
      "button",
      { class: "btn sm", type: "button", "data-act": "copy", "aria-label": `Copy: ${label}` },
      picture("i-copy"),
      "Copy",
    ),
  );
}

/** @param button within what `copyLine` made */
export function copyFrom(button: HTMLElement): void {
  const text = button.parentElement?.querySelector("code")?.textContent ?? "";
  if (text !== "") void copyText(text, button);
}
