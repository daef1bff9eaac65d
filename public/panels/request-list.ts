import { fetchRequests, type RequestEntry, sentenceOf } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockSeconds, dayTime, milliseconds, plural, size } from "../format.ts";
import { place } from "../router.ts";
import { connection, lastRequest } from "../state.ts";
import { signal } from "../store.ts";
import { Panel } from "./panel.ts";
import { pill, type Tone } from "./pill.ts";
import { refusal } from "./sheet.ts";

/** Typing is over. */
const PAUSE_MS = 250;
/** Rows that a page which is left open keeps; older ones are behind the button. */
const MOST_LIVE = 200;
const ERROR_STATUS = 400;

const KINDS = [
  ["", "All"],
  ["complete", "Answered"],
  ["failed", "Failed"],
  ["left", "Client left"],
  ["refused", "Refused"],
] as const;

/** What passes through the gateway, as it passes: figures and names, never content. */
export class RequestList extends Panel {
  #entries = signal<readonly RequestEntry[] | null>(null);
  #next = signal<number | null>(null);
  #failed = signal<string | null>(null);
  #text = "";
  #outcome = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #askedFor: unknown[] = [];
  #seen = 0;
  #round = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("input", ({ target }) => {
      if (target instanceof HTMLSelectElement) this.#outcome = target.value;
      else if (target instanceof HTMLInputElement) this.#text = target.value.trim();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#ask(), target instanceof HTMLSelectElement ? 0 : PAUSE_MS);
    });
  }

  protected render(): Child | undefined {
    const reason = [place.value, connection.value.state];
    const newest = lastRequest.value;
    if (reason.some((each, at) => each !== this.#askedFor[at])) {
      this.#askedFor = reason;
      this.#ask();
    } else if (newest > this.#seen) this.#askNewer();
    this.#seen = newest;
    const entries = this.#entries.value;
    if (entries === null && this.#failed.value === null) return undefined;
    return h(
      "section",
      { class: "panel requests", "aria-labelledby": this.idOf("h") },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: this.idOf("h") }, "Requests"),
        h("p", { class: "dim" }, "through the gateway, kept for 30 days, without content"),
        h(
          "label",
          { class: "pick" },
          h("span", { class: "vh" }, "Which requests"),
          h("select", {}, ...KINDS.map(([value, word]) => h("option", { value }, word))),
        ),
        h(
          "label",
          { class: "search" },
          picture("i-search"),
          h("span", { class: "vh" }, "Search requests"),
          h("input", { type: "search", placeholder: "Model, route, caller", autocomplete: "off", spellcheck: "false" }),
        ),
      ),
      this.#failed.value !== null && h("div", { class: "pad", "data-key": "failed" }, refusal(this.#failed.value)),
      entries !== null && (entries.length === 0 ? this.#empty() : table(entries)),
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

  #empty(): Child {
    const isAll = this.#text === "" && this.#outcome === "";
    return h(
      "div",
      { class: "empty", "data-key": isAll ? "none" : "no-such" },
      h(
        "p",
        {},
        isAll
          ? [
              "No request yet. Point an app at this address, or try a model in the ",
              h("a", { href: "/playground" }, "Playground"),
              ".",
            ]
          : "No request of that kind is listed.",
      ),
    );
  }

  /** @param before only older ones, added to those that are shown */
  #ask(before?: number): void {
    const round = ++this.#round;
    fetchRequests({ text: this.#text, outcome: this.#outcome, before }).then(
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

  /** What has come since; more than a page of it is a new beginning. */
  #askNewer(): void {
    const known = this.#entries.value;
    const after = known?.[0]?.id;
    if (known === null || after === undefined) {
      this.#ask();
      return;
    }
    const round = this.#round;
    fetchRequests({ text: this.#text, outcome: this.#outcome, after }).then(
      ({ entries, next }) => {
        const now = this.#entries.value ?? [];
        if (round !== this.#round || now[0]?.id !== after || entries.length === 0) return;
        if (next !== null) return this.#ask();
        const all = [...entries, ...now];
        this.#entries.value = all.slice(0, MOST_LIVE);
        if (all.length > MOST_LIVE) this.#next.value = all[MOST_LIVE - 1]?.id ?? null;
      },
      // The next one tells again.
      () => undefined,
    );
  }
}

const COLUMNS = ["When", "Model and route", "Outcome", "First token", "Duration", "Tokens", "Bytes"];

function table(entries: readonly RequestEntry[]): Child {
  return h(
    "table",
    { class: "table" },
    h("thead", {}, h("tr", {}, ...COLUMNS.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...entries.map(row)),
  );
}

function row(entry: RequestEntry): Child {
  const [tone, word] = outcomeOf(entry);
  const { tokens_in, tokens_out } = entry;
  return h(
    "tr",
    { "data-key": entry.id },
    h("td", { class: "r-when" }, h("time", { datetime: entry.at }, whenOf(entry.at, quarterMinute.value))),
    h(
      "td",
      { class: "r-what" },
      h("span", { class: "r-model" }, entry.model ?? entry.upstream?.split(":").at(-1) ?? "No model named"),
      h("span", { class: "m-sub" }, `${entry.route}, ${entry.caller}`),
    ),
    h(
      "td",
      { class: "r-how" },
      pill(tone, word),
      entry.count > 1 && h("span", { class: "dim" }, ` ${plural(entry.count, "time")}`),
    ),
    figure("First token", entry.ttft_ms === null ? null : milliseconds(entry.ttft_ms)),
    figure(
      "Duration",
      entry.duration_ms === null ? null : milliseconds(entry.duration_ms),
      entry.queue_ms >= 1 ? `after ${milliseconds(entry.queue_ms)} in the queue` : null,
    ),
    figure(
      "Tokens",
      tokens_in === null && tokens_out === null
        ? null
        : `${tokens_in?.toLocaleString("en-GB") ?? "–"} in, ${tokens_out?.toLocaleString("en-GB") ?? "–"} out`,
    ),
    figure("Bytes", `${size(entry.bytes_in)} in, ${size(entry.bytes_out)} out`),
  );
}

/** Nothing reported is a dash, never a zero. The name is for the list on a phone. */
const figure = (name: string, value: string | null, more: string | null = null): Child =>
  h(
    "td",
    { class: "r-figure", "data-unknown": value === null, "data-name": name },
    value ?? "–",
    more !== null && h("span", { class: "m-sub" }, more),
  );

const whenOf = (iso: string, now: number) =>
  new Date(iso).toDateString() === new Date(now).toDateString() ? clockSeconds(iso) : dayTime(iso, now);

function outcomeOf({ outcome, status, code }: RequestEntry): readonly [Tone, string] {
  const why = code?.replaceAll("_", " ") ?? (status === null ? "" : String(status));
  if (outcome === "left") return ["off", "Client left"];
  if (outcome === "refused") return ["warn", `Refused: ${why}`];
  if (outcome === "failed") return ["bad", why === "" ? "Failed" : `Failed: ${why}`];
  if (status !== null && status >= ERROR_STATUS) return ["warn", `Answered ${status}`];
  return ["ok", `Answered ${status ?? ""}`.trim()];
}
