/**
 * Batched, bounded writes of what may be lost: log lines and the like never wait for the disk and never make a fact
 * wait. Rows are queued and written in one transaction a few times a second.
 */
import type { Database, SQLQueryBindings } from "bun:sqlite";

export interface TelemetryRows {
  readonly swap_log: {
    readonly job_id: string;
    readonly seq: number;
    readonly at: string;
    readonly source: string;
    readonly line: string;
  };
}
export type TelemetryTable = keyof TelemetryRows;

const COLUMNS: { readonly [Table in TelemetryTable]: readonly (keyof TelemetryRows[Table] & string)[] } = {
  swap_log: ["job_id", "seq", "at", "source", "line"],
};

export interface TelemetryOptions {
  /** Rows kept waiting; the oldest are dropped beyond it. */
  readonly maxQueued?: number;
  readonly flushMs?: number;
}

interface Queued {
  readonly table: TelemetryTable;
  readonly values: readonly SQLQueryBindings[];
}

const statement = (table: TelemetryTable) =>
  `INSERT OR REPLACE INTO ${table} (${COLUMNS[table].join(", ")}) VALUES (${COLUMNS[table].map(() => "?").join(", ")})`;

export class TelemetryWriter {
  #queue: Queued[] = [];
  #dropped = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #maxQueued: number;
  readonly #flushMs: number;

  constructor(
    readonly db: Database,
    { maxQueued = 20_000, flushMs = 250 }: TelemetryOptions = {},
  ) {
    this.#maxQueued = maxQueued;
    this.#flushMs = flushMs;
  }

  /** Rows that were lost: to a full queue, or to a database that could not be written. */
  get dropped(): number {
    return this.#dropped;
  }

  get queued(): number {
    return this.#queue.length;
  }

  append<Table extends TelemetryTable>(table: Table, row: Readonly<TelemetryRows[Table]>): void {
    this.#queue.push({ table, values: COLUMNS[table].map((column) => row[column] as SQLQueryBindings) });
    // Trimmed in steps: shifting one row at a time off a full queue would cost its whole length each time.
    if (this.#queue.length > this.#maxQueued * 1.25) this.#trim();
    this.#timer ??= setTimeout(() => this.flush(), this.#flushMs);
  }

  /** Writes what is queued, now. Never throws: telemetry that cannot be written is dropped and counted. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#trim();
    const rows = this.#queue;
    this.#queue = [];
    if (rows.length === 0) return;
    try {
      this.db.transaction(() => {
        for (const { table, values } of rows) this.db.query(statement(table)).run(...values);
      })();
    } catch {
      this.#dropped += rows.length;
    }
  }

  close(): void {
    this.flush();
    this.db.close();
  }

  #trim(): void {
    const excess = this.#queue.length - this.#maxQueued;
    if (excess <= 0) return;
    this.#queue.splice(0, excess);
    this.#dropped += excess;
  }
}
