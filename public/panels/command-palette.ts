import { allCommands, type Command, matching, modelCommands } from "../commands.ts";
import { type Child, h, morph, picture } from "../dom.ts";
import { effect, signal } from "../store.ts";

const GROUPS = ["Swap to", "Go to", "Do"] as const;
/** Of each group, so that none hides the others while nothing is typed. */
const AT_FIRST = 5;

/** Jump to a page, choose a model, do something: a combobox with a list (APG), in a dialog. */
export class CommandPalette extends HTMLElement {
  #query = signal("");
  #chosen = signal(0);
  /** Only models, for this slot; undefined: everything. */
  #only: { slot: string | undefined } | undefined;
  #shown: Command[] = [];
  #stop: (() => void) | undefined;
  #input = h("input", {
    type: "text",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "pal-list",
    "aria-autocomplete": "list",
    autocomplete: "off",
    spellcheck: "false",
    autofocus: true,
  });
  #list = h("div", { class: "pal-list", id: "pal-list", role: "listbox", "aria-label": "Results" });
  #word = h("span", { class: "vh" });
  #hint = h("span", {});
  #dialog: HTMLDialogElement = h(
    "dialog",
    { class: "dialog pal", "aria-label": "Jump to a page or do something" },
    h(
      "label",
      { class: "pal-in" },
      picture("i-search"),
      this.#word,
      this.#input,
      h("kbd", { "aria-hidden": "true" }, "Esc"),
    ),
    this.#list,
    h("footer", { class: "pal-foot" }, h("span", {}, h("kbd", {}, "↑"), h("kbd", {}, "↓"), " choose"), this.#hint),
  );

  connectedCallback(): void {
    this.append(this.#dialog);
    this.#input.addEventListener("input", () => {
      this.#query.value = this.#input.value;
      this.#chosen.value = 0;
    });
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("close", () => this.#stop?.());
    this.#dialog.addEventListener("click", ({ target }) => {
      if (target === this.#dialog) this.#dialog.close();
      const option = target instanceof Element ? target.closest<HTMLElement>("[role=option]") : null;
      if (option) this.#run(Number(option.dataset.at));
    });
  }

  show(): void {
    this.#only = undefined;
    this.#open("Jump to a page or do something", "Search models, pages, actions");
  }

  /** @param slot where the model is wanted; any when left out */
  chooseModel(slot?: string): void {
    this.#only = { slot };
    this.#open("Swap to which model?", "Swap to which model?");
  }

  #open(label: string, placeholder: string): void {
    if (this.#dialog.open) return;
    this.#dialog.setAttribute("aria-label", label);
    this.#word.textContent = label;
    this.#hint.replaceChildren(
      h("kbd", {}, "Enter"),
      this.#only ? " shows the plan; nothing starts before you confirm" : " goes there, or opens the plan of a swap",
    );
    this.#input.placeholder = placeholder;
    this.#input.value = "";
    this.#query.value = "";
    this.#chosen.value = 0;
    this.#dialog.showModal();
    this.#stop = effect(() => this.#render());
    this.#chosen.value = Math.max(
      0,
      this.#shown.findIndex(({ obstacle }) => obstacle === null),
    );
  }

  #render(): void {
    const query = this.#query.value;
    const found = matching(this.#only ? modelCommands(this.#only.slot) : allCommands(), query);
    const groups = GROUPS.map((name) => {
      const own = found.filter(({ group }) => group === name);
      return { name, own: query.trim() === "" && !this.#only ? own.slice(0, AT_FIRST) : own };
    }).filter(({ own }) => own.length > 0);
    this.#shown = groups.flatMap(({ own }) => own);
    const chosen = this.#chosen.value;
    morph(
      this.#list,
      ...groups.map(({ name, own }) =>
        h(
          "div",
          { role: "group", "aria-labelledby": `pal-${name.slice(0, 2)}`, "data-key": name },
          h("p", { class: "eyebrow", id: `pal-${name.slice(0, 2)}` }, name),
          ...own.map((command) => option(command, this.#shown.indexOf(command), chosen, query)),
        ),
      ),
      this.#shown.length === 0 && h("p", { class: "pal-none", role: "status" }, `Nothing is called “${query.trim()}”.`),
    );
    const active = this.#shown[chosen];
    if (active) this.#input.setAttribute("aria-activedescendant", `pal-${chosen}`);
    else this.#input.removeAttribute("aria-activedescendant");
    this.#list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  #key(event: KeyboardEvent): void {
    const count = this.#shown.length;
    const next = {
      ArrowDown: this.#chosen.value + 1,
      ArrowUp: this.#chosen.value - 1,
      PageDown: this.#chosen.value + 8,
      PageUp: this.#chosen.value - 8,
    }[event.key];
    if (next !== undefined && count > 0) {
      event.preventDefault();
      const wraps = event.key.startsWith("Arrow");
      this.#chosen.value = wraps ? (next + count) % count : Math.max(0, Math.min(count - 1, next));
    }
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      this.#run(this.#chosen.value);
    }
  }

  #run(at: number): void {
    const command = this.#shown[at];
    if (!command || command.obstacle !== null) return;
    this.#dialog.close();
    command.run();
  }
}

function option({ icon, label, detail, obstacle }: Command, at: number, chosen: number, query: string): Child {
  return h(
    "div",
    {
      role: "option",
      id: `pal-${at}`,
      "data-at": at,
      "aria-selected": String(at === chosen),
      "aria-disabled": obstacle === null ? null : "true",
    },
    picture(icon),
    h("span", {}, marked(label, query)),
    h("span", { class: "dim" }, obstacle ?? detail),
  );
}

/** The label with what was typed underlined. */
function marked(label: string, query: string): Child[] {
  const word = query.trim().split(/\s+/)[0] ?? "";
  const at = word === "" ? -1 : label.toLowerCase().indexOf(word.toLowerCase());
  if (at < 0) return [label];
  return [label.slice(0, at), h("mark", {}, label.slice(at, at + word.length)), label.slice(at + word.length)];
}

declare global {
  interface HTMLElementTagNameMap {
    "command-palette": CommandPalette;
  }
}
