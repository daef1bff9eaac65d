import { type Child, h, picture } from "../dom.ts";
import { place as page } from "../router.ts";
import { PURPOSES } from "../services/words.ts";
import {
  type EnvironmentSetting,
  load,
  lookAgain,
  type Place,
  placeId,
  type ServiceSettings,
  type SlotSettings,
  save,
  undo,
  unread,
  view,
} from "../settings/desk.ts";
import { grouped } from "../settings/groups.ts";
import { rowOf, serviceRow, slotRow } from "../settings/rows.ts";
import { addServiceQuestion, removeServiceQuestion } from "../settings/service-questions.ts";
import { meantBy, type Row, settingRow } from "../settings/setting-row.ts";
import { addSlotQuestion, removeSlotQuestion } from "../settings/slot-questions.ts";
import { controller } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { refusal } from "./sheet.ts";

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** Every value of the configuration: where it comes from, what it may be, changed one by one. */
export class SettingList extends Panel {
  /** Ids of the places whose field is not as it was read. */
  #changed = signal<ReadonlySet<string>>(new Set());
  #askedFor: readonly unknown[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("input", this.#entered);
    this.addEventListener("submit", this.#submitted);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("input", this.#entered);
    this.removeEventListener("submit", this.#submitted);
  }

  protected render(): Child | undefined {
    if (!controller.value) return undefined;
    // There is no event: asked for each time that the page is opened, and at each connection.
    const reason = [page.value, controller.value];
    if (reason.some((each, at) => each !== this.#askedFor[at])) {
      this.#askedFor = reason;
      // What was typed belongs to the version that it was typed on: a later one would be overwritten unseen.
      queueMicrotask(() => void load(() => this.#isWrittenOn()));
    }
    const known = view.value;
    const failed = unread.value;
    if (known === null)
      return failed === null
        ? undefined
        : h("section", { class: "panel" }, h("div", { class: "pad" }, refusal(failed)));
    const byKey = new Map(known.settings.map((each) => [each.key, each]));
    return [
      ...grouped(known.settings.map(({ key }) => key)).map(({ group, keys }) =>
        this.#panel(
          group.title,
          group.help,
          ...keys.flatMap((key) => byKey.get(key) ?? []).map((setting) => this.#row(rowOf(setting))),
        ),
      ),
      this.#panel(
        "Slots",
        "Places where a vLLM may run. With two of them, two models run side by side.",
        ...known.slots.map((slot) => this.#slot(slot, known.slots.length > 1)),
        h(
          "p",
          { class: "pad", "data-key": "add" },
          h("button", { class: "btn", type: "button", "data-act": "add-slot" }, picture("i-plus"), "Add a slot…"),
        ),
      ),
      this.#panel(
        "Services",
        "Where each of them is. Hidden ones are neither shown nor watched.",
        ...known.services.map((service) => this.#service(service)),
        h(
          "p",
          { class: "pad", "data-key": "add" },
          h("button", { class: "btn", type: "button", "data-act": "add-service" }, picture("i-plus"), "Add a service…"),
        ),
      ),
      this.#panel(
        "Environment",
        `${known.environment.filter(({ is_set: isSet }) => isSet).length} of ${known.environment.length} variables are set. They are changed where Spark Control is started.`,
        environment(known.environment),
      ),
    ];
  }

  #panel(name: string, help: string, ...content: Child[]): Child {
    const id = this.idOf(name);
    return h(
      "section",
      { class: "panel", "data-key": name, "aria-labelledby": id },
      h(
        "details",
        { class: "group" },
        h("summary", {}, h("h2", { id }, name), help !== "" && h("span", { class: "dim" }, help), picture("i-chevron")),
        content,
      ),
    );
  }

  #row(row: Row): Child {
    return settingRow(row, this.#changed.value.has(placeId(row.place)));
  }

  #slot({ name, fields }: SlotSettings, isRemovable: boolean): Child {
    const of = (key: string) => fields.find((each) => each.key === key)?.value ?? "";
    return h(
      "details",
      { class: "service-settings", "data-key": name, "aria-label": name },
      h(
        "summary",
        {},
        h("b", {}, name),
        h("span", { class: "dim" }, `${[of("nodes")].flat().join(", ")}:${of("port")}`),
      ),
      ...fields.map((field) => this.#row(slotRow(name, field))),
      isRemovable &&
        h(
          "p",
          { class: "pad", "data-key": "remove" },
          h(
            "button",
            { class: "btn", type: "button", "data-act": "remove-slot", "data-name": name },
            `Remove ${name}…`,
          ),
        ),
    );
  }

  #service({ name, kind, usual, fields }: ServiceSettings): Child {
    const of = (key: string) => fields.find((each) => each.key === key)?.value ?? null;
    const at = [of("host") ?? of("node"), of("port")].filter((part) => part !== null).join(":");
    const shown = fields.filter(({ key }) => !(usual && key === "kind"));
    return h(
      "details",
      { class: "service-settings", "data-key": name, "aria-label": name },
      h(
        "summary",
        {},
        h("b", {}, name),
        h("span", { class: "tag" }, PURPOSES[kind]),
        of("disabled") === true && h("span", { class: "tag" }, "hidden"),
        h("span", { class: "dim" }, at),
      ),
      ...shown.map((field) => this.#row(serviceRow(name, field))),
      !usual &&
        h(
          "p",
          { class: "pad", "data-key": "remove" },
          h(
            "button",
            { class: "btn", type: "button", "data-act": "remove-service", "data-name": name },
            `Remove ${name}…`,
          ),
        ),
    );
  }

  readonly #entered = ({ target }: Event): void => {
    const form = target instanceof Element ? target.closest("form") : null;
    const field = form && fieldOf(form);
    const place = form && placeOf(form);
    if (!field || !place) return;
    this.#mark(place, !isAsRead(field));
  };

  readonly #submitted = (event: Event): void => {
    event.preventDefault();
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    const field = fieldOf(form);
    const place = placeOf(form);
    if (field && place) void this.#do(form, save(place, meantBy(field.value, form.dataset.kind ?? "")), place);
  };

  protected override act(name: string, origin: HTMLElement): void {
    const dialog = document.querySelector("confirm-dialog");
    if (name === "add-slot") dialog?.ask(addSlotQuestion());
    if (name === "remove-slot") dialog?.ask(removeSlotQuestion(origin.dataset.name ?? ""));
    if (name === "add-service") dialog?.ask(addServiceQuestion());
    if (name === "remove-service") dialog?.ask(removeServiceQuestion(origin.dataset.name ?? ""));
    const form = origin.closest("form");
    const place = form && placeOf(form);
    if (!form || !place) return;
    if (name === "discard") {
      form.reset();
      this.#mark(place, false);
      fieldOf(form)?.focus();
    }
    if (name === "reset") void this.#do(form, save(place, null), place);
    if (name === "undo") void this.#do(form, undo(), place);
    if (name === "look") void lookAgain().then(() => fieldOf(form)?.focus());
  }

  /** Afterwards the field shows what holds, and has the focus: the button that was pressed may be gone. */
  async #do(form: HTMLFormElement, deed: Promise<boolean>, place: Place): Promise<void> {
    const before = fieldOf(form)?.value;
    const isDone = await deed;
    // The panel renders what is new first.
    requestAnimationFrame(() => {
      const field = fieldOf(form);
      // Whoever has gone on writing meanwhile keeps what was written.
      if (isDone && field?.value === before) form.reset();
      if (isDone && field) this.#mark(place, !isAsRead(field));
      const now = document.activeElement;
      if (now === null || now === document.body || form.contains(now)) field?.focus();
    });
  }

  #isWrittenOn(): boolean {
    const fields = [...this.querySelectorAll("form")].map(fieldOf);
    return fields.some((field) => field !== null && !isAsRead(field));
  }

  #mark(place: Place, isChanged: boolean): void {
    const changed = new Set(this.#changed.value);
    if (isChanged) changed.add(placeId(place));
    else changed.delete(placeId(place));
    this.#changed.value = changed;
  }
}

function fieldOf(form: HTMLFormElement): Field | null {
  return form.querySelector<Field>("[name=value]");
}

function placeOf({ dataset }: HTMLFormElement): Place | null {
  return dataset.setting === undefined
    ? null
    : { service: dataset.service ?? null, slot: dataset.slot ?? null, key: dataset.setting };
}

function isAsRead(field: Field): boolean {
  if (!(field instanceof HTMLSelectElement)) return field.value === field.defaultValue;
  return field.selectedOptions[0]?.defaultSelected === true;
}

function environment(variables: readonly EnvironmentSetting[]): Child {
  return h(
    "dl",
    { class: "env" },
    ...variables.map(({ name, meaning, is_set: isSet, value, default: usual }) =>
      h(
        "div",
        { "data-key": name },
        h("dt", {}, h("code", {}, name), h("span", { class: "dim" }, meaning)),
        h(
          "dd",
          {},
          isSet ? (value === null ? "set" : h("code", {}, value)) : h("span", { class: "dim" }, "not set"),
          !isSet && usual !== null && h("span", { class: "dim" }, `, default ${usual}`),
        ),
      ),
    ),
  );
}
