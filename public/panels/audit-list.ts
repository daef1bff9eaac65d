import { type AuditEntry, fetchAudit } from "../api.ts";
import { quarterMinute } from "../clock.ts";
import { deedOf, doerOf } from "../deeds.ts";
import { type Child, h, picture } from "../dom.ts";
import { dayTime, plural } from "../format.ts";
import { place } from "../router.ts";
import { connection, lock, modelName, settled } from "../state.ts";
import { type EntryPage, PagedList, searchField, tableOf } from "./paged-list.ts";
import { pill, type Tone } from "./pill.ts";

const OUTCOMES: Readonly<Record<AuditEntry["outcome"], readonly [Tone, string]>> = {
  done: ["ok", "Done"],
  refused: ["warn", "Refused"],
  failed: ["bad", "Failed"],
};

/** Who did what, and how it ended. */
export class AuditList extends PagedList<AuditEntry> {
  protected readonly kind = "audit";

  protected fetchPage(before?: number): Promise<EntryPage<AuditEntry>> {
    return fetchAudit(this.text, before);
  }

  protected render(): Child | undefined {
    // What these tell is on record too: then the list is asked for again.
    this.askWhenOther(place.value, settled.value, lock.value, connection.value.state);
    return this.panel();
  }

  protected head(id: string): readonly Child[] {
    return [
      h("h2", { id }, "Who did what"),
      h("p", { class: "dim" }, "kept for 180 days"),
      searchField("Search who did what", "Search"),
      h("a", { class: "btn sm", href: "/api/audit/export", download: "" }, picture("i-download"), "Export"),
    ];
  }

  protected list(entries: readonly AuditEntry[]): Child {
    if (entries.length > 0) return tableOf(["When", "Who", "What", "Outcome"], entries, row);
    return h(
      "div",
      { class: "empty" },
      h(
        "p",
        {},
        this.text === ""
          ? "Nothing yet. Every swap, reservation and change shows up here, with who asked for it."
          : "Nothing of that kind is on record.",
      ),
    );
  }
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
      entry.count > 1 &&
        h(
          "span",
          { class: "dim" },
          ` ${plural(entry.count, "time")}, last `,
          h("time", { datetime: entry.last_at }, dayTime(entry.last_at, quarterMinute.value)),
        ),
    ),
    h("td", { class: "a-how" }, pill(tone, word + why)),
  );
}
