/** The registry of what other systems plan. It is kept, shown and compared; nothing in it is ever started from here. */
import type { Database } from "bun:sqlite";
import type { ScheduleChanged } from "../events/event.ts";
import { recordFact } from "../events/facts.ts";
import { Fault } from "../fault.ts";
import { isoTime, newId } from "../ids.ts";
import { readJson } from "../read-json.ts";
import type { Span } from "./overlaps.ts";
import { checkWhen, runsAfter } from "./runs.ts";
import type { KeptEntry, Schedule, ScheduleEntry, ScheduleOrder, Stale } from "./schedule.ts";
import { type Cluster, type Reservation, shownRun, warningsOf } from "./timeline.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LONGEST_VIEW_MS = 7 * DAY_MS;
const MOST_ENTRIES = 200;
const NEXT_RUNS = 5;
/** Runs of one entry that are listed. */
const MOST_LISTED = 100;
/** And that are compared: all within the longest view that are five minutes apart, and a day of those that go on. */
const MOST_RUNS = (LONGEST_VIEW_MS + DAY_MS) / (5 * 60_000);
const COMPUTED_FOR_MS = 60_000;
/** An owner that lives registers its entries again, at the latest at its next deployment. */
const RENEWED_WITHIN_MS = 30 * DAY_MS;
/** What is over is kept for a while, so that people can see that it was there. */
const OVER_KEPT_MS = 30 * DAY_MS;

export interface SchedulesOptions {
  readonly db: Database;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly cluster: () => Cluster;
  readonly reservation: () => Reservation | null;
  /** An entry was registered or removed, durably. */
  readonly onChange: (event: ScheduleChanged) => void;
}

interface Computed {
  readonly updated_at: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly runs: readonly number[];
}

export class Schedules {
  /** Runs take time to compute, and every open dashboard asks for them: they are kept for a moment. */
  readonly #computed = new Map<string, Computed>();

  constructor(private readonly options: SchedulesOptions) {}

  /**
   * Registers an entry, or replaces the one with its id.
   * @throws Fault 422 a time, cron, time zone or link that cannot be used; 409 too many
   */
  register(order: ScheduleOrder): { readonly entry: ScheduleEntry; readonly isNew: boolean } {
    const now = isoTime(this.options.now());
    const id = order.id ?? newId();
    const before = this.#find(id);
    const entry: KeptEntry = {
      id,
      owner: order.owner,
      title: order.title,
      model: order.model ?? null,
      slot: order.slot ?? null,
      at: order.at ?? null,
      cron: order.cron?.trim() ?? null,
      timezone: order.timezone ?? "UTC",
      duration_seconds: order.duration_seconds ?? null,
      note: order.note ?? null,
      link: order.link ?? null,
      created_at: before?.created_at ?? now,
      updated_at: now,
    };
    checkWhen(entry);
    checkLink(entry.link);
    if (!before) this.#makeRoom();
    this.#write(entry, before ? "changed" : "added", (db) =>
      db.run(
        `INSERT INTO schedule_entry (id, document) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET document = ?2`,
        [id, JSON.stringify(entry)],
      ),
    );
    return { entry: this.#shown(entry), isNew: before === null };
  }

  /** @throws Fault 404 */
  remove(id: string): ScheduleEntry {
    const entry = this.#find(id);
    if (!entry) throw new Fault("not_found", "unknown_entry", "There is no entry with this id in the schedule.");
    const shown = this.#shown(entry);
    this.#write(entry, "removed", (db) => db.run("DELETE FROM schedule_entry WHERE id = ?1", [id]));
    return shown;
  }

  /** @throws Fault 404 */
  get(id: string): ScheduleEntry {
    const entry = this.#find(id);
    if (!entry) throw new Fault("not_found", "unknown_entry", "There is no entry with this id in the schedule.");
    return this.#shown(entry);
  }

  /** Everything, and what happens within the next hours. */
  list(hours = 24): Schedule {
    const now = this.options.now();
    const until = now + hours * HOUR_MS;
    const kept = this.#all();
    const spans = kept.map((entry) => this.#spans(entry, until));
    const listed = spans.map((ofEntry) => ofEntry.slice(0, MOST_LISTED));
    return {
      now: isoTime(now),
      until: isoTime(until),
      entries: kept.map((entry) => this.#shown(entry)).sort(byNextRun),
      runs: byStart(listed).map(shownRun),
      warnings: warningsOf(kept, byStart(spans), this.options.reservation(), this.options.cluster()),
    };
  }

  /** Of an entry: its runs that go on or come. */
  #runs(entry: KeptEntry): readonly number[] {
    const now = this.options.now();
    const begins = now - lengthOf(entry) - 1;
    const known = this.#computed.get(entry.id);
    if (known?.updated_at === entry.updated_at && now >= known.at && now < known.at + COMPUTED_FOR_MS)
      return known.runs.filter((start) => start > begins);
    const until = now + LONGEST_VIEW_MS + COMPUTED_FOR_MS;
    const runs = runsAfter(entry, begins, { most: MOST_RUNS, until, least: NEXT_RUNS + 1 });
    this.#computed.set(entry.id, { updated_at: entry.updated_at, at: now, runs });
    return runs;
  }

  #spans(entry: KeptEntry, until: number): Span[] {
    const length = lengthOf(entry);
    return this.#runs(entry)
      .filter((start) => start < until)
      .map((start) => ({ entry, start, end: start + length }));
  }

  #all(): KeptEntry[] {
    return this.options.db
      .query<{ document: string }, []>("SELECT document FROM schedule_entry ORDER BY id")
      .all()
      .flatMap(({ document }) => readJson<KeptEntry>(document) ?? []);
  }

  #find(id: string): KeptEntry | null {
    const row = this.options.db
      .query<{ document: string }, [string]>("SELECT document FROM schedule_entry WHERE id = ?1")
      .get(id);
    return row && readJson<KeptEntry>(row.document);
  }

  /** Entries that have been over for long go first. @throws Fault 409 */
  #makeRoom(): void {
    const all = this.#all();
    const old = all.filter(
      (entry) => this.#staleness(entry) === "over" && overFor(entry, this.options.now()) > OVER_KEPT_MS,
    );
    for (const entry of old) this.remove(entry.id);
    if (all.length - old.length >= MOST_ENTRIES)
      throw new Fault("conflict", "schedule_full", `The schedule has ${MOST_ENTRIES} entries already. Remove some.`);
  }

  #write(entry: KeptEntry, change: ScheduleChanged["change"], write: (db: Database) => void): void {
    const { db, now, onChange } = this.options;
    const { id, owner, title } = entry;
    const event: ScheduleChanged = { type: "schedule.changed", at: isoTime(now()), entry_id: id, owner, title, change };
    db.transaction(() => {
      write(db);
      recordFact(db, event);
    }).immediate();
    this.#computed.delete(id);
    onChange(event);
  }

  #staleness(entry: KeptEntry): Stale | null {
    const now = this.options.now();
    if (this.#runs(entry).length === 0) return "over";
    return entry.cron !== null && now - Date.parse(entry.updated_at) > RENEWED_WITHIN_MS ? "not_renewed" : null;
  }

  #shown(entry: KeptEntry): ScheduleEntry {
    const now = this.options.now();
    const next = this.#runs(entry)
      .filter((start) => start > now)
      .slice(0, NEXT_RUNS)
      .map(isoTime);
    return { ...entry, next_run: next[0] ?? null, next_runs: next, stale: this.#staleness(entry) };
  }
}

const byStart = (spans: readonly Span[][]) => spans.flat().sort((a, b) => a.start - b.start);

const lengthOf = ({ duration_seconds }: KeptEntry) => (duration_seconds ?? 0) * 1000;

function overFor(entry: KeptEntry, now: number): number {
  const last = runsAfter(entry, 0, { most: 1 })[0] ?? Date.parse(entry.updated_at);
  return now - Math.max(last, Date.parse(entry.updated_at));
}

function byNextRun(a: ScheduleEntry, b: ScheduleEntry): number {
  if (a.next_run === b.next_run) return a.id < b.id ? -1 : 1;
  if (a.next_run === null || b.next_run === null) return a.next_run === null ? 1 : -1;
  return a.next_run < b.next_run ? -1 : 1;
}

/** It becomes a link on the dashboard. @throws Fault 422 */
function checkLink(link: string | null): void {
  if (link === null) return;
  const protocol = URL.parse(link)?.protocol;
  if (protocol !== "http:" && protocol !== "https:")
    throw new Fault("invalid", "unusable_link", "`link` must be a whole URL that begins with http:// or https://.");
}
