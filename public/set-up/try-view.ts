/** The offer of the simulated cluster, in the set-up. */
import { type Child, h } from "../dom.ts";
import { refusalLine, switching } from "./simulation.ts";

/** The way out for who has no Spark at hand. */
export function tryView(): Child {
  const isUnderWay = switching.value === "under way";
  return h(
    "section",
    { class: "su-try", "aria-labelledby": "su-try-h", "data-key": "try" },
    h("h3", { id: "su-try-h" }, "No Spark at hand?"),
    h(
      "p",
      {},
      "Try everything on a simulated cluster: two made-up Sparks that load, fail and recover like real ones. " +
        "Nothing real is touched, and what they answer is made up. You can leave it at any time; a restart of Spark Control ends it, too.",
    ),
    h(
      "button",
      { class: "btn", type: "button", "data-act": "simulate", disabled: isUnderWay },
      isUnderWay ? "Starting it…" : "Try it on a simulated cluster",
    ),
    isUnderWay && h("p", { class: "dim", role: "status" }, "This page shows it by itself in a few seconds."),
    refusalLine(),
  );
}
