/** What is asked before an entry is added, changed or hidden, or files are deleted. */
import type { Model } from "../api.ts";
import { h } from "../dom.ts";
import { listed, size } from "../format.ts";
import type { Question } from "../panels/confirm-dialog.ts";
import { ownToken } from "../state.ts";
import {
  addModel,
  changeModel,
  deleteFiles,
  type EntryFields,
  hideModel,
  type ModelEntry,
  type Suggestion,
} from "./calls.ts";
import { changesOf, entryForm, entryOf, withReasons } from "./entry-form.ts";
import { lookIntoFolder } from "./folder-look.ts";

/** Afterwards, with a sentence that says what was done. */
type Done = (said: string) => void;

export function additionOf(suggestion: Pick<Suggestion, "key" | "entry"> | null, done: Done): Question {
  const form = entryForm(suggestion?.entry ?? {}, suggestion?.key ?? "");
  lookIntoFolder(form);
  return {
    title: suggestion ? `Add ${suggestion.entry.name ?? suggestion.key}?` : "Add a model?",
    body: [
      h(
        "p",
        { class: "lead" },
        "It joins the list of models; nothing is downloaded or loaded yet. For a model that lies on the Sparks, begin with its folder: what is known of it is looked up.",
      ),
      form,
    ],
    keep: "Add none",
    go: "Add it",
    run: (filledIn) =>
      withReasons(async () => {
        const { key } = await addModel({ key: String(filledIn.get("key") ?? "").trim(), ...entryOf(filledIn) });
        done(`${key} is in the list.`);
      }),
  };
}

export function changeOf(entry: ModelEntry, done: Done): Question {
  const before: EntryFields = { ...entry.shipped, ...entry.own };
  return {
    title: `Change ${before.name ?? entry.key}?`,
    body: [
      h(
        "p",
        { class: "lead" },
        "It counts from the next load on. ",
        entry.shipped && "It came with Spark Control: only what you change is written to models-overrides.yaml.",
      ),
      entryForm(before),
    ],
    keep: "Leave it as it is",
    go: "Save",
    run: (form) =>
      withReasons(async () => {
        await changeModel(entry.key, changesOf(before, entryOf(form)), entry.version);
        done(`${entry.key} is changed.`);
      }),
  };
}

/** @param version of the file when the question was asked: what somebody else has written since is not taken out unseen */
export function hidingOf({ key, name, origin }: Model, version: string, done: Done): Question {
  return {
    title: `Take ${name} out of the list?`,
    body: h(
      "p",
      { class: "lead" },
      origin === "overrides"
        ? "Its entry goes out of models-overrides.yaml. Its files stay on the Sparks."
        : "It can be brought back. Its files stay on the Sparks.",
    ),
    keep: "Keep it",
    go: "Take it out",
    async run() {
      await hideModel(key, version);
      done(`${name} is out of the list.`);
    },
  };
}

export function deletionOf({ key, name, on_disk: places }: Model, done: Done): Question {
  const where = listed((places ?? []).map(({ node, bytes }) => `${node} (${size(bytes)})`));
  return {
    title: `Delete the files of ${name}?`,
    body: [
      h(
        "p",
        { class: "lead" },
        `They are deleted on ${where}. To have them again, they must be downloaded again. The entry stays.`,
      ),
      h(
        "label",
        { class: "field" },
        h("span", {}, "To confirm, type ", h("code", {}, key)),
        h("input", {
          type: "text",
          name: "confirm",
          required: true,
          autofocus: true,
          autocomplete: "off",
          autocapitalize: "none",
          spellcheck: "false",
        }),
      ),
    ],
    keep: "Keep the files",
    go: "Delete the files",
    danger: true,
    async run(form) {
      const { deleted } = await deleteFiles(key, String(form.get("confirm") ?? "").trim(), ownToken());
      done(`Deleted on ${listed(deleted.map(({ node, bytes }) => `${node} (${size(bytes)})`))}.`);
    },
  };
}
