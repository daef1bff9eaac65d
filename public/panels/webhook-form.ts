/** What a webhook needs, new or changed. */
import { Refused, type Webhook, type WebhookWish } from "../api.ts";
import { type Child, h } from "../dom.ts";
import { EVENTS, EVERY } from "./webhook-words.ts";

/** What is most often wanted. */
const USUAL: readonly string[] = ["swap_complete", "swap_failed"];

/** @param hook what is to be changed; without it a new one is asked for */
export function webhookForm(hook?: Webhook): Child {
  const events: readonly string[] = hook?.events ?? USUAL;
  return [
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
        value: hook?.url,
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
      h("input", { type: "text", name: "name", value: hook?.name, maxlength: 80, autocomplete: "off" }),
    ),
    h(
      "fieldset",
      { class: "field" },
      h("legend", {}, "When?"),
      h(
        "div",
        { class: "checks" },
        ...EVENTS.map(([event, word]) => check("events", events.includes(event), word, event)),
        check("events", events.includes(EVERY), "Everything, also what later versions add", EVERY),
      ),
    ),
    hook
      ? check("enabled", hook.enabled, [
          h("b", {}, "Switched on"),
          h("span", { class: "dim" }, "Switched off it is told nothing, and what waits for it goes on waiting."),
        ])
      : check("sign", true, [
          h("b", {}, "Sign the messages"),
          h("span", { class: "dim" }, "The receiver can tell that they are real. The secret is shown once."),
        ]),
  ];
}

function check(name: string, checked: boolean, word: Child, value = "on"): Child {
  return h("label", { class: "check" }, h("input", { type: "checkbox", name, value, checked }), h("span", {}, word));
}

/** @throws Refused when nothing is chosen that it could be told of */
export function wishOf(form: FormData): WebhookWish & { readonly name: string } {
  const events = form.getAll("events").map(String);
  if (events.length === 0) throw new Refused("Choose at least one thing that it is told of.", 0);
  return {
    url: String(form.get("url")).trim(),
    name: String(form.get("name")).trim(),
    events: events.includes(EVERY) ? [EVERY] : events,
  };
}
