/** What a new webhook needs. */
import { type Child, h } from "../dom.ts";

const EVENTS = [
  ["swap_complete", "A swap is ready"],
  ["swap_failed", "A swap failed"],
  ["swap_started", "A swap begins"],
  ["lock_acquired", "The GPUs are reserved"],
  ["lock_released", "They are given back"],
  ["lock_forced", "They are taken from their holder"],
  ["lock_expired", "A reservation ran out"],
] as const;
export const EVERY = "*";

export function webhookForm(): Child {
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
      h("input", { type: "text", name: "name", maxlength: 80, autocomplete: "off" }),
    ),
    h(
      "fieldset",
      { class: "field" },
      h("legend", {}, "When?"),
      h(
        "div",
        { class: "checks" },
        ...EVENTS.map(([event, word], at) =>
          h(
            "label",
            { class: "check" },
            h("input", { type: "checkbox", name: "events", value: event, checked: at < 2 }),
            h("span", {}, word),
          ),
        ),
        h(
          "label",
          { class: "check" },
          h("input", { type: "checkbox", name: "events", value: EVERY }),
          h("span", {}, "Everything, also what later versions add"),
        ),
      ),
    ),
    h(
      "label",
      { class: "check" },
      h("input", { type: "checkbox", name: "sign", checked: true }),
      h(
        "span",
        {},
        h("b", {}, "Sign the messages"),
        h("span", { class: "dim" }, "The receiver can tell that they are real. The secret is shown once."),
      ),
    ),
  ];
}
