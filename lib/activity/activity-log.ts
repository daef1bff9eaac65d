/**
 * Requests that are over, in a table that is bounded by rows and age. Nothing is written while a request passes: notes are
 * collected and written in one transaction a second, or when somebody opens the list. What the last second has not written yet is lost when the process is
 * killed; an orderly end writes it.
 */
import type { Database, SQLQueryBindings } from "bun:sqlite";
import { isoTime } from "../ids.ts";
import type { ActivityFilter, RequestEntry, RequestNote } from "./activity.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const KEPT_DAYS = 30;
export const MOST_ENTRIES = 100_000;
/** Kept one by one in each second; what comes on top is only counted. Writing so many takes about a millisecond. */
export const MOST_IN_A_BATCH = 500;
/** Rows that are written before the table is cut to its bounds again. */
const TIDY_EVERY = 5_000;
const ENTRIES_AT_ONCE = 5_000;

const COLUMNS = [
  ...["at", "route", "upstream", "model", "caller", "outcome", "status", "code", "queue_ms", "ttft_ms"],
  ...["duration_ms", "bytes_in", "bytes_out", "tokens_in", "tokens_out", "count"],
] as const;
const INSERT = `INSERT INTO request (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`;

export interface ActivityLogOptions {
  readonly db: Database;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Entries have been written. @param lastId id of the newest */
  readonly onWritten: (lastId: number) => void;
  /** They could not be, and wait. */
  readonly onFailure: (error: unknown) => void;
  readonly batchMs?: number;
  readonly keptDays?: number;
  readonly mostEntries?: number;
  readonly mostInABatch?: number;
}

interface Waiting {
  readonly note: RequestNote;
  readonly at: number;
  count: number;
}

export class ActivityLog {
  #waiting: Waiting[] = [];
  /** Those of the waiting that were refused: the same again is counted. */
  readonly #refused = new Map<string, Waiting>();
  #skipped = 0;
  #sinceTidy = 0;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #tidying = setInterval(() => this.#tidyIfPossible(), HOUR_MS);

  constructor(private readonly options: ActivityLogOptions) {
    this.#tidyIfPossible();
  }

  /** Since the start: requests that were counted only. */
  get skipped(): number {
    return this.#skipped;
  }

  /** One more can be listed in this second. */
  get hasRoom(): boolean {
    const { mostInABatch = MOST_IN_A_BATCH } = this.options;
    return !this.#closed && this.#waiting.length < mostInABatch;
  }

  /** Whether a request that ended so may still be listed in this second; if not, it is counted here, and no note has to be made. */
  takes(outcome: RequestNote["outcome"]): boolean {
    // The same refusal may only add to the number of one that waits.
    if (outcome === "refused" || this.hasRoom) return true;
    this.#skipped++;
    return false;
  }

  /** Never throws, and touches no disk. */
  note(note: RequestNote): void {
    const { now, batchMs = 1_000 } = this.options;
    if (note.outcome === "refused" && this.#counted(note)) return;
    if (!this.hasRoom) {
      this.#skipped++;
      return;
    }
    const waiting = { note, at: now(), count: 1 };
    this.#waiting.push(waiting);
    if (note.outcome === "refused") this.#refused.set(keyOf(note), waiting);
    this.#timer ??= setTimeout(() => this.flush(), batchMs);
  }

  /** Writes what waits, now. Never throws: what the disk does not take waits on. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { db, onWritten, onFailure, batchMs = 1_000 } = this.options;
    if (this.#waiting.length === 0) return;
    try {
      let lastId = 0;
      db.transaction(() => {
        const insert = db.query(INSERT);
        for (const one of this.#waiting) lastId = Number(insert.run(...valuesOf(one)).lastInsertRowid);
        this.#sinceTidy += this.#waiting.length;
        if (this.#sinceTidy >= TIDY_EVERY) this.tidy();
      }).immediate();
      this.#waiting = [];
      this.#refused.clear();
      onWritten(lastId);
    } catch (error) {
      onFailure(error);
      this.#timer = setTimeout(() => this.flush(), batchMs);
    }
  }

  /**
   * Newest first, what was noted a moment ago included; not with `after`, by which those who follow ask again at each writing:
   * they would make writings of their own. What is looked for may be rare: entries are read some thousands at a
   * time, and others get their turn in between.
   * @param before id: only older ones
   * @param after id: only newer ones
   */
  async page(
    filter: ActivityFilter,
    { before, after, limit }: { before?: number | undefined; after?: number | undefined; limit: number },
  ): Promise<RequestEntry[]> {
    if (after === undefined) this.flush();
    const found: RequestEntry[] = [];
    const { first, last } = this.#range();
    const from = Math.max(first, (after ?? 0) + 1);
    for (let end = Math.min(before ?? last + 1, last + 1); end > from; end -= ENTRIES_AT_ONCE) {
      found.push(...this.#between(filter, Math.max(from, end - ENTRIES_AT_ONCE), end, limit - found.length));
      if (found.length >= limit) break;
      await Bun.sleep(0);
    }
    return found;
  }

  /** Newest first. @param from ISO 8601 */
  newest(from: string, limit: number): RequestEntry[] {
    return this.options.db
      .query<RequestEntry, [string, number]>("SELECT * FROM request WHERE at >= ? ORDER BY at DESC LIMIT ?")
      .all(from, limit);
  }

  /** Forgets what is too old or too much. @returns entries removed */
  tidy(): number {
    const { db, now, keptDays = KEPT_DAYS, mostEntries = MOST_ENTRIES } = this.options;
    this.#sinceTidy = 0;
    return db.run(
      "DELETE FROM request WHERE at < ?1 OR id <= (SELECT id FROM request ORDER BY id DESC LIMIT 1 OFFSET ?2)",
      [isoTime(now() - keptDays * DAY_MS), mostEntries],
    ).changes;
  }

  /** Writes what waits; what ends later is counted only. */
  close(): void {
    this.flush();
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#tidying);
  }

  #tidyIfPossible(): void {
    try {
      this.tidy();
    } catch (error) {
      this.options.onFailure(error);
    }
  }

  /** @returns whether the same waits to be written already */
  #counted(note: RequestNote): boolean {
    const known = this.#refused.get(keyOf(note));
    if (known) known.count++;
    return known !== undefined;
  }

  #range(): { readonly first: number; readonly last: number } {
    const range = this.options.db
      .query<{ first: number | null; last: number | null }, []>(
        "SELECT (SELECT MIN(id) FROM request) AS first, (SELECT MAX(id) FROM request) AS last",
      )
      .get();
    return { first: range?.first ?? 0, last: range?.last ?? -1 };
  }

  #between(filter: ActivityFilter, from: number, to: number, limit: number): RequestEntry[] {
    const { where, values } = conditions(filter);
    return this.options.db
      .query<RequestEntry, SQLQueryBindings[]>(
        `SELECT * FROM request WHERE id >= ? AND id < ? ${where} ORDER BY id DESC LIMIT ?`,
      )
      .all(from, to, ...values, limit);
  }
}

const keyOf = ({ caller, route, model, status, code }: RequestNote) =>
  JSON.stringify([caller, route, model, status, code]);

function valuesOf({ note, at, count }: Waiting): SQLQueryBindings[] {
  const entry: Omit<RequestEntry, "id"> = { ...note, at: isoTime(at), count };
  return COLUMNS.map((column) => entry[column]);
}

function conditions(filter: ActivityFilter): { where: string; values: SQLQueryBindings[] } {
  const text = filter.text === undefined ? undefined : `%${filter.text.replace(/[\\%_]/g, "\\$&")}%`;
  const like = ["route", "model", "caller", "code"].map((column) => `${column} LIKE ? ESCAPE '\\'`);
  const wanted: readonly (readonly [string, SQLQueryBindings | undefined, number?])[] = [
    ["at >= ?", filter.from],
    ["at < ?", filter.to],
    ["route = ?", filter.route],
    ["upstream = ?", filter.upstream],
    ["model = ?", filter.model],
    ["caller = ?", filter.caller],
    ["outcome = ?", filter.outcome],
    [`(${like.join(" OR ")})`, text, like.length],
  ];
  const set = wanted.filter(([, value]) => value !== undefined);
  return {
    where: set.map(([sql]) => `AND ${sql}`).join(" "),
    values: set.flatMap(([, value, times = 1]) => Array<SQLQueryBindings>(times).fill(value as SQLQueryBindings)),
  };
}
