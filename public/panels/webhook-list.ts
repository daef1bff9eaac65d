import { addWebhook, fetchWebhooks, removeWebhook, sentenceOf, testWebhook, type Webhook } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { copyText } from "../copy.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime, joined, plural } from "../format.ts";
import { say } from "../say.ts";
import { controller, webhooks } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { pill, type Tone } from "./pill.ts";

const EVENTS = [
  ["swap_complete", "A swap is ready"],
  ["swap_failed", "A swap failed"],
  ["swap_started", "A swap begins"],
  ["lock_acquired", "The GPUs are reserved"],
  ["lock_released", "They are given back"],
  ["lock_forced", "They are taken from their holder"],
  ["lock_expired", "A reservation ran out"],
] as const;
const EVERY = "*";

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
        : h("ul", { class: "rows" }, ...all.map(row)),
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
    this.#fetch().catch(() => {
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
      body: [
        h(
          "p",
          { class: "lead" },
          "Spark Control sends a small message to this address when one of these things happens, and tries again when nobody answers.",
        ),
        h(
          "label",
          { class: "field" },
          "Address",
          h("input", {
            type: "url",
            name: "url",
            autofocus: true,
            required: true,
            maxlength: 2000,
            placeholder: "http://<host>:<port>/path",
            autocomplete: "off",
          }),
        ),
        h(
          "label",
          { class: "field" },
          h("span", {}, "Name ", h("span", { class: "dim" }, "For you.")),
          h("input", { type: "text", name: "name", maxlength: 80, autocomplete: "off" }),
        ),
        h(
          "fieldset",
          { class: "field" },
          h("legend", {}, "When?"),
          h(
            "div",
            { class: "checks" },
            ...EVENTS.map(([event, word], at) =>
              h(
                "label",
                { class: "check" },
                h("input", { type: "checkbox", name: "events", value: event, checked: at < 2 }),
                h("span", {}, word),
              ),
            ),
            h(
              "label",
              { class: "check" },
              h("input", { type: "checkbox", name: "events", value: EVERY }),
              h("span", {}, "Everything, also what later versions add"),
            ),
          ),
        ),
        h(
          "label",
          { class: "check" },
          h("input", { type: "checkbox", name: "sign", checked: true }),
          h(
            "span",
            {},
            h("b", {}, "Sign the messages"),
            h("span", { class: "dim" }, "The receiver can tell that they are real. The secret is shown once."),
          ),
        ),
      ],
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

function nameOf({ name, url }: Webhook): string {
  return name ?? url.replace(/^https?:\/\//, "");
}

function row(hook: Webhook): Child {
  const { tone, word, detail } = delivery(hook);
  const fixed = hook.source === "environment";
  return h(
    "li",
    { "data-key": hook.id },
    h(
      "div",
      {},
      h("b", {}, nameOf(hook)),
      !hook.enabled && [" ", h("span", { class: "tag" }, "off")],
      hook.name !== null && h("span", { class: "dim" }, hook.url),
      h(
        "span",
        { class: "dim", id: `hook-${hook.id}` },
        joined(
          eventsOf(hook),
          hook.has_secret ? "signed" : "not signed",
          fixed && "from WEBHOOK_URL, to be removed there",
        ),
      ),
    ),
    h("div", {}, pill(tone, word), h("span", { class: "dim" }, detail)),
    h(
      "button",
      {
        class: "btn sm",
        type: "button",
        "data-act": "test",
        "data-id": hook.id,
        "aria-label": `Send a test to ${nameOf(hook)}`,
      },
      "Send a test",
    ),
    h(
      "button",
      {
        class: "btn sm",
        type: "button",
        "data-act": "remove",
        "data-id": hook.id,
        disabled: fixed,
        "aria-describedby": fixed ? `hook-${hook.id}` : null,
        "aria-label": `Remove ${nameOf(hook)}`,
      },
      "Remove…",
    ),
  );
}

function eventsOf({ events }: Webhook): string {
  if (events.includes(EVERY)) return "every event";
  if (events.length === 2 && events.includes("swap_complete") && events.includes("swap_failed"))
    return "when a swap ends";
  return plural(events.length, "kind of event", "kinds of event");
}

function delivery({ problem, last_delivery: last, pending }: Webhook): { tone: Tone; word: string; detail: string } {
  if (problem !== null) return { tone: "warn", word: "Cannot be used", detail: problem };
  if (!last) return { tone: "off", word: "Nothing sent yet", detail: "" };
  const at = clockTime(last.last_at ?? last.created_at, quarterMinute.value);
  switch (last.state) {
    case "delivered":
      return { tone: "ok", word: "Delivered", detail: `${at}, answered ${last.status ?? "–"}` };
    case "dead":
      return {
        tone: "bad",
        word: "Given up",
        detail: `${at}: ${last.error ?? "no answer"} ${plural(last.attempts, "try", "tries")}`,
      };
    case "suppressed":
      return { tone: "off", word: "Not sent", detail: `${at}, simulated cluster` };
    case "pending":
      return { tone: "busy", word: "Waiting", detail: joined(pending > 1 && `${pending} wait`, last.error) || at };
  }
}
