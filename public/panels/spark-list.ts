import type { SparkNode } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { gb } from "../format.ts";
import { controller, nodes } from "../state.ts";
import { ownReason } from "../words.ts";
import { checkedWhen, nodePill } from "./node-memory.ts";
import { Panel } from "./panel.ts";

/** Beside the hero: each Spark in a line. */
export class SparkList extends Panel {
  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    return h(
      "section",
      { class: "panel", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Sparks"),
        h("a", { class: "more", href: "/machines" }, "Machines", picture("i-chevron")),
      ),
      nodes.value.length === 0
        ? h("p", { class: "pad dim" }, "No Spark is set up yet.")
        : h("ul", { class: "svc-list" }, ...nodes.value.map(line)),
    );
  }
}

function line(node: SparkNode): Child {
  const free = node.memory ? `${gb(node.memory.available_bytes)} GB free, ${checkedWhen(node)}` : null;
  return h(
    "li",
    { class: node.reason === null ? null : "long", "data-key": node.name },
    h("div", {}, h("p", {}, node.name), h("p", { class: "dim" }, ownReason(node) ?? free ?? node.host ?? "–")),
    nodePill(node),
  );
}
