/** The fields of a model's entry: in the dialog, and as they are sent. */
import { Refused } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { FieldsRefused } from "../fields-refused.ts";
import type { EntryFields, FieldChanges, Suggestion } from "./calls.ts";

type Key = keyof EntryFields;
type Kind = "text" | "number" | "list" | "pairs";
type Shape = readonly [key: Key, kind: Kind, label: string, hint: string];

const FIRST: readonly Shape[] = [
  ["name", "text", "Name", "For people."],
  ["repo", "text", "Repository", "On Hugging Face, such as owner/name. This or a folder."],
  ["local_path", "text", "Folder", "On the Sparks, the same path on each. This or a repository."],
  ["nodes", "number", "Sparks", "How many it needs. Blank: one."],
  [
    "gpu_memory_utilization",
    "number",
    "Share of memory",
    "Of each Spark, for the model and its working space; 0.7 is 70 %.",
  ],
  ["max_model_len", "number", "Longest context", "How much text it takes in at once, in tokens."],
  [
    "args",
    "list",
    "Arguments",
    "Options of vllm serve, for experts; one a line, an option and its value on two lines or with =.",
  ],
];
const MORE: readonly Shape[] = [
  ["size_gb", "number", "Size", "Weights in GB, over all Sparks together."],
  ["quantization", "text", "Quantization", "In words."],
  ["served_name", "text", "Name in /v1/models", "Blank: the repository."],
  ["aliases", "list", "Further names", "That clients may ask for; one a line."],
  ["env", "pairs", "Environment", "Of the container; NAME=value, one a line."],
  ["mods", "list", "Mods", "Of the launch script; one a line."],
  ["image", "text", "Image", "Blank: the one of the slot."],
  ["chat_template", "text", "Chat template", "A file; for a local model inside its folder."],
  ["note", "text", "Note", "A remark for people."],
];
const SHAPES = [...FIRST, ...MORE];

/** @param key asked for when it is given: of a new entry */
export function entryForm(values: EntryFields, key?: string): HTMLElement {
  return h(
    "div",
    { class: "entry" },
    key !== undefined &&
      control("key", "text", "Key", "Short and for good: small letters, digits, dots, - and _.", key, true),
    ...FIRST.map((shape, at) => field(shape, values, key === undefined && at === 0)),
    h(
      "details",
      {},
      h("summary", {}, "More fields"),
      h("div", { class: "entry" }, ...MORE.map((shape) => field(shape, values))),
    ),
  );
}

const field = ([key, kind, label, hint]: Shape, values: EntryFields, isFirst = false): Child =>
  control(key, kind, label, hint, textOf(values, key, kind), isFirst);

function control(name: string, kind: Kind, label: string, hint: string, text: string, isFirst: boolean): Child {
  const id = `entry-${name}`;
  const common = {
    id,
    name,
    autofocus: isFirst,
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    "aria-describedby": `${id}-hint`,
  };
  return h(
    "div",
    { class: "field", "data-field": name },
    h("label", { for: id }, label),
    kind === "list" || kind === "pairs"
      ? h("textarea", { ...common, rows: Math.min(8, Math.max(2, text.split("\n").length)) }, text)
      : h("input", { ...common, type: "text", inputmode: kind === "number" ? "decimal" : null, value: text }),
    h("span", { class: "dim", id: `${id}-hint` }, hint),
  );
}

function textOf(values: EntryFields, key: Key, kind: Kind): string {
  const value = values[key];
  if (value === undefined) return "";
  if (kind === "pairs")
    return Object.entries(value)
      .map(([name, each]) => `${name}=${each}`)
      .join("\n");
  return Array.isArray(value) ? value.join("\n") : String(value);
}

export interface Proposal {
  readonly name: string;
  readonly label: string;
  /** As it stands in its field. */
  readonly text: string;
}

/** What a look at a folder says of each field, beside the folder itself. */
export function proposalsOf({ key, entry }: Suggestion): Proposal[] {
  const all: Proposal[] = [{ name: "key", label: "Key", text: key }];
  for (const [name, kind, label] of SHAPES)
    if (name !== "local_path") all.push({ name, label, text: textOf(entry, name, kind) });
  return all.filter(({ text }) => text !== "");
}

/** What was filled in; what was left blank is not there. What is no number stays text, for the server to judge. */
export function entryOf(form: FormData): EntryFields {
  const entry: Record<string, unknown> = {};
  for (const [key, kind] of SHAPES) {
    const text = String(form.get(key) ?? "").trim();
    if (text !== "") entry[key] = meant(text, kind);
  }
  return entry as EntryFields;
}

function meant(text: string, kind: Kind): unknown {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (kind === "list") return lines;
  if (kind === "pairs")
    return Object.fromEntries(
      lines.map((line) => {
        const at = line.indexOf("=");
        return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
      }),
    );
  return kind === "number" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Only what differs; null: it was taken out. */
export function changesOf(before: EntryFields, after: EntryFields): FieldChanges {
  const changes: Record<string, unknown> = {};
  for (const [key] of SHAPES)
    if (JSON.stringify(before[key]) !== JSON.stringify(after[key])) changes[key] = after[key] ?? null;
  return changes as FieldChanges;
}

/** Runs what saves, and puts each reason of a refusal beside its field. @throws Refused what is left to say */
export async function withReasons(save: () => Promise<void>): Promise<void> {
  const form = document.querySelector("dialog[open] .entry");
  for (const old of form?.querySelectorAll(".entry-wrong") ?? []) old.remove();
  for (const old of form?.querySelectorAll("[aria-invalid]") ?? []) old.removeAttribute("aria-invalid");
  try {
    await save();
  } catch (error) {
    if (!(error instanceof FieldsRefused) || !form) throw error;
    const placed = [...error.fields].filter(([path, why]) => place(form, path, why));
    form.querySelector<HTMLElement>("[aria-invalid]")?.focus();
    if (placed.length === 0) throw error;
    throw new Refused("Nothing was saved. What is wrong stands at the fields.", error.status);
  }
}

function place(form: Element, path: string, why: string): boolean {
  const name = path.split("/").find((part) => part !== "" && part !== "values") ?? "";
  const box = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  const control = box?.querySelector("input, textarea");
  if (!box || !control) return false;
  box.closest("details")?.setAttribute("open", "");
  control.setAttribute("aria-invalid", "true");
  const id = `${control.id}-wrong`;
  control.setAttribute("aria-describedby", `${control.id}-hint ${id}`);
  box.append(h("p", { class: "entry-wrong", id }, picture("g-bad"), h("span", {}, why)));
  return true;
}
