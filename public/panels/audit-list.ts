import { type AuditEntry, fetchAudit, sentenceOf } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { deedOf, doerOf } from "../deeds.ts";
import { type Child, h, picture } from "../dom.ts";
import { dayTime, plural } from "../format.ts";
import { place } from "../router.ts";
import { connection, lock, modelName, settled } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { pill, type Tone } from "./pill.ts";
import { refusal } from "./sheet.ts";

/** Typing is over. */
const PAUSE_MS = 250;

const OUTCOMES: Readonly<Record<AuditEntry["outcome"], readonly [Tone, string]>> = {
  done: ["ok", "Done"],
  refused: ["warn", "Refused"],
  failed: ["bad", "Failed"],
};

/** Who did what, and how it ended. */
export class AuditList extends Panel {
  #entries = signal<readonly AuditEntry[] | null>(null);
  #next = signal<number | null>(null);
  #failed = signal<string | null>(null);
  #query = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #askedFor: unknown[] = [];
  #round = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("input", ({ target }) => {
      if (!(target instanceof HTMLInputElement)) return;
      this.#query = target.value.trim();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#ask(), PAUSE_MS);
    });
  }

  protected render(): Child | undefined {
    // What these tell is on record too: then the list is asked for again.
    const reason = [place.value, settled.value, lock.value, connection.value.state];
    if (reason.some((each, at) => each !== this.#askedFor[at])) {
      this.#askedFor = reason;
      this.#ask();
    }
    const entries = this.#entries.value;
    if (entries === null && this.#failed.value === null) return undefined;
    return h(
      "section",
      { class: "panel audit", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Who did what"),
        h("p", { class: "dim" }, "kept for 180 days"),
        h(
          "label",
          { class: "search" },
          picture("i-search"),
          h("span", { class: "vh" }, "Search who did what"),
          h("input", { type: "search", placeholder: "Search", autocomplete: "off", spellcheck: "false" }),
        ),
        h("a", { class: "btn sm", href: "/api/audit/export", download: "" }, picture("i-download"), "Export"),
      ),
      this.#failed.value !== null && h("div", { class: "pad", "data-key": "failed" }, refusal(this.#failed.value)),
      entries !== null &&
        (entries.length === 0
          ? h("div", { class: "empty" }, h("p", {}, "Nothing of that kind is on record."))
          : table(entries)),
      this.#next.value !== null &&
        h(
          "p",
          { class: "rest" },
          h("button", { class: "btn sm", type: "button", "data-act": "older" }, "Show older ones"),
        ),
    );
  }

  protected override act(name: string): void {
    if (name === "older") this.#ask(this.#next.value ?? undefined);
  }

  /** @param before only older ones, added to those that are shown */
  #ask(before?: number): void {
    const round = ++this.#round;
    fetchAudit(this.#query, before).then(
      ({ entries, next }) => {
        if (round !== this.#round) return;
        this.#entries.value = before === undefined ? entries : [...(this.#entries.value ?? []), ...entries];
        this.#next.value = next;
        this.#failed.value = null;
      },
      (error) => {
        if (round === this.#round) this.#failed.value = sentenceOf(error);
      },
    );
  }
}

function table(entries: readonly AuditEntry[]): Child {
  return h(
    "table",
    { class: "table" },
    h("thead", {}, h("tr", {}, ...["When", "Who", "What", "Outcome"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...entries.map(row)),
  );
}

function row(entry: AuditEntry): Child {
  const [tone, word] = OUTCOMES[entry.outcome];
  const why = entry.outcome === "done" ? "" : `: ${entry.code?.replaceAll("_", " ") ?? entry.status ?? "unknown"}`;
  const jobId = entry.details.job_id;
  const deed = deedOf(entry, modelName);
  return h(
    "tr",
    { "data-key": entry.id },
    h("td", { class: "a-when" }, h("time", { datetime: entry.at }, dayTime(entry.at, quarterMinute.value))),
    h("td", { class: "a-who" }, doerOf(entry)),
    h(
      "td",
      { class: "a-what" },
      typeof jobId === "string" ? h("a", { href: `/activity/${jobId}` }, deed) : deed,
      entry.count > 1 && h("span", { class: "dim" }, ` ${plural(entry.count, "time")}`),
    ),
    h("td", { class: "a-how" }, pill(tone, word + why)),
  );
}
