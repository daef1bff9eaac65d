/**
 * Batched, bounded writes of what may be lost: log lines never wait for the disk and never make a fact wait. Rows are
 * queued and written in one transaction a few times a second. While the disk takes nothing they stay queued in their order;
 * beyond the bound the oldest are given up, and a row in their place says so.
 */
import type { Database } from "bun:sqlite";
import { type LogRow, placeholders, type WaitingRow } from "./lost-lines.ts";
import { unwritable } from "./unwritable.ts";

export interface TelemetryRows {
  readonly swap_log: LogRow;
}
export type TelemetryTable = keyof TelemetryRows;

export interface TelemetryOptions {
  /** Rows kept waiting; the oldest are given up beyond it. */
  readonly maxQueued?: number;
  readonly flushMs?: number;
  /** Until a write that failed is tried again. */
  readonly retryMs?: number;
}

/** Told how writing goes. */
export interface WriteWatch {
  failed(part: string, error: unknown): void;
  worked(part: string): void;
}

/** Rows that are written without waiting for the clock: some milliseconds' work. */
const MOST_AT_ONCE = 2_000;

const INSERT =
  "INSERT OR REPLACE INTO swap_log (job_id, seq, at, source, line, read_to) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const LOST_TO = `INSERT INTO swap_log_lost (job_id, source, read_to) VALUES (?1, ?2, ?3)
  ON CONFLICT (job_id, source) DO UPDATE SET read_to = ?3`;

export class TelemetryWriter {
  /** Told of every write; set by who puts the parts together. */
  watch: WriteWatch | undefined;
  #queue: WaitingRow[] = [];
  #dropped = 0;
  #failing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #maxQueued: number;
  readonly #flushMs: number;
  readonly #retryMs: number;

  constructor(
    readonly db: Database,
    { maxQueued = 20_000, flushMs = 250, retryMs = 1_000 }: TelemetryOptions = {},
  ) {
    this.#maxQueued = maxQueued;
    this.#flushMs = flushMs;
    this.#retryMs = retryMs;
  }

  /** Rows that were given up. */
  get dropped(): number {
    return this.#dropped;
  }

  get queued(): number {
    return this.#queue.length;
  }

  append(_table: TelemetryTable, row: LogRow): void {
    this.#queue.push({ row });
    // A log that was written while no controller ran comes faster than the clock: only what the disk does not take is given up.
    if (this.#queue.length >= MOST_AT_ONCE && !this.#failing) this.flush();
    // Trimmed in steps: shifting one row at a time off a full queue would cost its whole length each time.
    if (this.#queue.length > this.#maxQueued * 1.25) this.#trim();
    if (this.#queue.length > 0) this.#timer ??= setTimeout(() => this.flush(), this.#flushMs);
  }

  /** What is not in the database yet, after an attempt to write it; while writing fails, that is tried by the clock alone. */
  waiting(): readonly WaitingRow[] {
    if (!this.#failing) this.flush();
    return this.#queue;
  }

  /** Writes what is queued, now. Never throws: what the disk does not take stays queued and is tried again. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#trim();
    const rows = this.#queue;
    if (rows.length === 0) return;
    try {
      this.db.transaction(() => this.#write(rows)).immediate();
      this.#queue = [];
      this.#failing = false;
      this.watch?.worked("telemetry");
    } catch (error) {
      this.watch?.failed("telemetry", error);
      this.#failing = unwritable(error) !== null || isBusy(error);
      if (this.#failing) {
        this.#timer = setTimeout(() => this.flush(), this.#retryMs);
        return;
      }
      // Not for want of room: the same rows would fail again and again, and keep all others from being written.
      this.#queue = [];
      this.#dropped += rows.length;
    }
  }

  close(): void {
    this.flush();
    clearTimeout(this.#timer);
    this.db.close();
  }

  #write(rows: readonly WaitingRow[]): void {
    const insert = this.db.query(INSERT);
    for (const { row, lost } of rows) {
      insert.run(row.job_id, row.seq, row.at, row.source, row.line, row.read_to);
      for (const [source, { readTo }] of lost ?? [])
        if (readTo !== null) this.db.query(LOST_TO).run(row.job_id, source, readTo);
    }
  }

  #trim(): void {
    const excess = this.#queue.length - this.#maxQueued;
    if (excess <= 0) return;
    const given = this.#queue.splice(0, excess);
    this.#dropped += given.filter(({ lost }) => lost === undefined).length;
    this.#queue.unshift(...placeholders(given));
  }
}

function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test((error as { code?: string }).code ?? "");
}
