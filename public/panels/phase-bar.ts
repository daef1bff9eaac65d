/** The steps of a swap as one bar, as long as they usually take. */
import { type Child, h, picture, withProperties } from "../dom.ts";
import { duration } from "../format.ts";
import type { Step } from "./phases.ts";

const GLYPHS = { done: "g-done", now: "g-move", failed: "g-bad", todo: null } as const;
/** So that a short step is still seen. */
const LEAST_SHARE = 0.02;

export function phaseBar(steps: readonly Step[], label: string): Child {
  const whole = steps.reduce((sum, step) => sum + step.usual, 0) || 1;
  return h(
    "ol",
    { class: "phases", "aria-label": label },
    ...steps.map((step) => {
      const glyph = GLYPHS[step.state];
      const bar = withProperties(h("i"), { "--done": step.done });
      return withProperties(
        h(
          "li",
          { "data-s": step.state, "data-key": step.name, "aria-current": step.state === "now" ? "step" : null },
          h("div", { class: "ph-bar", "aria-hidden": "true" }, bar),
          h("p", { class: "ph-name" }, glyph && picture(glyph), step.name),
          h("p", { class: "ph-time" }, timeOf(step)),
        ),
        { "--part": Math.max(step.usual / whole, LEAST_SHARE) },
      );
    }),
  );
}

function timeOf({ state, seconds, usual }: Step): string {
  if (seconds !== null) return duration(seconds);
  if (state === "done") return "not needed";
  if (usual === 0) return "–";
  // Whole, so that the steps of a plan add up to what it says of all of them.
  return usual < 0.5 ? "< 1 s" : duration(usual);
}
