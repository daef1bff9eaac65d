/** One value: what it is, where it comes from, what it may be, and its field. Reads signals. */
import { type Child, h, picture } from "../dom.ts";
import { outcome, type Place, placeId, type SettingValue, saving } from "./desk.ts";
import { choiceLabel } from "./groups.ts";

export interface Row {
  readonly place: Place;
  readonly label: string;
  readonly help: string;
  readonly kind: "whole" | "amount" | "text" | "choice" | "yes_no" | "list";
  /** What the field shows; null: nothing. */
  readonly value: SettingValue | null;
  /** "Default", "From the file", … */
  readonly origin: string;
  /** What it may be; empty where anything may. */
  readonly bounds: string;
  readonly choices: readonly string[];
  /** The environment variable that decides: nothing can be changed here. */
  readonly variable: string | null;
  /** What the environment adds to the list. */
  readonly added: string | null;
  /** The file says something, so it can be taken out again. */
  readonly canReset: boolean;
}

/** @param isChanged what stands in the field is not saved yet */
export function settingRow(row: Row, isChanged: boolean): Child {
  const { place, label, help, variable, added } = row;
  const id = idOf(place);
  const owner = place.slot ?? place.service;
  const named = owner === null ? label : `${label} of ${owner}`;
  const last = outcome.value && placeId(outcome.value.place) === placeId(place) ? outcome.value : null;
  const isBusy = saving.value !== null;
  const isWrong = last?.kind === "refused";
  return h(
    "form",
    {
      class: "set setting",
      "data-key": placeId(place),
      "data-service": place.service,
      "data-slot": place.slot ?? null,
      "data-setting": place.key,
      "data-kind": row.kind,
      novalidate: true,
    },
    h("div", {}, h("label", { for: id }, h("b", {}, label)), h("span", { class: "dim", id: `${id}-help` }, help)),
    h(
      "div",
      {},
      field(row, id, isWrong),
      added !== null && h("p", { class: "dim", "data-key": "added" }, added),
      h(
        "p",
        { class: "dim", id: `${id}-from`, "data-key": "from" },
        variable === null
          ? [row.origin, row.bounds].filter((text) => text !== "").join(" · ")
          : `Set by the environment variable ${variable}. Change it there.`,
      ),
      last && told(last, id),
      variable === null &&
        h(
          "div",
          { class: "acts", "data-key": "acts" },
          isChanged && [
            h(
              "button",
              {
                class: "btn sm primary",
                type: "submit",
                disabled: isBusy,
                "aria-label": `Save: ${named}`,
                "data-key": "save",
              },
              "Save",
            ),
            h(
              "button",
              {
                class: "btn sm",
                type: "button",
                "data-act": "discard",
                "aria-label": `Discard: ${named}`,
                "data-key": "discard",
              },
              "Discard",
            ),
          ],
          !isChanged &&
            row.canReset &&
            h(
              "button",
              {
                class: "btn sm",
                type: "button",
                "data-act": "reset",
                disabled: isBusy,
                "aria-label": `Use the default: ${named}`,
                "data-key": "reset",
              },
              "Use the default",
            ),
        ),
    ),
  );
}

function told(last: NonNullable<typeof outcome.value>, id: string): Child {
  if (last.kind === "refused")
    return h(
      "div",
      { class: "setting-wrong", role: "alert", id: `${id}-wrong`, "data-key": "wrong" },
      picture("g-bad"),
      h("span", {}, last.message),
      last.isStale && h("button", { class: "btn sm", type: "button", "data-act": "look" }, "Look again"),
    );
  return h(
    "p",
    { class: "setting-saved", role: "status", "data-key": "told" },
    picture("g-ok"),
    last.kind === "saved"
      ? [h("span", {}, "Saved."), h("button", { class: "link", type: "button", "data-act": "undo" }, "Undo")]
      : h("span", {}, "Taken back."),
  );
}

function field({ kind, value, choices, variable, added }: Row, id: string, isWrong: boolean): Child {
  const common = {
    id,
    name: "value",
    "aria-describedby": `${id}-help ${id}-from${isWrong ? ` ${id}-wrong` : ""}`,
    "aria-invalid": isWrong ? "true" : null,
  };
  const options = kind === "yes_no" ? ["yes", "no"] : choices;
  const text = textOf(value);
  if (options.length > 0)
    return h(
      "select",
      { ...common, disabled: variable !== null, "data-key": "field" },
      // What is not said by anybody is no choice of its own.
      text === "" && h("option", { value: "", selected: true }, "–"),
      ...options.map((each) => h("option", { value: each, selected: each === text }, choiceLabel(each))),
    );
  if (kind === "list")
    return h(
      "textarea",
      {
        ...common,
        rows: Math.max(2, text.split("\n").length),
        spellcheck: "false",
        autocapitalize: "none",
        placeholder: added === null ? "One a line" : null,
        "data-key": "field",
      },
      text,
    );
  return h("input", {
    ...common,
    value: text,
    type: "text",
    readonly: variable !== null,
    inputmode: kind === "text" ? null : kind === "whole" ? "numeric" : "decimal",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    maxlength: 1024,
    "data-key": "field",
  });
}

const idOf = ({ service, slot, key }: Place): string => `set-${slot ? `slot-${slot}` : (service ?? "cluster")}-${key}`;

/** As the field holds it. */
export function textOf(value: SettingValue | null): string {
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return Array.isArray(value) ? value.join("\n") : String(value);
}

/** What the field's text means; the server says what is wrong with it. Null: nothing is to be said. */
export function meantBy(text: string, kind: string): SettingValue | null {
  const trimmed = text.trim();
  if (kind === "list")
    return trimmed
      .split(/\s*\n\s*/)
      .map((line) => line.trim())
      .filter((line) => line !== "");
  if (trimmed === "") return null;
  if (kind === "yes_no") return trimmed === "yes";
  const number = Number(trimmed);
  return (kind === "whole" || kind === "amount") && Number.isFinite(number) ? number : trimmed;
}
