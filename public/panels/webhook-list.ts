import { addWebhook, fetchWebhooks, removeWebhook, sentenceOf, testWebhook, type Webhook } from "../api.ts";
import { copyText } from "../copy.ts";
import { type Child, h, picture } from "../dom.ts";
import { plural } from "../format.ts";
import { awaited } from "../reveal.ts";
import { say } from "../say.ts";
import { controller, webhooks } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { EVERY, webhookForm } from "./webhook-form.ts";
import { nameOf, webhookRow } from "./webhook-row.ts";

/** Who is told when something happens, and whether it arrived. */
export class WebhookList extends Panel {
  #asked = false;
  #suppressed = signal(false);
  /** Shown this once, and kept nowhere. */
  #secret = signal<{ name: string; secret: string } | null>(null);

  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    this.#ask();
    const all = webhooks.value;
    if (all === null) return undefined;
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
          this.#suppressed.value
            ? "A simulated cluster sends none; they are only noted."
            : "Who is told when something happens.",
        ),
        h("button", { class: "btn sm", type: "button", "data-act": "add" }, picture("i-plus"), "Add…"),
      ),
      this.#newSecret(),
      all.length === 0
        ? h(
            "div",
            { class: "empty" },
            h("p", {}, "No webhook."),
            h("p", { class: "dim" }, "Add one, and other programs are told when a swap ends."),
          )
        : h("ul", { class: "rows" }, ...all.map(webhookRow)),
    );
  }

  #newSecret(): Child {
    const made = this.#secret.value;
    if (!made) return null;
    return h(
      "div",
      { class: "set", role: "status", "data-key": "secret" },
      h(
        "div",
        {},
        h("b", {}, `The secret of ${made.name}`),
        h("span", { class: "dim" }, "It signs what is sent. It is shown this once: put it into the receiver now."),
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

  /** Afterwards they come with the stream. */
  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    awaited(this.#fetch()).catch(() => {
      this.#asked = false;
    });
  }

  async #fetch(): Promise<void> {
    const list = await fetchWebhooks();
    this.#suppressed.value = list.suppressed;
    webhooks.value = list.webhooks;
  }

  protected override act(name: string, origin: HTMLElement): void {
    const hook = webhooks.value?.find(({ id }) => id === origin.dataset.id);
    if (name === "copy") void copyText(origin.dataset.text ?? "", origin);
    if (name === "seen") this.#secret.value = null;
    if (name === "add") this.#add();
    if (name === "test" && hook)
      testWebhook(hook.id)
        .then(() => this.#fetch())
        .then(
          () => say(`A test goes to ${nameOf(hook)}.`),
          (error) => say(sentenceOf(error)),
        );
    if (name === "remove" && hook) this.#remove(hook);
  }

  #add(): void {
    document.querySelector("confirm-dialog")?.ask({
      title: "Add a webhook?",
      body: webhookForm(),
      keep: "Add none",
      go: "Add it",
      run: async (form) => {
        const chosen = form.getAll("events").map(String);
        const name = String(form.get("name")).trim();
        const added = await addWebhook({
          url: String(form.get("url")).trim(),
          events: chosen.includes(EVERY) || chosen.length === 0 ? [EVERY] : chosen,
          generate_secret: form.get("sign") !== null,
          ...(name === "" ? {} : { name }),
        });
        if (added.secret) this.#secret.value = { name: nameOf(added), secret: added.secret };
        await this.#fetch();
      },
    });
  }

  #remove(hook: Webhook): void {
    const waiting =
      hook.pending > 0
        ? ` ${plural(hook.pending, "message")} that ${hook.pending === 1 ? "waits" : "wait"} for it ${hook.pending === 1 ? "is" : "are"} dropped.`
        : "";
    document.querySelector("confirm-dialog")?.ask({
      title: `Remove ${nameOf(hook)}?`,
      body: h(
        "p",
        { class: "lead" },
        `It is told nothing any more, and the record of what was sent to it goes.${waiting}`,
      ),
      keep: "Keep it",
      go: "Remove it",
      danger: true,
      run: async () => {
        await removeWebhook(hook.id);
        await this.#fetch();
      },
    });
  }
}
