import { sentenceOf } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { refusal } from "./sheet.ts";

/** Typing is over. */
const PAUSE_MS = 250;

export interface EntryPage<Entry> {
  readonly entries: readonly Entry[];
  /** Older ones are before it; null when there are none. */
  readonly next: number | null;
}

/** A list that is asked for page by page: the newest first, older ones behind a button, narrowed by what is typed. */
export abstract class PagedList<Entry> extends Panel {
  protected readonly entries = signal<readonly Entry[] | null>(null);
  protected readonly next = signal<number | null>(null);
  #failed = signal<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #askedFor: readonly unknown[] = [];
  #round = 0;
  protected text = "";

  protected abstract readonly kind: string;
  protected abstract fetchPage(before?: number): Promise<EntryPage<Entry>>;
  /** The heading and what narrows the list. */
  protected abstract head(headingId: string): readonly Child[];
  protected abstract list(entries: readonly Entry[]): Child;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("input", ({ target }) => {
      if (target instanceof HTMLInputElement) this.text = target.value.trim();
      else if (target instanceof HTMLSelectElement) this.chosen(target.value);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.ask(), target instanceof HTMLSelectElement ? 0 : PAUSE_MS);
    });
  }

  protected chosen(_value: string): void {}

  /** @param reasons when one of them is another than before, the list is asked for again; says whether it was */
  protected askWhenOther(...reasons: readonly unknown[]): boolean {
    const isOther = reasons.some((each, at) => each !== this.#askedFor[at]);
    this.#askedFor = reasons;
    if (isOther) this.ask();
    return isOther;
  }

  /** A number that is another after each question: an answer to an older one is no longer wanted. */
  protected get round(): number {
    return this.#round;
  }

  /** @param before only older ones, added to those that are shown */
  protected ask(before?: number): void {
    const round = ++this.#round;
    this.fetchPage(before).then(
      ({ entries, next }) => {
        if (round !== this.#round) return;
        this.entries.value = before === undefined ? entries : [...(this.entries.value ?? []), ...entries];
        this.next.value = next;
        this.#failed.value = null;
      },
      (error) => {
        if (round === this.#round) this.#failed.value = sentenceOf(error);
      },
    );
  }

  /** The panel; undefined, which keeps the skeleton, until there is something to show. */
  protected panel(): Child | undefined {
    const entries = this.entries.value;
    const failed = this.#failed.value;
    if (entries === null && failed === null) return undefined;
    return h(
      "section",
      { class: `panel ${this.kind}`, "aria-labelledby": this.idOf("h") },
      h("header", { class: "panel-head" }, ...this.head(this.idOf("h"))),
      failed !== null && h("div", { class: "pad", "data-key": "failed" }, refusal(failed)),
      entries !== null && this.list(entries),
      this.next.value !== null &&
        h(
          "p",
          { class: "rest" },
          h("button", { class: "btn sm", type: "button", "data-act": "older" }, "Show older ones"),
        ),
    );
  }

  protected override act(name: string): void {
    if (name === "older") this.ask(this.next.value ?? undefined);
  }
}

export const searchField = (name: string, placeholder: string): Child =>
  h(
    "label",
    { class: "search" },
    picture("i-search"),
    h("span", { class: "vh" }, name),
    h("input", { type: "search", placeholder, autocomplete: "off", spellcheck: "false" }),
  );

export const tableOf = <Entry>(
  columns: readonly string[],
  entries: readonly Entry[],
  row: (entry: Entry) => Child,
): Child =>
  h(
    "table",
    { class: "table" },
    h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...entries.map(row)),
  );
