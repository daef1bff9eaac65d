/**
 * The log of each swap: kept in the telemetry database, numbered without gaps, and handed to whoever follows.
 * The store is bounded: the logs of the newest swaps are kept, the others go.
 */
import type { Database } from "bun:sqlite";
import type { LogRow, WaitingRow } from "../store/lost-lines.ts";
import { unwritable } from "../store/unwritable.ts";
import type { LogLine } from "./swap.ts";

export const KEPT_LOGS = 200;

/** Where lines go; the telemetry writer batches them, so that a line never waits for the disk. */
export interface TelemetryWriter {
  readonly db: Database;
  append(table: "swap_log", row: LogRow): void;
  /** What the disk has not taken yet, in order, after an attempt to write it. */
  waiting(): readonly WaitingRow[];
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

  /** @param readTo of a line that was read from a remote log: the offset of the first byte behind it there */
  append(jobId: string, source: string, text: string, readTo: number | null = null): void {
    const seq = this.#last(jobId) + 1;
    this.#sequences.set(jobId, seq);
    const line: LogLine = { seq, at: this.now(), source, line: text };
    this.telemetry.append("swap_log", { job_id: jobId, seq, at: line.at, source, line: text, read_to: readTo });
    for (const listener of this.#listeners.get(jobId) ?? []) listener(line);
    for (const listener of this.#growth) listener(jobId, seq);
  }

  /**
   * Writes what waits, before a step of a swap is made durable: whoever takes the swap up from that step on does not read again
   * what was logged before it. What the disk does not take goes on waiting, and holds no step up.
   */
  flush(): void {
    this.telemetry.waiting();
  }

  /** Lines with a number above `after`, in order. */
  read(jobId: string, after: number, limit: number): LogLine[] {
    const waiting = this.#waiting(jobId).filter(({ seq }) => seq > after);
    const stored = this.telemetry.db
      .query<LogLine, [string, number, number]>(
        "SELECT seq, at, source, line FROM swap_log WHERE job_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
      )
      .all(jobId, after, limit);
    return waiting.length === 0 ? stored : [...stored, ...waiting].slice(0, limit);
  }

  /** The last lines with a number below `before`, in order. */
  readBefore(jobId: string, before: number, limit: number): LogLine[] {
    const waiting = this.#waiting(jobId).filter(({ seq }) => seq < before);
    const stored = this.telemetry.db
      .query<LogLine, [string, number, number]>(
        "SELECT seq, at, source, line FROM swap_log WHERE job_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
      )
      .all(jobId, before, limit)
      .reverse();
    return waiting.length === 0 || limit < 1 ? stored : [...stored, ...waiting].slice(-limit);
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

  /** Up to which byte the remote log of each source was taken: into the store, among what waits, or given up. */
  readTo(jobId: string): ReadonlyMap<string, number> {
    const places = new Map<string, number>();
    const take = (source: string, end: number | null) =>
      end === null || places.set(source, Math.max(places.get(source) ?? 0, end));
    for (const { row, lost } of this.telemetry.waiting()) {
      if (row.job_id !== jobId) continue;
      take(row.source, row.read_to);
      for (const [source, { readTo }] of lost ?? []) take(source, readTo);
    }
    const rows = this.telemetry.db
      .query<{ source: string; read_to: number | null }, [string]>(
        `SELECT source, max(read_to) AS read_to FROM swap_log WHERE job_id = ?1 GROUP BY source
         UNION ALL SELECT source, read_to FROM swap_log_lost WHERE job_id = ?1`,
      )
      .all(jobId);
    for (const { source, read_to } of rows) take(source, read_to);
    return places;
  }

  /** Forgets the oldest logs; while that cannot be written, the end of a later swap does it. */
  settle(jobId: string): void {
    // The store does not know the last number of a log whose lines still wait.
    if (this.#waiting(jobId).length === 0) this.#sequences.delete(jobId);
    try {
      this.telemetry.db.run(
        `DELETE FROM swap_log WHERE job_id IN
           (SELECT job_id FROM swap_log GROUP BY job_id ORDER BY max(at) DESC LIMIT -1 OFFSET ?1)`,
        [KEPT_LOGS],
      );
      this.telemetry.db.run("DELETE FROM swap_log_lost WHERE job_id NOT IN (SELECT job_id FROM swap_log)");
    } catch (error) {
      if (!unwritable(error)) throw error;
    }
  }

  #waiting(jobId: string): LogLine[] {
    const waiting = this.telemetry.waiting();
    if (waiting.length === 0) return [];
    return waiting
      .filter(({ row }) => row.job_id === jobId)
      .map(({ row: { seq, at, source, line } }) => ({ seq, at, source, line }));
  }

  #last(jobId: string): number {
    const known = this.#sequences.get(jobId);
    if (known !== undefined) return known;
    const waiting = this.#waiting(jobId).at(-1);
    if (waiting) return waiting.seq;
    const row = this.telemetry.db
      .query<{ last: number | null }, [string]>("SELECT max(seq) AS last FROM swap_log WHERE job_id = ?1")
      .get(jobId);
    return row?.last ?? 0;
  }
}
