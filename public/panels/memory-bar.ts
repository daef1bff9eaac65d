/** The memory of one Spark as one bar: what runs now, what is free. */
import { type Child, h, withProperties } from "../dom.ts";
import { gb } from "../format.ts";

export interface MemoryPart {
  readonly kind: "model" | "other" | "free";
  readonly label: string;
  readonly bytes: number;
}

export function memoryBar(parts: readonly MemoryPart[], label: string): HTMLElement {
  const shown = parts.filter(({ bytes }) => bytes > 0);
  const sentence = shown.map((part) => `${part.label} ${gb(part.bytes)} GB`).join(", ");
  return h(
    "div",
    { class: "mem", role: "img", "aria-label": `${label}: ${sentence}` },
    ...shown.map((part) => withProperties(h("i", { "data-k": part.kind }), { "--gb": gb(part.bytes) })),
  );
}

export function memoryKey(parts: readonly MemoryPart[], totalBytes: number): Child {
  return h(
    "ul",
    { class: "mem-key", "aria-hidden": "true" },
    ...parts.map((part) =>
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
