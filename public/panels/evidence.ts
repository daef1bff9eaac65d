/** The line that shows why. */
import type { SwapJob } from "../api.ts";
import { type Child, h } from "../dom.ts";

export function evidence({ evidence: text }: NonNullable<SwapJob["failure"]>, link?: Child): Child {
  if (text === null) return null;
  return h(
    "figure",
    { class: "evidence", "data-key": "evidence" },
    h("figcaption", {}, "Evidence", link),
    h("pre", { tabindex: 0 }, h("code", {}, text)),
  );
}
