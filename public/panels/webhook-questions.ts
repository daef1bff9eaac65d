/** What is asked before a webhook is added, changed or removed, or gets another secret. */
import { addWebhook, changeWebhook, removeWebhook, type SavedWebhook, type Webhook } from "../api.ts";
import { h } from "../dom.ts";
import { plural } from "../format.ts";
import type { Question } from "./confirm-dialog.ts";
import { webhookForm, wishOf } from "./webhook-form.ts";
import { nameOf } from "./webhook-words.ts";

/** How long the replaced secret goes on signing, in seconds. */
const OVERLAPS = [
  [3_600, "One hour"],
  [86_400, "One day"],
  [604_800, "One week"],
  [0, "Not at all: somebody else knows it"],
] as const;
const USUAL_OVERLAP = 86_400;

/** Afterwards; with what was saved, unless it was removed. */
type Done = (saved?: SavedWebhook) => Promise<void>;

export function additionOf(done: Done): Question {
  return {
    title: "Add a webhook?",
    body: webhookForm(),
    keep: "Add none",
    go: "Add it",
    async run(form) {
      const { name, ...wish } = wishOf(form);
      const named = name === "" ? {} : { name };
      await done(await addWebhook({ ...wish, ...named, generate_secret: form.get("sign") !== null }));
    },
  };
}

export function changeOf(hook: Webhook, done: Done): Question {
  return {
    title: `Change ${nameOf(hook)}?`,
    body: webhookForm(hook),
    keep: "Leave it as it is",
    go: "Save",
    async run(form) {
      const { name, ...wish } = wishOf(form);
      const enabled = form.get("enabled") !== null;
      await done(await changeWebhook(hook.id, { ...wish, name: name === "" ? null : name, enabled }));
    },
  };
}

export function newSecretOf(hook: Webhook, done: Done): Question {
  return {
    title: hook.has_secret ? `A new secret for ${nameOf(hook)}?` : `Sign what is sent to ${nameOf(hook)}?`,
    body: [
      h(
        "p",
        { class: "lead" },
        "The secret is shown once, to be put into the receiver.",
        hook.has_secret && " Until the old one ends, messages are signed with both.",
      ),
      hook.has_secret &&
        h(
          "label",
          { class: "field" },
          "How long does the old one go on?",
          h(
            "select",
            { name: "overlap" },
            ...OVERLAPS.map(([seconds, word]) =>
              h("option", { value: seconds, selected: seconds === USUAL_OVERLAP }, word),
            ),
          ),
        ),
    ],
    keep: hook.has_secret ? "Keep the old one" : "Leave it unsigned",
    go: "Make a secret",
    async run(form) {
      const overlap = form.get("overlap");
      const previous = overlap === null ? {} : { previous_secret_seconds: Number(overlap) };
      await done(await changeWebhook(hook.id, { generate_secret: true, ...previous }));
    },
  };
}

export function removalOf(hook: Webhook, done: Done): Question {
  const one = hook.pending === 1;
  const waiting =
    hook.pending > 0 &&
    ` ${plural(hook.pending, "message")} that ${one ? "waits" : "wait"} for it ${one ? "is" : "are"} dropped.`;
  return {
    title: `Remove ${nameOf(hook)}?`,
    body: h(
      "p",
      { class: "lead" },
      "It is told nothing any more, and the record of what was sent to it goes.",
      waiting,
    ),
    keep: "Keep it",
    go: "Remove it",
    danger: true,
    async run() {
      await removeWebhook(hook.id);
      await done();
    },
  };
}
