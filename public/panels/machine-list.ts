import { fetchHostKeys, type HostKeyStatus, type SparkNode } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { copyText } from "../copy.ts";
import { type Child, h } from "../dom.ts";
import { hardware } from "../machines/asked.ts";
import { fetchHardware, type HardwareCard } from "../machines/calls.ts";
import { gauges, processList } from "../machines/gauges.ts";
import { machinePairs, machineTrouble } from "../machines/machine-pairs.ts";
import { memoryParts } from "../memory-parts.ts";
import { cards, controller, models, nodes, slots } from "../state.ts";
import { signal } from "../store.ts";
import { acceptKeyQuestion, takeOverQuestion } from "./key-questions.ts";
import { memoryBar, memoryKey } from "./memory-bar.ts";
import { checkedWhen, nodePill } from "./node-memory.ts";
import { Panel } from "./panel.ts";

/** The points of the last hour are half a minute apart; the figures themselves come by the stream. */
const HISTORY_EVERY_MS = 60_000;
const PATIENCE_MS = 1_500;

/** Each Spark: is it well, what its hardware does, who holds its memory, how it is reached, its identity. */
export class MachineList extends Panel {
  #keys = signal<readonly HostKeyStatus[]>([]);
  #askedFor: unknown = null;
  #hardwareFor: readonly unknown[] = [];
  /** A Spark that does not answer holds the first answer up; the page does not wait for it. */
  #isDue = signal(false);

  protected render(): Child | undefined {
    const known = controller.value;
    if (!known) return undefined;
    this.#refresh();
    this.#refreshHardware();
    if (hardware.value === null && !this.#isDue.value) return undefined;
    if (nodes.value.length === 0)
      return h(
        "section",
        { class: "panel missing" },
        h("h2", {}, "No Spark is set up yet"),
        h("p", {}, h("a", { href: "/" }, "Connect your Sparks")),
      );
    return h("div", { class: "machines", "data-key": "machines" }, ...nodes.value.map((node) => this.#card(node)));
  }

  #card(node: SparkNode): Child {
    const parts = memoryParts(node, { slots: slots.value, models: models.value });
    const at = slots.value.filter(({ nodes: used }) => used.includes(node.name));
    const role = at.some(({ nodes: used }) => used[0] === node.name) ? "head" : at.length > 0 ? "worker" : null;
    const heading = this.idOf(`h-${node.name}`);
    const key = this.#keys.value.find((each) => each.node === node.name);
    const asked = hardware.value?.cards.find((each) => each.name === node.name);
    const card = cards.value?.find((each) => each.name === node.name) ?? asked;
    const login = hardware.value?.logins.find(({ to }) => to === node.name);
    const trouble = machineTrouble(node, card);
    return h(
      "section",
      { class: "panel machine", "data-key": node.name, "aria-labelledby": heading },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: heading }, node.name),
        role && h("span", { class: "tag" }, role),
        card && card.vpn_address !== null && h("span", { class: "tag" }, `VPN ${card.vpn_address}`),
        h("span", { class: "push" }, nodePill(node)),
      ),
      trouble.length > 0 && h("dl", { class: "pairs wrong", "data-key": "wrong" }, ...trouble),
      gauges(card ?? unknownCard(node.name), asked?.history ?? null),
      h(
        "div",
        { class: "node", "data-key": "memory" },
        h("div", { class: "node-top" }, h("h3", {}, "Memory"), h("span", { class: "dim push" }, checkedWhen(node))),
        memoryBar(parts, `Memory of ${node.name}`),
        h(
          "div",
          { class: "node-bot" },
          node.memory ? memoryKey(parts, node.memory.total_bytes) : h("p", { class: "mem-key" }, "–"),
        ),
      ),
      card && processList(card),
      h("dl", { class: "pairs", "data-key": "pairs" }, ...machinePairs({ node, key, card, login })),
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

  /** Asked for at each connection and once a minute while the page is shown. */
  #refreshHardware(): void {
    // A login is tried in the background of the first question: its end is heard with the next figures.
    const isTrying = hardware.value?.logins.some(({ at }) => at === null);
    const reason = [
      controller.value,
      Math.floor(quarterMinute.value / HISTORY_EVERY_MS),
      isTrying ? cards.value : null,
    ];
    if (reason.every((each, at) => each === this.#hardwareFor[at])) return;
    this.#hardwareFor = reason;
    setTimeout(() => {
      this.#isDue.value = true;
    }, PATIENCE_MS);
    fetchHardware().then(
      (answer) => {
        hardware.value = answer;
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

/** The frame is there before the first look. */
const unknownCard = (name: string): HardwareCard => ({
  name,
  at: null,
  problem: null,
  gpu: null,
  memory: null,
  processes: [],
  cpu: { percent: null, cores: null, load: null },
  disk: null,
  uptime_seconds: null,
  vpn_address: null,
});
