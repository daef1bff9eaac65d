/** Outages, and when somebody watched, kept for a year in bounded space. Times are milliseconds since the epoch. */
import type { Database } from "bun:sqlite";
import type { Span } from "./availability.ts";
import type { Change, Outage } from "./reading.ts";

const YEAR_MS = 366 * 86_400_000;
/** About 5 MB. A Spark that flaps with every poll reaches it within a week, and then loses its oldest outages. */
const MOST_OUTAGES = 50_000;
const MOST_SPANS = 20_000;

export interface KnownSpark {
  readonly node: string;
  /** When it was first asked. */
  readonly firstAt: number;
  readonly changedAt: number | null;
  /** Hardware address of the interface that it is reached by; null until it was asked. */
  readonly mac: string | null;
}

export interface LoggedChange {
  readonly spark: string;
  readonly at: number;
  readonly transition: "down" | "up";
  /** With `up`: how long it had been down. */
  readonly downMs: number | null;
  readonly reason: string | null;
}

interface OutageRow {
  readonly node: string;
  readonly began_at: number;
  readonly ended_at: number | null;
  readonly level: Outage["level"];
  readonly reason: string | null;
}

export class ConnectivityStore {
  #span: number | null = null;
  #spanEnd = 0;

  /**
   * @param db    the facts
   * @param notes the same database, for what may be lost in a power cut
   */
  constructor(
    private readonly db: Database,
    private readonly notes: Database,
  ) {}

  /** Within the caller's transaction. Saying the same twice changes nothing. */
  record(node: string, change: Change): void {
    const { at, outage } = change;
    if (change.transition === "down")
      this.db.run(
        `INSERT INTO outage (node, began_at, level, reason) SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS (SELECT 1 FROM outage WHERE node = ?1 AND ended_at IS NULL)`,
        [node, at, outage.level, outage.reason],
      );
    else this.db.run("UPDATE outage SET ended_at = ?2 WHERE node = ?1 AND ended_at IS NULL", [node, at]);
    this.db.run(
      `INSERT INTO spark_link (node, first_at, changed_at) VALUES (?1, ?2, ?2)
       ON CONFLICT (node) DO UPDATE SET changed_at = ?2`,
      [node, at],
    );
  }

  /** It has been asked: from here on its availability counts. */
  meet(node: string, at: number): void {
    this.db.run("INSERT OR IGNORE INTO spark_link (node, first_at) VALUES (?1, ?2)", [node, at]);
  }

  remember(node: string, mac: string): void {
    this.db.run("UPDATE spark_link SET mac = ?2 WHERE node = ?1 AND mac IS NOT ?2", [node, mac]);
  }

  /** Ends what nobody will see the end of: Sparks that are not configured any more. */
  closeAllBut(nodes: readonly string[], at: number): void {
    this.db.run(
      "UPDATE outage SET ended_at = max(began_at, ?1) WHERE ended_at IS NULL AND node NOT IN (SELECT value FROM json_each(?2))",
      [at, JSON.stringify(nodes)],
    );
  }

  known(): ReadonlyMap<string, KnownSpark> {
    const rows = this.db
      .query<{ node: string; first_at: number; changed_at: number | null; mac: string | null }, []>(
        "SELECT node, first_at, changed_at, mac FROM spark_link",
      )
      .all();
    return new Map(
      rows.map(({ node, first_at, changed_at, mac }) => [
        node,
        { node, firstAt: first_at, changedAt: changed_at, mac },
      ]),
    );
  }

  /** Outages that go on, by Spark. */
  open(): ReadonlyMap<string, Outage> {
    const rows = this.db.query<OutageRow, []>("SELECT * FROM outage WHERE ended_at IS NULL").all();
    return new Map(
      rows.map(({ node, began_at, level, reason }) => [node, { began: began_at, level, reason }] as const),
    );
  }

  /** Newest first. */
  changes({ spark, before, limit }: { spark: string | null; before: number; limit: number }): LoggedChange[] {
    return this.db
      .query<LoggedChange, [string | null, number, number]>(
        `SELECT * FROM (
           SELECT node AS spark, began_at AS at, 'down' AS transition, NULL AS downMs, reason, id FROM outage
           UNION ALL
           SELECT node, ended_at, 'up', ended_at - began_at, reason, id FROM outage WHERE ended_at IS NOT NULL
         ) WHERE (?1 IS NULL OR spark = ?1) AND at < ?2 ORDER BY at DESC, id DESC, transition DESC LIMIT ?3`,
      )
      .all(spark, before, limit)
      .map(({ spark: name, at, transition, downMs, reason }) => ({ spark: name, at, transition, downMs, reason }));
  }

  outages(node: string, since: number, now: number): Span[] {
    return this.db
      .query<{ began_at: number; ended_at: number | null }, [string, number]>(
        "SELECT began_at, ended_at FROM outage WHERE node = ?1 AND (ended_at IS NULL OR ended_at > ?2) ORDER BY began_at",
      )
      .all(node, since)
      .map(({ began_at, ended_at }) => ({ from: began_at, to: ended_at ?? now }));
  }

  watched(since: number): Span[] {
    return this.db
      .query<{ began_at: number; ended_at: number }, [number]>(
        "SELECT began_at, ended_at FROM watch_span WHERE ended_at > ?1 ORDER BY began_at",
      )
      .all(since)
      .map(({ began_at, ended_at }) => ({ from: began_at, to: ended_at }));
  }

  /** Polls go on. @param gapMs after a longer silence (the process slept, the clock was set) another span begins */
  watching(now: number, gapMs: number): void {
    if (this.#span === null || now - this.#spanEnd > gapMs || now < this.#spanEnd) {
      const { lastInsertRowid } = this.notes.run("INSERT INTO watch_span (began_at, ended_at) VALUES (?1, ?1)", [now]);
      this.#span = Number(lastInsertRowid);
    } else this.notes.run("UPDATE watch_span SET ended_at = ?2 WHERE id = ?1", [this.#span, now]);
    this.#spanEnd = now;
  }

  /** Forgets what is older than a year, or too much. */
  prune(now: number): void {
    this.db.run(
      `DELETE FROM outage WHERE ended_at < ?1
         OR (ended_at IS NOT NULL AND id <= (SELECT id FROM outage ORDER BY id DESC LIMIT 1 OFFSET ?2))`,
      [now - YEAR_MS, MOST_OUTAGES],
    );
    this.db.run(
      `DELETE FROM watch_span WHERE ended_at < ?1
         OR id <= (SELECT id FROM watch_span ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
      [now - YEAR_MS, MOST_SPANS],
    );
  }
}
