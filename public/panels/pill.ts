/** A state: glyph and word, told apart by shape. */
import { type Child, h, picture } from "../dom.ts";

export type Tone = "ok" | "busy" | "move" | "warn" | "bad" | "off" | "unknown" | "held";

export function pill(tone: Tone, word: string): Child {
  return h("span", { class: "pill", "data-tone": tone }, picture(`g-${tone}`), word);
}
