import { type ClusterNow, clusterNow } from "../cluster-now.ts";
import { type Child, h, picture, withProperties } from "../dom.ts";
import { Panel } from "./panel.ts";

/** On every page: what is served, or how far the swap is. `data-chip` is the short form for narrow windows. */
export class ClusterBlock extends Panel {
  protected render(): Child | undefined {
    const now = clusterNow();
    if (!now) return undefined;
    return "chip" in this.dataset ? chip(now) : block(now);
  }
}

function block(now: ClusterNow): Child {
  return h(
    "a",
    { class: "cluster", href: "/", title: `${now.name}: ${now.detail}` },
    h("span", { class: "vh" }, "The cluster now: "),
    h(
      "span",
      { class: "cl-state", "data-tone": now.tone },
      picture(`g-${now.tone}`),
      h("b", {}, now.name),
      h("span", { class: "dim" }, now.detail),
      now.progress !== null && withProperties(h("i", { class: "cl-bar" }), { "--part": now.progress }),
    ),
    now.held !== null && h("span", { class: "cl-held", "data-tone": "held" }, picture("g-held"), now.held),
  );
}

function chip(now: ClusterNow): Child {
  return h(
    "a",
    { class: "chip", href: "/", "data-tone": now.tone, title: now.short },
    picture(`g-${now.tone}`),
    h("span", { class: "vh" }, "The cluster now: "),
    h("span", {}, now.short),
  );
}
