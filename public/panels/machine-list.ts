import { fetchHostKeys, type HostKeyStatus, type SparkNode } from "../api.ts";
import { copyText } from "../copy.ts";
import { type Child, h, picture } from "../dom.ts";
import { foreignOf } from "../foreign.ts";
import { memoryParts } from "../memory-parts.ts";
import { controller, models, nodes, slots } from "../state.ts";
import { signal } from "../store.ts";
import { acceptKeyQuestion, takeOverQuestion } from "./key-questions.ts";
import { memoryBar, memoryKey } from "./memory-bar.ts";
import { checkedWhen, nodePill } from "./node-memory.ts";
import { Panel } from "./panel.ts";

/** Seconds that a Spark's clock may be off before it is worth a word. */
const NOTABLE_SKEW_SECONDS = 5;

/** Each Spark: is it well, who holds its memory, how it is reached, its identity. */
export class MachineList extends Panel {
  #keys = signal<readonly HostKeyStatus[]>([]);
  #askedFor: unknown = null;

  protected render(): Child | undefined {
    const known = controller.value;
    if (!known) return undefined;
    this.#refresh();
    if (nodes.value.length === 0)
      return h(
        "section",
        { class: "panel missing" },
        h("h2", {}, "No Spark is set up yet"),
        h("p", {}, h("a", { href: "/" }, "Connect your Sparks")),
      );
    return [
      h("div", { class: "machines", "data-key": "machines" }, ...nodes.value.map((node) => this.#card(node))),
      h(
        "section",
        { class: "panel", "data-key": "key", "aria-labelledby": this.idOf("key") },
        h(
          "div",
          { class: "set" },
          h(
            "div",
            {},
            h("h2", { id: this.idOf("key") }, "Spark Control's public key"),
            h("p", { class: "dim" }, "It belongs into ~/.ssh/authorized_keys of the user on each Spark."),
          ),
          h(
            "div",
            { class: "keyline" },
            h("code", {}, known.publicKey),
            h(
              "button",
              { class: "btn sm", type: "button", "data-act": "copy", "data-text": known.publicKey },
              picture("i-copy"),
              "Copy",
            ),
          ),
        ),
      ),
    ];
  }

  #card(node: SparkNode): Child {
    const parts = memoryParts(node, { slots: slots.value, models: models.value });
    const at = slots.value.filter(({ nodes: used }) => used.includes(node.name));
    const role = at.some(({ nodes: used }) => used[0] === node.name) ? "head" : at.length > 0 ? "worker" : null;
    const heading = this.idOf(`h-${node.name}`);
    const key = this.#keys.value.find((each) => each.node === node.name);
    return h(
      "section",
      { class: "panel machine", "data-key": node.name, "aria-labelledby": heading },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: heading }, node.name),
        role && h("span", { class: "tag" }, role),
        h("span", { class: "push" }, nodePill(node)),
      ),
      h(
        "div",
        { class: "node" },
        h("div", { class: "node-top" }, h("h3", {}, "Memory"), h("span", { class: "dim push" }, checkedWhen(node))),
        memoryBar(parts, `Memory of ${node.name}`),
        h(
          "div",
          { class: "node-bot" },
          node.memory ? memoryKey(parts, node.memory.total_bytes) : h("p", { class: "mem-key" }, "–"),
        ),
      ),
      h("dl", { class: "pairs" }, ...pairs(node, key)),
    );
  }

  /** The keys have no event: they are asked for when a Spark changes. */
  #refresh(): void {
    if (this.#askedFor === nodes.value) return;
    this.#askedFor = nodes.value;
    fetchHostKeys().then(
      ({ host_keys: keys }) => {
        this.#keys.value = keys;
      },
      () => undefined,
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    const again = () => {
      this.#askedFor = null;
      this.#refresh();
    };
    const key = this.#keys.value.find((each) => each.node === origin.dataset.node);
    if (name === "copy") void copyText(origin.dataset.text ?? "", origin);
    if (name === "accept" && key) acceptKeyQuestion(key, again);
    if (name === "take-over")
      takeOverQuestion({ node: origin.dataset.node ?? "", instance: origin.dataset.instance ?? "" });
  }
}

function pairs(node: SparkNode, key: HostKeyStatus | undefined): Child[] {
  const pair = (name: string, ...value: Child[]) =>
    h("div", { "data-key": name }, h("dt", {}, name), h("dd", {}, ...value));
  const skew = node.clock_skew_seconds;
  const foreign = foreignOf(node.failure);
  return [
    node.reason !== null &&
      pair(
        "What is wrong",
        h("p", {}, node.reason),
        node.failure?.advice && h("p", { class: "dim" }, node.failure.advice),
        node.failure?.evidence && h("code", { class: "dim" }, node.failure.evidence),
        foreign &&
          h(
            "p",
            { class: "acts" },
            h(
              "button",
              {
                class: "btn sm",
                type: "button",
                "data-act": "take-over",
                "data-node": node.name,
                "data-instance": foreign.instance,
              },
              "Take over…",
            ),
          ),
      ),
    pair("Address", node.host ?? "–"),
    pair("User", node.user ?? "–"),
    skew !== null &&
      Math.abs(skew) > NOTABLE_SKEW_SECONDS &&
      pair("Clock", `${Math.abs(skew)} s ${skew > 0 ? "ahead" : "behind"}. Times shown here are Spark Control's.`),
    pair(
      "Identity",
      key?.fingerprint ? h("code", {}, `${key.fingerprint}`) : "not connected to yet",
      key?.refused_fingerprint && [
        h("p", {}, h("b", {}, `It shows another identity than last time: `), h("code", {}, key.refused_fingerprint)),
        h(
          "p",
          { class: "acts" },
          h(
            "button",
            { class: "btn sm", type: "button", "data-act": "accept", "data-node": node.name },
            "Accept the new one…",
          ),
        ),
      ],
    ),
  ];
}
