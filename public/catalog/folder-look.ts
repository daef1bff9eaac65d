/** While an entry is added: what the Sparks tell of the folder that was typed, as proposals to take or to leave. */
import { sentenceOf } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { FieldsRefused } from "../fields-refused.ts";
import { listed, size } from "../format.ts";
import { nodes } from "../state.ts";
import { fetchSuggestions, type Suggestion } from "./calls.ts";
import { proposalsOf } from "./entry-form.ts";

/** So long nothing is typed before the Sparks are asked; who leaves the field does not wait. */
const PAUSE_MS = 600;

/** @param form the fields of an entry. What is said stands below its folder. */
export function lookIntoFolder(form: HTMLElement): void {
  const folder = control(form, "local_path");
  if (!folder) return;
  const said = h("p", { class: "dim", role: "status" });
  const found = h("div", {});
  folder.parentElement?.append(h("div", { class: "found" }, said, found));
  let asked = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function look(): Promise<void> {
    clearTimeout(timer);
    const path = folder?.value.trim() ?? "";
    if (path === asked || !form.isConnected) return;
    asked = path;
    found.replaceChildren();
    said.textContent = path === "" ? "" : "Looking for it on the Sparks…";
    if (path === "") return;
    try {
      const [suggestion] = (await fetchSuggestions(path)).suggestions;
      if (path === asked && suggestion) show(suggestion);
    } catch (error) {
      if (path !== asked) return;
      said.textContent = wayOut(error);
      // The same folder may be asked for again: it was copied meanwhile, or the Spark is back.
      asked = "";
      found.replaceChildren(button("Look again", null, look));
    }
  }

  function show(suggestion: Suggestion): void {
    const open = proposalsOf(suggestion).filter(({ name, text }) => control(form, name)?.value.trim() !== text);
    said.textContent = `${whereOf(suggestion)} ${open.length === 0 ? "All that was found is filled in." : "What was found there:"}`;
    const take = (taken: typeof open) => {
      for (const { name, text } of taken) {
        const field = control(form, name);
        if (field) field.value = text;
      }
      show(suggestion);
      (found.querySelector("button") ?? folder)?.focus();
    };
    const blank = open.filter(({ name }) => control(form, name)?.value.trim() === "");
    found.replaceChildren(
      ...(suggestion.needs_setup === null ? [] : [h("p", {}, picture("g-warn"), ` ${suggestion.needs_setup}`)]),
      ...(blank.length < 2 ? [] : [button("Fill in what is blank", null, () => take(blank))]),
      h(
        "ul",
        {},
        ...open.map((proposal) =>
          h(
            "li",
            {},
            h("span", { class: "dim" }, proposal.label),
            h("span", {}, proposal.text),
            button("Use", `Use ${proposal.text} as: ${proposal.label}`, () => take([proposal])),
          ),
        ),
      ),
    );
  }

  folder.addEventListener("input", () => {
    clearTimeout(timer);
    // Of what does not begin like a path there is nothing to ask yet.
    if (/^\s*(\/|$)/.test(folder.value)) timer = setTimeout(look, PAUSE_MS);
  });
  folder.addEventListener("change", look);
}

const control = (form: HTMLElement, name: string) =>
  form.querySelector<HTMLInputElement | HTMLTextAreaElement>(`[name="${name}"]`);

function button(word: string, label: string | null, press: () => void): Child & HTMLElement {
  const element = h("button", { class: "btn sm", type: "button", "aria-label": label }, word);
  element.addEventListener("click", press);
  return element;
}

/** "On spark-1 (28.4 GB) only. …" */
function whereOf({ on_disk: places }: Suggestion): string {
  const there = listed(places.map(({ node, bytes }) => `${node} (${size(bytes)})`));
  return places.length < nodes.value.length
    ? `On ${there}. Another Spark can serve it once it lies in the same folder there.`
    : `On ${there}.`;
}

function wayOut(error: unknown): string {
  const why = sentenceOf(error);
  const status = error instanceof FieldsRefused ? error.status : 0;
  if (status === 422) return `${why} Write it as on the Spark, from the first slash on: /models/my-model.`;
  if (status === 404)
    return `${why} Check how it is spelt. If the model is not on a Spark yet, copy it there first, into the same folder on each.`;
  return `${why} You can go on without: fill in the fields yourself.`;
}
