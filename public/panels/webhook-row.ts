/** One webhook of the list. Reads a signal. */
import type { Webhook } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { clockTime, joined, plural } from "../format.ts";
import { pill, type Tone } from "./pill.ts";
import { EVERY } from "./webhook-form.ts";

export function nameOf({ name, url }: Webhook): string {
  return name ?? url.replace(/^https?:\/\//, "");
}

export function webhookRow(hook: Webhook): Child {
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
