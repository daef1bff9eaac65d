import { fetchRequests, type RequestEntry } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { type Child, h } from "../dom.ts";
import { clockSeconds, dayTime, grouped, milliseconds, plural, size } from "../format.ts";
import { place } from "../router.ts";
import { connection, lastRequest } from "../state.ts";
import { type EntryPage, PagedList, searchField, tableOf } from "./paged-list.ts";
import { pill, type Tone } from "./pill.ts";

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
export class RequestList extends PagedList<RequestEntry> {
  protected readonly kind = "requests";
  #outcome = "";
  #seen = 0;

  protected fetchPage(before?: number): Promise<EntryPage<RequestEntry>> {
    return fetchRequests({ text: this.text, outcome: this.#outcome, before });
  }

  protected override chosen(outcome: string): void {
    this.#outcome = outcome;
  }

  protected render(): Child | undefined {
    const newest = lastRequest.value;
    if (!this.askWhenOther(place.value, connection.value.state) && newest > this.#seen) this.#askNewer();
    this.#seen = newest;
    return this.panel();
  }

  protected head(id: string): readonly Child[] {
    return [
      h("h2", { id }, "Requests"),
      h("p", { class: "dim" }, "through the gateway, kept for 30 days, without content"),
      h(
        "label",
        { class: "pick" },
        h("span", { class: "vh" }, "Which requests"),
        h("select", {}, ...KINDS.map(([value, word]) => h("option", { value }, word))),
      ),
      searchField("Search requests", "Model, route, caller"),
    ];
  }

  protected list(entries: readonly RequestEntry[]): Child {
    return entries.length === 0 ? this.#empty() : tableOf(COLUMNS, entries, row);
  }

  #empty(): Child {
    const isAll = this.text === "" && this.#outcome === "";
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

  /** What has come since; more than a page of it is a new beginning. */
  #askNewer(): void {
    const known = this.entries.value;
    const after = known?.[0]?.id;
    if (known === null || after === undefined) {
      this.ask();
      return;
    }
    const round = this.round;
    fetchRequests({ text: this.text, outcome: this.#outcome, after }).then(
      ({ entries, next }) => {
        const now = this.entries.value ?? [];
        if (round !== this.round || now[0]?.id !== after || entries.length === 0) return;
        if (next !== null) return this.ask();
        const all = [...entries, ...now];
        this.entries.value = all.slice(0, MOST_LIVE);
        if (all.length > MOST_LIVE) this.next.value = all[MOST_LIVE - 1]?.id ?? null;
      },
      // The next one tells again.
      () => undefined,
    );
  }
}

const COLUMNS = ["When", "Model and route", "Outcome", "First token", "Duration", "Tokens", "Bytes"];

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
      tokens_in === null && tokens_out === null ? null : `${counted(tokens_in)} in, ${counted(tokens_out)} out`,
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

const counted = (tokens: number | null): string => (tokens === null ? "–" : grouped(tokens));

const whenOf = (iso: string, now: number) =>
  new Date(iso).toDateString() === new Date(now).toDateString() ? clockSeconds(iso) : dayTime(iso, now);

function outcomeOf({ outcome, status, code }: RequestEntry): readonly [Tone, string] {
  const why = code?.replaceAll("_", " ") ?? (status === null ? "" : statusWords(status));
  if (outcome === "left") return ["off", "Client left"];
  if (outcome === "refused") return ["warn", why === "" ? "Refused" : `Refused: ${why}`];
  if (outcome === "failed") return ["bad", why === "" ? "Failed" : `Failed: ${why}`];
  // The answer of the model's server, passed on as it came: the caller was told no.
  if (status !== null && status >= ERROR_STATUS) return ["warn", `Turned down: ${statusWords(status)}`];
  return ["ok", "Answered"];
}

/** What a status of HTTP (RFC 9110, section 15) says to somebody who has never seen one. */
function statusWords(status: number): string {
  return STATUS_WORDS[status] ?? (status < 500 ? "the request was not accepted" : "an error in the server");
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  400: "the request is not valid",
  401: "no key was given",
  403: "not allowed",
  404: "no such model or address",
  405: "the wrong method for this address",
  408: "it took too long",
  413: "the request is too large",
  415: "a kind of content that is not read",
  422: "the request is not valid",
  429: "too many requests",
  502: "the server behind it did not answer",
  503: "not ready to answer",
  504: "the server behind it took too long",
};
