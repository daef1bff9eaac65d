/** One webhook of the list: what it is told, how the last message went, and what can be done. Reads signals. */
import type { Webhook } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockTime, joined, plural } from "../format.ts";
import { controller } from "../state.ts";
import { pill } from "./pill.ts";
import { eventsOf, nameOf, type Outcome, outcomeOf } from "./webhook-words.ts";

/** @param isOpen its latest messages and its settings are shown */
export function webhookRow(hook: Webhook, isOpen: boolean): Child {
  const { id, last_delivery: last, previous_secret_until: until } = hook;
  const now = quarterMinute.value;
  const { tone, word, detail } = outcome(hook, now);
  return h(
    "li",
    { "data-key": id, class: "hook" },
    h(
      "div",
      {},
      h("b", {}, nameOf(hook)),
      !hook.enabled && [" ", h("span", { class: "tag", id: `hook-off-${id}` }, "switched off")],
      h("span", { class: "dim" }, hook.name !== null && hook.url),
      h(
        "span",
        { class: "dim" },
        joined(
          eventsOf(hook),
          hook.has_secret ? "signed" : "not signed",
          until && `with the old secret too until ${clockTime(until, now)}`,
        ),
      ),
    ),
    h(
      "div",
      {},
      pill(tone, word),
      h("span", { class: "dim" }, detail),
      last?.state === "dead" &&
        hook.enabled &&
        h("button", { class: "link", type: "button", "data-act": "again", "data-id": id }, "Send it again"),
      waiting(hook),
    ),
    h(
      "div",
      { class: "acts" },
      button(hook, "test", "Send a test", `Send a test to ${nameOf(hook)}`, hook.enabled ? null : `hook-off-${id}`),
      h(
        "button",
        {
          class: "btn sm",
          type: "button",
          "data-act": "more",
          "data-id": id,
          "aria-expanded": String(isOpen),
          "aria-label": `Details of ${nameOf(hook)}`,
        },
        "Details",
        picture("i-down"),
      ),
    ),
    isOpen && details(hook),
  );
}

function details(hook: Webhook): Child {
  const fixed = hook.source === "environment";
  const why = fixed ? `hook-why-${hook.id}` : null;
  const name = nameOf(hook);
  return h(
    "div",
    { class: "hook-more", "data-key": "more", role: "group", "aria-label": `Details of ${name}` },
    h(
      "div",
      { class: "acts" },
      button(hook, "change", "Change…", `Change ${name}`, why),
      hook.has_secret
        ? button(hook, "secret", "New secret…", `New secret for ${name}`, why)
        : button(hook, "secret", "Sign…", `Sign what is sent to ${name}`, why),
      button(hook, "remove", "Remove…", `Remove ${name}`, why),
    ),
    fixed &&
      h(
        "p",
        { class: "dim", id: why },
        "It comes from WEBHOOK_URL and WEBHOOK_SECRET in the environment of Spark Control, and is changed or removed there. Others can be added here.",
      ),
    h("webhook-deliveries", { "data-id": hook.id }),
  );
}

/** @param why id of the reason why it cannot be done; null when it can */
function button({ id }: Webhook, act: string, word: string, label: string, why: string | null): Child {
  return h(
    "button",
    {
      class: "btn sm",
      type: "button",
      "data-act": act,
      "data-id": id,
      disabled: why !== null,
      "aria-describedby": why,
      "aria-label": label,
    },
    word,
  );
}

function outcome({ problem, last_delivery: last }: Webhook, now: number): Outcome {
  if (problem !== null) return { tone: "warn", word: "Cannot be used", detail: problem };
  return last ? outcomeOf(last, now) : { tone: "off", word: "Nothing sent yet", detail: "" };
}

/** Messages that wait beside the one that is shown. */
function waiting({ pending, enabled, last_delivery: last }: Webhook): Child {
  const others = pending - (last?.state === "pending" ? 1 : 0);
  if (others <= 0 || controller.value?.simulated) return null;
  const until = enabled ? "its next try" : "it to be switched on";
  return h(
    "span",
    { class: "dim" },
    `${plural(others, "older message")} ${others === 1 ? "waits" : "wait"} for ${until}.`,
  );
}
