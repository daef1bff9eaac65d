import { sentenceOf } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { clockTime } from "../format.ts";
import {
  type Availability,
  type Connectivity,
  fetchAvailability,
  fetchConnectivity,
  type Window,
  wakeNode,
} from "../machines/calls.ts";
import { outagesOf, outageWords } from "../machines/outages.ts";
import { percentWord, reachBars, WINDOW_WORDS } from "../machines/reach-bars.ts";
import { say } from "../say.ts";
import { controller, nodes, reached } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { pill, type Tone } from "./pill.ts";
import { refusal } from "./sheet.ts";

/** A year may have very many; more are asked for when somebody wants them. */
const EVENTS_AT_ONCE = 20;
const LOOK_EVERY_MS = 60_000;
const WINDOWS: readonly Window[] = ["day", "week", "month"];
const BEGINS: Readonly<Record<Window, string>> = { day: "24 hours ago", week: "7 days ago", month: "30 days ago" };
const STATES: Readonly<Record<"up" | "down" | "unknown", readonly [Tone, string]>> = {
  up: ["ok", "Reachable"],
  down: ["bad", "Not reachable"],
  unknown: ["unknown", "Not known"],
};

/** Whether each Spark can be reached, since when, when it could not, and what wakes it. */
export class MachineReach extends Panel {
  #log = signal<Connectivity | null>(null);
  #reach = signal<Availability | null>(null);
  #window = signal<Window>("day");
  #failed = signal<string | null>(null);
  /** Nothing older is there. */
  #isWhole = signal(false);
  #askedFor: readonly unknown[] = [];
  #round = 0;
  /** The round whose answer is shown. */
  #shown = 0;

  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    this.#refresh();
    if (nodes.value.length === 0) return null;
    const log = this.#log.value;
    const failed = this.#failed.value;
    if (log === null && failed === null) return undefined;
    const window = this.#window.value;
    return h(
      "section",
      { class: "panel", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Connection"),
        h(
          "div",
          { class: "seg", role: "group", "aria-label": "Time that is shown" },
          ...WINDOWS.map((each) =>
            h(
              "button",
              {
                class: "btn sm",
                type: "button",
                "data-act": "window",
                "data-window": each,
                "aria-pressed": String(each === window),
              },
              each === "day" ? "Day" : each === "week" ? "Week" : "Month",
            ),
          ),
        ),
      ),
      failed !== null && h("div", { class: "pad", "data-key": "failed" }, refusal(failed)),
      log && [
        h(
          "ul",
          { class: "reaches", "data-key": "reaches" },
          ...Object.keys(log.current).map((name) => this.#spark(log, name)),
        ),
        h(
          "p",
          { class: "reach-ends dim", "data-key": "ends" },
          h("span", {}, BEGINS[window]),
          h("span", {}, "Empty: Spark Control was not running"),
          h("span", {}, "now"),
        ),
        this.#outages(log),
      ],
    );
  }

  #spark(log: Connectivity, name: string): Child {
    const state = log.current[name] ?? "unknown";
    const since = log.last_change[name] ?? null;
    const [tone, word] = STATES[state];
    const reach = this.#reach.value?.sparks.find(({ spark }) => spark === name);
    const mac = log.macs[name] ?? null;
    const now = quarterMinute.value;
    return h(
      "li",
      { "data-key": name, "aria-label": name },
      h("b", {}, name),
      pill(tone, since === null ? word : `${word} since ${clockTime(since, now)}`),
      h("span", { class: "num push" }, reach ? percentWord(reach) : "–"),
      reach ? reachBars(reach, this.#reach.value?.window ?? "day", now) : h("div", { class: "reach" }),
      state === "down" &&
        h(
          "p",
          { class: "acts", "data-key": "wake" },
          mac === null
            ? h("span", { class: "dim" }, "Its hardware address is not known yet, so it cannot be woken from here.")
            : [
                h(
                  "button",
                  {
                    class: "btn sm",
                    type: "button",
                    "data-act": "wake",
                    "data-node": name,
                    "aria-label": `Wake ${name}`,
                  },
                  "Wake…",
                ),
                h("span", { class: "dim" }, `Wake-on-LAN to ${mac}`),
              ],
        ),
    );
  }

  #outages(log: Connectivity): Child {
    const outages = outagesOf(log.events, log.current);
    const now = quarterMinute.value;
    return h(
      "div",
      { class: "outages", "data-key": "outages" },
      h("h3", { id: this.idOf("outages") }, "Outages"),
      outages.length === 0
        ? h("p", { class: "dim" }, "No outage. They are kept for a year.")
        : h(
            "ul",
            { "aria-labelledby": this.idOf("outages") },
            ...outages.map((outage) =>
              h(
                "li",
                { "data-key": `${outage.spark} ${outage.from}` },
                h("p", {}, h("b", {}, outage.spark), ` ${outageWords(outage, now)}`),
                outage.reason !== null && h("p", { class: "dim" }, outage.reason),
              ),
            ),
          ),
      h(
        "p",
        { class: "dim" },
        `Each Spark is asked every ${log.poll_seconds} s; a shorter outage may be missed.`,
        !this.#isWhole.value &&
          log.events.length >= EVENTS_AT_ONCE && [
            " ",
            h("button", { class: "link", type: "button", "data-act": "older" }, "Show older ones"),
          ],
      ),
    );
  }

  /** Asked for at each connection, when a Spark goes or comes, once a minute, and when another time is chosen. */
  #refresh(): void {
    const minute = Math.floor(quarterMinute.value / LOOK_EVERY_MS);
    const window = this.#window.value;
    const reason = [controller.value, reached.value, minute, window];
    if (reason.every((each, at) => each === this.#askedFor[at])) return;
    this.#askedFor = reason;
    const round = ++this.#round;
    this.#try(async () => {
      const known = this.#log.value?.events.length ?? 0;
      const [log, reach] = await Promise.all([
        fetchConnectivity(Math.min(1_000, Math.max(known, EVENTS_AT_ONCE))),
        fetchAvailability(window),
      ]);
      // The answer to a later question says more.
      if (round < this.#shown) return;
      this.#shown = round;
      this.#log.value = log;
      if (this.#window.value === reach.window) this.#reach.value = reach;
    });
  }

  #try(work: () => Promise<void>): void {
    work().then(
      () => {
        this.#failed.value = null;
      },
      (error) => {
        this.#failed.value = sentenceOf(error);
      },
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    const window = WINDOWS.find((each) => each === origin.dataset.window);
    if (name === "window" && window) {
      this.#window.value = window;
      say(`Shows the ${WINDOW_WORDS[window]}.`);
    }
    if (name === "older") this.#try(() => this.#older());
    if (name === "wake")
      wakeQuestion(origin.dataset.node ?? "", this.#log.value?.macs[origin.dataset.node ?? ""] ?? "");
  }

  async #older(): Promise<void> {
    const log = this.#log.value;
    if (!log) return;
    const { events } = await fetchConnectivity(EVENTS_AT_ONCE, log.events.at(-1)?.at);
    this.#isWhole.value = events.length < EVENTS_AT_ONCE;
    if (this.#log.value === log) this.#log.value = { ...log, events: [...log.events, ...events] };
  }
}

function wakeQuestion(node: string, mac: string): void {
  document.querySelector("confirm-dialog")?.ask({
    title: `Wake ${node}?`,
    body: [
      h(
        "p",
        { class: "lead" },
        `A Wake-on-LAN packet goes to ${mac} in the networks of Spark Control. It helps where the Spark is off or asleep, and its firmware allows it.`,
      ),
      h("p", {}, "A Spark takes about a minute to start. Here it shows when it answers again."),
    ],
    keep: "Leave it",
    go: `Wake ${node}`,
    async run() {
      await wakeNode(node);
      say(`The packet was sent. ${node} takes about a minute to start.`);
    },
  });
}
