/**
 * The log of each swap: kept in the telemetry database, numbered without gaps, and handed to whoever follows.
 * The store is bounded: the logs of the newest swaps are kept, the others go.
 */
import type { Database } from "bun:sqlite";
import type { LogLine } from "./swap.ts";

export const KEPT_LOGS = 200;

/** Where lines go; the telemetry writer batches them, so that a line never waits for the disk. */
export interface TelemetryWriter {
  readonly db: Database;
  append(table: "swap_log", row: Readonly<Record<string, string | number | null>>): void;
  /** Writes what is queued, now. */
  flush(): void;
}

type Listener = (line: LogLine) => void;
type GrowthListener = (jobId: string, lastSeq: number) => void;

export class SwapLog {
  readonly #sequences = new Map<string, number>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #growth = new Set<GrowthListener>();

  constructor(
    private readonly telemetry: TelemetryWriter,
    private readonly now: () => string,
  ) {}

  append(jobId: string, source: string, text: string): void {
    const seq = this.#last(jobId) + 1;
    this.#sequences.set(jobId, seq);
    const line: LogLine = { seq, at: this.now(), source, line: text };
    this.telemetry.append("swap_log", { job_id: jobId, seq, at: line.at, source, line: text });
    for (const listener of this.#listeners.get(jobId) ?? []) listener(line);
    for (const listener of this.#growth) listener(jobId, seq);
  }

  /** Lines with a number above `after`, in order. */
  read(jobId: string, after: number, limit: number): LogLine[] {
    this.telemetry.flush();
    return this.telemetry.db
      .query<LogLine, [string, number, number]>(
        "SELECT seq, at, source, line FROM swap_log WHERE job_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
      )
      .all(jobId, after, limit);
  }

  /** The last lines with a number below `before`, in order. */
  readBefore(jobId: string, before: number, limit: number): LogLine[] {
    this.telemetry.flush();
    return this.telemetry.db
      .query<LogLine, [string, number, number]>(
        "SELECT seq, at, source, line FROM swap_log WHERE job_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
      )
      .all(jobId, before, limit)
      .reverse();
  }

  /** Number of the last line; 0 when there is none. */
  lastSeq(jobId: string): number {
    return this.#last(jobId);
  }

  /** Calls back with the number of every line of every log from now on. @returns how to end it */
  onGrowth(listener: GrowthListener): () => void {
    this.#growth.add(listener);
    return () => void this.#growth.delete(listener);
  }

  /** Calls back for every line from now on. @returns how to end it */
  follow(jobId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(jobId) ?? new Set();
    this.#listeners.set(jobId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(jobId);
    };
  }

  /** Lines that each source has in the store. */
  counts(jobId: string): ReadonlyMap<string, number> {
    this.telemetry.flush();
    const rows = this.telemetry.db
      .query<{ source: string; lines: number }, [string]>(
        "SELECT source, count(*) AS lines FROM swap_log WHERE job_id = ?1 GROUP BY source",
      )
      .all(jobId);
    return new Map(rows.map((row) => [row.source, row.lines]));
  }

  settle(jobId: string): void {
    this.#sequences.delete(jobId);
    this.telemetry.flush();
    this.telemetry.db.run(
      `DELETE FROM swap_log WHERE job_id IN
         (SELECT job_id FROM swap_log GROUP BY job_id ORDER BY max(at) DESC LIMIT -1 OFFSET ?1)`,
      [KEPT_LOGS],
    );
  }

  #last(jobId: string): number {
    const known = this.#sequences.get(jobId);
    if (known !== undefined) return known;
    this.telemetry.flush();
    const row = this.telemetry.db
      .query<{ last: number | null }, [string]>("SELECT max(seq) AS last FROM swap_log WHERE job_id = ?1")
      .get(jobId);
    return row?.last ?? 0;
  }
}
