/** The memory of one Spark as one bar: what runs now, what goes, what is to come, what is free. */
import { type Child, h, withProperties } from "../dom.ts";
import { gb } from "../format.ts";

export interface MemoryPart {
  /** gone: dashed, about to be given back. todo: outlined, still to come. */
  readonly kind: "model" | "ctx" | "other" | "free" | "tight" | "gone" | "gone-ctx" | "todo";
  readonly label: string;
  readonly bytes: number;
  /** Written on the bar, where there is room. */
  readonly caption?: string;
}

export function memoryBar(parts: readonly MemoryPart[], label: string, size: "" | "big" | "mini" = ""): HTMLElement {
  const shown = parts.filter(({ bytes }) => bytes > 0);
  const sentence = shown.map((part) => `${part.label} ${gb(part.bytes)} GB`).join(", ");
  return h(
    "div",
    { class: `mem ${size}`.trim(), role: "img", "aria-label": `${label}: ${sentence}` },
    ...shown.map((part) =>
      withProperties(h("i", { "data-k": part.kind, title: part.caption }, part.caption), { "--gb": part.bytes / 1e9 }),
    ),
  );
}

export function memoryKey(parts: readonly MemoryPart[], totalBytes: number): Child {
  return h(
    "ul",
    { class: "mem-key", "aria-hidden": "true" },
    ...parts
      .filter((part) => part.kind === "free" || gb(part.bytes) > 0)
      .map((part) =>
        h(
          "li",
          { "data-k": part.kind },
          h("i"),
          `${part.label} `,
          h("b", {}, gb(part.bytes)),
          part.kind === "free" && ` of ${gb(totalBytes)} GB`,
        ),
      ),
  );
}
