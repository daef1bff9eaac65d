/** Events that are kept: written with the change that they tell of, so that neither exists without the other. */
import type { Database } from "bun:sqlite";
import { readJson } from "../read-json.ts";
import type { EventOf, EventType, FactEvent } from "./event.ts";

export interface RecordedFact {
  /** Grows by time of recording. */
  readonly id: number;
  readonly event: FactEvent;
}

export type FactHook = (fact: RecordedFact) => void;

/** Bound to the database, so that no place that records a fact can leave them out. */
const hooks = new WeakMap<Database, FactHook[]>();

/**
 * What has to exist exactly when the fact does (outbox rows, audit entries): called within the transaction of every fact.
 * A throw undoes the change that the fact tells of.
 */
export function onFact(db: Database, hook: FactHook): void {
  hooks.set(db, [...(hooks.get(db) ?? []), hook]);
}

/** To be called within the caller's transaction; publish the event after the commit. */
export function recordFact(db: Database, event: FactEvent): RecordedFact {
  const { lastInsertRowid } = db
    .query("INSERT INTO event (at, type, json) VALUES (?1, ?2, ?3)")
    .run(event.at, event.type, JSON.stringify(event));
  const fact = { id: Number(lastInsertRowid), event };
  for (const hook of hooks.get(db) ?? []) hook(fact);
  return fact;
}

interface Row {
  readonly id: number;
  readonly json: string;
}

/** A row that a damaged disk made unreadable is none. */
function parse({ id, json }: Row): RecordedFact[] {
  const event = readJson<FactEvent>(json);
  return event === null ? [] : [{ id, event }];
}

/** SQL for a member of an event; NULL where the event cannot be read, which `->>` alone makes an error of the whole query. */
const member = (path: string) => `CASE WHEN json_valid(json) THEN json ->> ${path} END`;

/** Recorded facts with an id above `after`, oldest first. */
export function readFacts(db: Database, after: number, limit: number): RecordedFact[] {
  return db
    .query<Row, [number, number]>("SELECT id, json FROM event WHERE id > ?1 ORDER BY id LIMIT ?2")
    .all(after, limit)
    .flatMap(parse);
}

/** The newest fact of a type whose `field` has this value, below the id `before`; null when there is none. */
export function lastFact<Type extends EventType & FactEvent["type"]>(
  db: Database,
  type: Type,
  [field, value]: readonly [keyof EventOf<Type> & string, string],
  before = Number.MAX_SAFE_INTEGER,
): EventOf<Type> | null {
  const row = db
    .query<Row, [string, number, string, string]>(
      `SELECT id, json FROM event WHERE type = ?1 AND id < ?2 AND ${member("?3")} = ?4 ORDER BY id DESC LIMIT 1`,
    )
    .get(type, before, field, value);
  return row ? (JSON.parse(row.json) as EventOf<Type>) : null;
}

/**
 * Whether there is a fact of this type with this number at a JSON path, or one from then on that cannot be read: it may be that one.
 * @param since ISO 8601 UTC
 */
export function mayHaveFact(
  db: Database,
  type: FactEvent["type"],
  [path, value]: readonly [string, number],
  since: string,
): boolean {
  const sql = `SELECT 1 FROM event WHERE type = ?1 AND IFNULL(${member("?2")} = ?3, at >= ?4) LIMIT 1`;
  return db.query(sql).get(type, path, value, since) !== null;
}

/** Forgets facts that are older than `before` or beyond the newest `most`; what is last known of each node and service stays. @returns how many */
export function pruneFacts(db: Database, before: string, most: number): number {
  return db.run(
    `DELETE FROM event
     WHERE (at < ?1 OR id <= (SELECT id FROM event ORDER BY id DESC LIMIT 1 OFFSET ?2))
       AND id NOT IN (SELECT MAX(id) FROM event WHERE type IN ('node.changed', 'service.changed')
                      GROUP BY type, COALESCE(${member("'service'")}, ${member("'node'")}))`,
    [before, most],
  ).changes;
}
