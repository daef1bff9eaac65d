import { type Model, sentenceOf } from "../api.ts";
import { fetchEntry, fetchSuggestions, restoreModel, type Suggestion, startDownload } from "../catalog/calls.ts";
import { additionOf, changeOf, deletionOf, hidingOf } from "../catalog/questions.ts";
import { type Child, h, picture } from "../dom.ts";
import { joined, size } from "../format.ts";
import { say } from "../say.ts";
import { controller, hiddenModels, models } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { refusal } from "./sheet.ts";

/** Entries of the catalog and files on the disks: adding, changing, hiding, downloading, deleting. */
export class ModelDesk extends Panel {
  #suggestions = signal<readonly Suggestion[]>([]);
  #failed = signal<string | null>(null);
  #askedFor: unknown = null;

  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    const all = models.value;
    if (this.#askedFor !== all) {
      this.#askedFor = all;
      fetchSuggestions().then(
        ({ suggestions }) => {
          if (this.#askedFor === all) this.#suggestions.value = suggestions;
        },
        () => undefined,
      );
    }
    const failed = this.#failed.value;
    return h(
      "section",
      { class: "panel desk", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Manage models"),
        h("button", { class: "btn sm", type: "button", "data-act": "add" }, picture("i-plus"), "Add…"),
      ),
      failed !== null && h("div", { class: "pad", "data-key": "failed" }, refusal(failed)),
      h(
        "ul",
        { class: "rows", "data-key": "entries" },
        ...all.map((model) => entryRow(model)),
        ...hiddenModels.value.map(hiddenRow),
      ),
      // The Sparks are asked for these: below what is there at once, so that nothing moves.
      this.#suggested(),
    );
  }

  #suggested(): Child {
    const suggestions = this.#suggestions.value;
    if (suggestions.length === 0) return null;
    return h(
      "div",
      { class: "suggested", "data-key": "suggested", role: "group", "aria-labelledby": this.idOf("suggested") },
      h("h3", { id: this.idOf("suggested") }, "Suggested for your Sparks"),
      h(
        "p",
        { class: "dim" },
        "They lie on a disk, and nobody has set them up yet. What they need was read from their own files.",
      ),
      h(
        "ul",
        { class: "rows" },
        ...suggestions.map(({ key, entry, needs_setup: why, on_disk: places }) =>
          h(
            "li",
            { "data-key": key },
            h(
              "div",
              {},
              h("b", {}, entry.name ?? key),
              h("span", { class: "dim" }, disks(places)),
              why !== null && h("span", { class: "dim" }, why),
            ),
            button("suggestion", key, "Add…", `Add ${entry.name ?? key}`),
          ),
        ),
      ),
    );
  }

  protected override act(name: string, origin: HTMLElement): void {
    const dialog = document.querySelector("confirm-dialog");
    const key = origin.dataset.model ?? "";
    const done = (said: string) => say(said);
    const model = models.value.find((each) => each.key === key);
    if (name === "add") dialog?.ask(additionOf(null, done));
    if (name === "suggestion")
      dialog?.ask(additionOf(this.#suggestions.value.find((each) => each.key === key) ?? null, done));
    if (name === "edit") this.#try(async () => dialog?.ask(changeOf(await fetchEntry(key), done)));
    if (name === "download") this.#try(async () => void (await startDownload(key)));
    if (name === "hide" && model)
      this.#try(async () => dialog?.ask(hidingOf(model, (await fetchEntry(key)).version, done)));
    if (name === "restore") this.#try(async () => void (await restoreModel(key)));
    if (name === "delete" && model) dialog?.ask(deletionOf(model, done));
  }

  #try(work: () => Promise<unknown>): void {
    this.#failed.value = null;
    work().catch((error) => {
      this.#failed.value = sentenceOf(error);
    });
  }
}

function entryRow(model: Model): Child {
  const { key, name, origin, local, on_disk: places } = model;
  const isThere = places !== null && places.length > 0;
  return h(
    "li",
    { "data-key": key, "aria-label": name },
    h(
      "div",
      {},
      h("b", {}, name),
      " ",
      h("span", { class: "tag" }, origin === "shipped" ? "built in" : origin === "disk" ? "on disk" : "added"),
      h("span", { class: "dim" }, joined(model.repo ?? model.local_path, key)),
      h("span", { class: "dim" }, disks(places)),
    ),
    h(
      "div",
      { class: "acts" },
      !local && model.availability !== "on_disk" && button("download", key, "Download", `Download ${name}`),
      origin !== "disk" && button("edit", key, "Edit…", `Edit ${name}`),
      origin !== "disk" &&
        button(
          "hide",
          key,
          origin === "shipped" ? "Hide…" : "Remove…",
          origin === "shipped" ? `Hide ${name}` : `Remove ${name}`,
        ),
      !local && isThere && button("delete", key, "Delete files…", `Delete files of ${name}`),
    ),
  );
}

function button(act: string, key: string, word: string, label: string): Child {
  return h(
    "button",
    { class: "btn sm", type: "button", "data-act": act, "data-model": key, "aria-label": label, "data-key": act },
    word,
  );
}

/** "spark-1 65 GB, spark-2 65 GB" */
function disks(places: Model["on_disk"]): string {
  if (places === null) return "Not looked for on the disks yet";
  return places.length === 0 ? "On no disk" : places.map(({ node, bytes }) => `${node} ${size(bytes)}`).join(", ");
}

function hiddenRow({ key, name }: { readonly key: string; readonly name: string }): Child {
  return h(
    "li",
    { "data-key": `hidden ${key}`, "aria-label": name },
    h("div", {}, h("b", {}, name), " ", h("span", { class: "tag" }, "hidden"), h("span", { class: "dim" }, key)),
    h("div", { class: "acts" }, button("restore", key, "Restore", `Restore ${name}`)),
  );
}
