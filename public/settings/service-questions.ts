/** Adding a service beside the models, and taking one out again. */
import { Refused } from "../api.ts";
import { type Child, h } from "../dom.ts";
import type { Question } from "../panels/confirm-dialog.ts";
import { nodes } from "../state.ts";
import { add, remove, type SettingValue, view } from "./desk.ts";

const KINDS: readonly (readonly [string, string])[] = [
  ["http", "Anything that answers HTTP"],
  ["vllm", "vLLM beside the slots"],
  ["asr", "Transcription: speech to text"],
  ["diarizer", "Speaker labels: who speaks when"],
  ["tts", "Speech: text to speech"],
  ["embeddings", "Embeddings"],
  ["reranker", "Reranker"],
  ["qdrant", "Search: the vector database Qdrant"],
  ["bot", "A bot that is updated from git"],
];

export function addServiceQuestion(): Question {
  return {
    title: "Add a service",
    body: [
      h(
        "p",
        { class: "lead" },
        "It is watched from then on, and can be started, stopped and followed under Services. Nothing is installed on the Spark.",
      ),
      text("Name", "name", "Letters, digits, “.”, “_” and “-”.", { required: true, autofocus: true, maxlength: 64 }),
      h(
        "label",
        { class: "field" },
        "Kind",
        h("select", { name: "kind" }, ...KINDS.map(([kind, word]) => h("option", { value: kind }, word))),
      ),
      h(
        "label",
        { class: "field" },
        "Where",
        h(
          "select",
          { name: "node" },
          ...nodes.value.map(({ name }) => h("option", { value: name }, name)),
          h("option", { value: "" }, "On another machine"),
        ),
      ),
      text("Address", "host", "Host name or IP address. Only where it is not on a Spark, or has one of its own.", {
        maxlength: 253,
      }),
      text("Port", "port", "Of its HTTP API. Blank: the usual one of its kind.", {
        inputmode: "numeric",
        maxlength: 5,
      }),
      text("Container", "container", "For start, stop, restart and logs. Blank: the name of the service.", {
        maxlength: 128,
      }),
      text("User", "user", "Of a bot only: its own login on the Spark.", { maxlength: 32 }),
    ],
    keep: "Add nothing",
    go: "Add service",
    run: async (form) => {
      const name = said(form, "name") ?? "";
      if (view.value?.services.some((service) => service.name === name))
        throw new Refused(`There is a service named ${name} already. Change it in the list.`, 0);
      await add("services", name, valuesOf(form, ["kind", "node", "host", "port", "container", "user"]));
    },
  };
}

export function removeServiceQuestion(name: string): Question {
  return {
    title: `Remove ${name}?`,
    body: h(
      "p",
      {},
      "It is neither watched nor shown any more. What runs on the Spark goes on running; its entry is taken out of services-overrides.yaml.",
    ),
    keep: `Keep ${name}`,
    go: `Remove ${name}`,
    danger: true,
    run: () => remove("services", name),
  };
}

export const said = (form: FormData, key: string): string | null => String(form.get(key) ?? "").trim() || null;

/** What was filled in. What is no number is the server's to refuse, in its words. */
export function valuesOf(form: FormData, keys: readonly string[]): Record<string, SettingValue> {
  const values: Record<string, SettingValue> = {};
  for (const key of keys) {
    const value = said(form, key);
    if (value !== null) values[key] = key === "port" && /^\d+$/.test(value) ? Number(value) : value;
  }
  return values;
}

export function text(name: string, key: string, help: string, more: Record<string, string | number | boolean>): Child {
  return h(
    "label",
    { class: "field" },
    h("span", {}, `${name} `, h("span", { class: "dim" }, help)),
    h("input", { type: "text", name: key, autocomplete: "off", ...more }),
  );
}
