import { type Delivery, fetchDeliveries, redeliver, sentenceOf } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { dayTime } from "../format.ts";
import { withNews } from "../news.ts";
import { controller, deliveries, webhooks } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { pill } from "./pill.ts";
import { refusal } from "./sheet.ts";
import { eventWord, outcomeOf } from "./webhook-words.ts";

/** The latest messages to the webhook `data-id`, and what became of each. */
export class WebhookDeliveries extends Panel {
  #entries = signal<readonly Delivery[] | null>(null);
  #next = signal<string | null>(null);
  #failed = signal<string | null>(null);
  #askedAt: unknown;
  #heard: readonly Delivery[] = [];
  #round = 0;

  get #hook() {
    return webhooks.value?.find(({ id }) => id === this.dataset.id);
  }

  /** Of its messages, by the stream. Reads a signal. */
  get #told(): readonly Delivery[] {
    return deliveries.all.filter(({ endpoint_id: of }) => of === this.dataset.id);
  }

  protected render(): Child | undefined {
    // New with every connection: what happened meanwhile is asked for.
    if (controller.value !== this.#askedAt) {
      this.#askedAt = controller.value;
      this.#ask();
    }
    const heard = this.#told;
    this.#hear(heard, this.#heard);
    this.#heard = heard;
    const entries = this.#entries.value;
    const why = this.#whyNot();
    const failed = this.#failed.value;
    return [
      failed !== null && refusal(failed),
      why && h("p", { class: "dim", id: this.idOf("why"), "data-key": "why" }, why),
      entries === null
        ? failed === null && h("p", { class: "dim", "data-key": "none" }, "Asking for its messages…")
        : entries.length === 0
          ? h("p", { class: "dim", "data-key": "none" }, "Nothing was sent to it yet. A test shows whether it arrives.")
          : h("ul", { class: "sent" }, ...entries.map((entry) => this.#row(entry, why !== null))),
      this.#next.value !== null && h("button", { class: "btn sm", type: "button", "data-act": "older" }, "Show more"),
    ];
  }

  #row(entry: Delivery, isBarred: boolean): Child {
    const now = quarterMinute.value;
    const { tone, word, detail } = outcomeOf(entry, now);
    const event = eventWord(entry.event);
    const waits = entry.state === "pending";
    const when = dayTime(entry.created_at, now);
    return h(
      "li",
      { "data-key": entry.id },
      h("div", {}, h("b", {}, event), h("time", { class: "dim", datetime: entry.created_at }, when)),
      h("div", { id: this.idOf(entry.id) }, pill(tone, word), h("span", { class: "dim" }, detail)),
      h(
        "button",
        {
          class: "btn sm",
          type: "button",
          "data-act": "redeliver",
          "data-delivery": entry.id,
          disabled: isBarred || waits,
          "aria-describedby": this.idOf(isBarred ? "why" : entry.id),
          "aria-label": `Send it again: ${event}, ${when}`,
        },
        "Send it again",
      ),
    );
  }

  #whyNot(): string | null {
    if (controller.value?.simulated) return "A simulated cluster sends nothing: what would be sent is noted.";
    return this.#hook?.enabled === false ? "It is switched off, so nothing is sent. Switch it on with Change…" : null;
  }

  protected override act(name: string, origin: HTMLElement): void {
    const { delivery } = origin.dataset;
    if (name === "older") this.#ask(this.#next.value ?? undefined);
    if (name !== "redeliver" || !delivery) return;
    this.#failed.value = null;
    redeliver(delivery).then(
      (now) => this.#hear([now], []),
      (error) => {
        this.#failed.value = sentenceOf(error);
      },
    );
  }

  /** What has just happened to one of them. Those that are older than what is shown come when they are asked for. */
  #hear(news: readonly Delivery[], before: readonly Delivery[]): void {
    if (this.#entries.value) this.#entries.value = merged(this.#entries.value, news, before);
  }

  /** @param before only older ones, added to those that are shown */
  #ask(before?: string): void {
    const round = ++this.#round;
    const told = this.#told;
    fetchDeliveries(this.dataset.id ?? "", before).then(
      ({ deliveries: known, next }) => {
        if (round !== this.#round) return;
        this.#entries.value =
          before === undefined ? merged(known, this.#told, told) : [...(this.#entries.value ?? []), ...known];
        this.#next.value = next;
        this.#failed.value = null;
      },
      (error) => {
        if (round === this.#round) this.#failed.value = sentenceOf(error);
      },
    );
  }
}

/** The newest first. */
function merged(
  known: readonly Delivery[],
  news: readonly Delivery[],
  before: readonly Delivery[],
): readonly Delivery[] {
  const last = known.at(-1);
  const all = withNews(known, last ? news.filter(({ id }) => id >= last.id) : news, before);
  return all === known ? known : all.toSorted((a, b) => (a.id < b.id ? 1 : -1));
}

declare global {
  interface HTMLElementTagNameMap {
    "webhook-deliveries": WebhookDeliveries;
  }
}
