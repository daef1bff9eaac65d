/** Adding a slot, and taking one out again. */
import { Refused } from "../api.ts";
import { h } from "../dom.ts";
import type { Question } from "../panels/confirm-dialog.ts";
import { nodes } from "../state.ts";
import { add, remove, view } from "./desk.ts";
import { said, text, valuesOf } from "./service-questions.ts";

export function addSlotQuestion(): Question {
  return {
    title: "Add a slot",
    body: [
      h(
        "p",
        { class: "lead" },
        "A model can be loaded there from then on. Two slots on one Spark share its memory, and need a port and a container of their own.",
      ),
      text("Name", "name", "Letters, digits, “.”, “_” and “-”.", { required: true, autofocus: true, maxlength: 64 }),
      h(
        "fieldset",
        { class: "field" },
        h("legend", {}, "Sparks"),
        ...nodes.value.map(({ name }) =>
          h(
            "label",
            { class: "check" },
            h("input", { type: "checkbox", name: "nodes", value: name }),
            h("span", {}, name),
          ),
        ),
      ),
      text("Port", "port", "Of vLLM's API. Blank: the usual one.", { inputmode: "numeric", maxlength: 5 }),
      text("Container", "container", "Blank: the usual one.", { maxlength: 128 }),
      text("Image", "image", "Blank: the usual one.", { maxlength: 256 }),
    ],
    keep: "Add nothing",
    go: "Add slot",
    run: async (form) => {
      const name = said(form, "name") ?? "";
      if (view.value?.slots.some((slot) => slot.name === name))
        throw new Refused(`There is a slot named ${name} already. Change it in the list.`, 0);
      const chosen = form.getAll("nodes").map(String);
      if (chosen.length === 0) throw new Refused("Choose at least one Spark for it.", 0);
      const values = valuesOf(form, ["port", "container", "image"]);
      await add("slots", name, { ...values, nodes: chosen });
    },
  };
}

export function removeSlotQuestion(name: string): Question {
  return {
    title: `Remove ${name}?`,
    body: h(
      "p",
      {},
      "No model is loaded there any more. One that runs there goes on running, and has to be stopped on the Spark; its entry is taken out of topology.yaml.",
    ),
    keep: `Keep ${name}`,
    go: `Remove ${name}`,
    danger: true,
    run: () => remove("slots", name),
  };
}
