import { fetchWebhooks, redeliver, type SavedWebhook, sentenceOf, testWebhook } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { copyText } from "../copy.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime } from "../format.ts";
import { say } from "../say.ts";
import { controller, deliveries, webhooks } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { refusal } from "./sheet.ts";
import { additionOf, changeOf, newSecretOf, removalOf } from "./webhook-questions.ts";
import { webhookRow } from "./webhook-row.ts";
import { nameOf } from "./webhook-words.ts";

/** Who is told when something happens, and whether it arrived. */
export class WebhookList extends Panel {
  #askedFor: unknown[] = [];
  #fetching: Promise<void> | null = null;
  #isStale = false;
  /** The list could not be had the last time. */
  #isUnread = false;
  #failed = signal<string | null>(null);
  /** Ids of those whose details are shown. */
  #open = signal<ReadonlySet<string>>(new Set());
  /** Shown this once, and kept nowhere. */
  #made = signal<SavedWebhook | null>(null);

  protected render(): Child | undefined {
    // Another controller object: a new connection. A delivery: what waits and what went last has changed.
    const reason = [controller.value, deliveries.all];
    if (controller.value && reason.some((each, at) => each !== this.#askedFor[at])) {
      this.#askedFor = reason;
      this.#fetch().catch((error) => this.#fail(error));
    }
    const all = webhooks.value;
    const failed = this.#failed.value;
    if (all === null && failed === null) return undefined;
    return h(
      "section",
      { class: "panel hooks", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Webhooks"),
        h(
          "p",
          { class: "dim" },
          controller.value?.simulated
            ? "A simulated cluster sends none; they are only noted."
            : "Who is told when something happens.",
        ),
        h("button", { class: "btn sm", type: "button", "data-act": "add" }, picture("i-plus"), "Add…"),
      ),
      failed !== null && h("div", { class: "pad", "data-key": "failed" }, refusal(failed)),
      this.#newSecret(),
      all?.length === 0
        ? h(
            "div",
            { class: "empty" },
            h("p", {}, "No webhook."),
            h("p", { class: "dim" }, "Add one, and other programs are told when a swap ends."),
          )
        : h("ul", { class: "rows" }, ...(all ?? []).map((hook) => webhookRow(hook, this.#open.value.has(hook.id)))),
    );
  }

  #newSecret(): Child {
    const made = this.#made.value;
    if (!made?.secret) return null;
    const until = made.previous_secret_until;
    return h(
      "div",
      { class: "set", role: "status", "data-key": "secret" },
      h(
        "div",
        {},
        h("b", {}, `The secret of ${nameOf(made)}`),
        h(
          "span",
          { class: "dim" },
          "It signs what is sent. It is shown this once: put it into the receiver now.",
          until && ` The old one signs too until ${clockTime(until, quarterMinute.value)}.`,
        ),
      ),
      h(
        "div",
        { class: "keyline" },
        h("code", {}, made.secret),
        h(
          "button",
          { class: "btn sm", type: "button", "data-act": "copy", "data-text": made.secret },
          picture("i-copy"),
          "Copy",
        ),
        h("button", { class: "btn sm", type: "button", "data-act": "seen" }, "Done"),
      ),
    );
  }

  /** One at a time; what changes meanwhile is asked for once more afterwards. */
  #fetch(): Promise<void> {
    this.#isStale = true;
    this.#fetching ??= this.#fetchAll();
    return this.#fetching;
  }

  async #fetchAll(): Promise<void> {
    try {
      while (this.#isStale) {
        this.#isStale = false;
        const before = webhooks.value;
        const { webhooks: known } = await fetchWebhooks();
        // What the stream has told meanwhile is newer than this answer.
        if (webhooks.value === before) webhooks.value = known;
      }
      // Any other failure stays until the next deed.
      if (this.#isUnread) this.#failed.value = null;
      this.#isUnread = false;
    } catch (error) {
      this.#isUnread = true;
      throw error;
    } finally {
      this.#fetching = null;
    }
  }

  #fail(error: unknown): void {
    this.#failed.value = sentenceOf(error);
  }

  /** Afterwards the list is asked for again, and says the rest. */
  async #do(deed: Promise<unknown>, said: string): Promise<void> {
    this.#failed.value = null;
    try {
      await deed;
      say(said);
      await this.#fetch();
    } catch (error) {
      this.#fail(error);
    }
  }

  protected override act(name: string, origin: HTMLElement): void {
    const dialog = document.querySelector("confirm-dialog");
    const done = (saved?: SavedWebhook) => this.#saved(saved);
    if (name === "copy") void copyText(origin.dataset.text ?? "", origin);
    if (name === "seen") this.#made.value = null;
    if (name === "add") dialog?.ask(additionOf(done));
    const hook = webhooks.value?.find(({ id }) => id === origin.dataset.id);
    if (!hook) return;
    const { id, last_delivery: last } = hook;
    if (name === "more") {
      const open = new Set(this.#open.value);
      if (!open.delete(id)) open.add(id);
      this.#open.value = open;
    }
    if (name === "test") void this.#do(testWebhook(id), `A test goes to ${nameOf(hook)}.`);
    if (name === "again" && last) void this.#do(redeliver(last.id), `It is sent to ${nameOf(hook)} again.`);
    if (name === "change") dialog?.ask(changeOf(hook, done));
    if (name === "secret") dialog?.ask(newSecretOf(hook, done));
    if (name === "remove") dialog?.ask(removalOf(hook, done));
  }

  async #saved(saved?: SavedWebhook): Promise<void> {
    // What is saved is saved, whether or not the list comes.
    await this.#fetch().catch((error) => this.#fail(error));
    if (!saved?.secret) return;
    this.#made.value = saved;
    // Once the dialog has closed and given the focus back.
    setTimeout(() => {
      const copy = this.querySelector<HTMLElement>("[data-act=copy]");
      copy?.focus();
      // On a phone a bar lies over the lower end of the window.
      copy?.scrollIntoView({ block: "center" });
    });
  }
}
