/** The audit log: durable, bounded by age and size, and not to be flooded by somebody who is refused again and again. */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import { onFact } from "../events/facts.ts";
import { isoTime } from "../ids.ts";
import { readJson } from "../read-json.ts";
import type { AuditEntry, AuditFilter, AuditNote } from "./audit.ts";
import { noteOf } from "./from-facts.ts";

const DAY_MS = 86_400_000;
export const KEPT_DAYS = 180;
export const MOST_ENTRIES = 100_000;
const SAME_WITHIN_MS = 60_000;
const MOST_REMEMBERED = 1_000;
const PAGE_OF_EXPORT = 500;
const ENTRIES_AT_ONCE = 5_000;
/** So many entries of requests may be written beyond the most that are kept before the oldest go. */
const TIDY_EVERY = 1_000;

export interface AuditLogOptions {
  readonly db: Database;
  /**
   * Where entries of requests are written: a connection to the same database whose commits do not wait for the disk, so
   * that the record of a request does not cost what the request itself costs. They survive the end of the process at once,
   * a power cut with the next fact. Default: `db`.
   */
  readonly notes?: Database;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** An entry that could not be written: it must not be lost without a trace. */
  readonly onLost: (note: AuditNote, error: unknown) => void;
  readonly keptDays?: number;
  readonly mostEntries?: number;
}

interface Row extends Omit<AuditEntry, "details" | "last_at"> {
  readonly details: string;
  /** Null: written by a version that did not keep it. */
  readonly last_at: string | null;
}

export class AuditLog {
  /** Refusals of the last minute: the same again is counted, not written. */
  readonly #refused = new Map<string, { readonly id: number; readonly until: number }>();

  #untidied = 0;

  constructor(private readonly options: AuditLogOptions) {
    onFact(options.db, ({ event }) => {
      const note = noteOf(event);
      // Within the transaction of the fact, and so on its connection.
      if (note) insert(options.db, note, event.at);
    });
  }

  /** Never throws: what was done has been done. */
  note(note: AuditNote): void {
    try {
      // What the controller does by itself comes at its own pace, each time about something else.
      const isCounted = note.outcome !== "done" && note.via !== "controller";
      if (isCounted && this.#counted(note)) return;
      const id = insert(this.#notes, note, isoTime(this.options.now()));
      if (isCounted) this.#remember(note, id);
    } catch (error) {
      this.options.onLost(note, error);
      return;
    }
    // Whoever asks a thousand times a second, for something else each time, fills no disk until the next hour.
    if (++this.#untidied >= TIDY_EVERY) this.#tidyIfPossible();
  }

  #tidyIfPossible(): void {
    try {
      this.#tidy(this.#notes);
    } catch {
      // It is tried again, and reported, within the hour.
    }
  }

  /**
   * Newest first. What is looked for may be rare: entries are read some thousands at a time, and others get their turn in
   * between.
   * @param before id: only older ones
   */
  async page(filter: AuditFilter, before: number | undefined, limit: number): Promise<AuditEntry[]> {
    const found: AuditEntry[] = [];
    const { first, last } = this.#range();
    for (let end = Math.min(before ?? last + 1, last + 1); end > first; end -= ENTRIES_AT_ONCE) {
      found.push(...this.#between(filter, end - ENTRIES_AT_ONCE, end, limit - found.length));
      if (found.length >= limit) break;
      await Bun.sleep(0);
    }
    return found;
  }

  /** Everything that fits, newest first, page by page. */
  async *all(filter: AuditFilter): AsyncGenerator<AuditEntry[], void, void> {
    for (let before: number | undefined; ; ) {
      const entries = await this.page(filter, before, PAGE_OF_EXPORT);
      if (entries.length > 0) yield entries;
      if (entries.length < PAGE_OF_EXPORT) return;
      before = entries.at(-1)?.id;
    }
  }

  /** Forgets what is too old or too much. @returns entries removed */
  tidy(): number {
    return this.#tidy(this.options.db);
  }

  #tidy(db: Database): number {
    this.#untidied = 0;
    const { now, keptDays = KEPT_DAYS, mostEntries = MOST_ENTRIES } = this.options;
    const before = isoTime(now() - keptDays * DAY_MS);
    return db.run(
      "DELETE FROM audit WHERE at < ?1 OR id <= (SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?2)",
      [before, mostEntries],
    ).changes;
  }

  #range(): { readonly first: number; readonly last: number } {
    const range = this.options.db
      .query<{ first: number | null; last: number | null }, []>(
        "SELECT (SELECT MIN(id) FROM audit) AS first, (SELECT MAX(id) FROM audit) AS last",
      )
      .get();
    return { first: range?.first ?? 0, last: range?.last ?? -1 };
  }

  #between(filter: AuditFilter, from: number, to: number, limit: number): AuditEntry[] {
    const { where, values } = conditions(filter);
    return this.options.db
      .query<Row, SQLQueryBindings[]>(`SELECT * FROM audit WHERE id >= ? AND id < ? ${where} ORDER BY id DESC LIMIT ?`)
      .all(from, to, ...values, limit)
      .map(shown);
  }

  get #notes(): Database {
    return this.options.notes ?? this.options.db;
  }

  /** @returns whether the same was noted within the last minute */
  #counted(note: AuditNote): boolean {
    const known = this.#refused.get(keyOf(note));
    if (!known || known.until < this.options.now()) return false;
    const at = isoTime(this.options.now());
    const counted = this.#notes.run("UPDATE audit SET count = count + 1, last_at = ?2 WHERE id = ?1", [known.id, at]);
    return counted.changes === 1;
  }

  #remember(note: AuditNote, id: number): void {
    const oldest = this.#refused.keys().next();
    if (this.#refused.size >= MOST_REMEMBERED && !oldest.done) this.#refused.delete(oldest.value);
    this.#refused.delete(keyOf(note));
    this.#refused.set(keyOf(note), { id, until: this.options.now() + SAME_WITHIN_MS });
  }
}

function insert(db: Database, note: AuditNote, at: string): number {
  const { lastInsertRowid } = db.run(
    `INSERT INTO audit (at, via, address, user_agent, holder, action, method, path, outcome, status, code, details, request_id, count, last_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 1, ?1)`,
    [
      at,
      note.via,
      note.address,
      note.user_agent,
      note.holder,
      note.action,
      note.method,
      note.path,
      note.outcome,
      note.status,
      note.code,
      JSON.stringify(note.details),
      note.request_id,
    ],
  );
  return Number(lastInsertRowid);
}

/** All but the id of the request: what differs in anything else is not the same. A digest, since details may be long. */
const keyOf = ({ request_id: _, ...note }: AuditNote) =>
  new Bun.CryptoHasher("sha256").update(JSON.stringify(note)).digest("base64");

function shown(row: Row): AuditEntry {
  return { ...row, last_at: row.last_at ?? row.at, details: readJson<AuditEntry["details"]>(row.details) ?? {} };
}

function conditions(filter: AuditFilter): { where: string; values: SQLQueryBindings[] } {
  const text = filter.text === undefined ? undefined : `%${filter.text.replace(/[\\%_]/g, "\\$&")}%`;
  const like = ["path", "details", "user_agent", "code", "action"].map((column) => `${column} LIKE ? ESCAPE '\\'`);
  const wanted: readonly (readonly [string, SQLQueryBindings | undefined, number?])[] = [
    ["at >= ?", filter.from],
    ["at < ?", filter.to],
    ["via = ?", filter.via],
    ["outcome = ?", filter.outcome],
    ["action = ?", filter.action],
    ["address = ?", filter.address],
    ["holder = ?", filter.holder],
    [`(${like.join(" OR ")})`, text, like.length],
  ];
  const set = wanted.filter(([, value]) => value !== undefined);
  return {
    where: set.map(([sql]) => `AND ${sql}`).join(" "),
    values: set.flatMap(([, value, times = 1]) => Array<SQLQueryBindings>(times).fill(value as SQLQueryBindings)),
  };
}
