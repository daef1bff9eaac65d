/** Events that are kept: written with the change that they tell of, so that neither exists without the other. */
import type { Database } from "bun:sqlite";
import type { FactEvent } from "./event.ts";

export interface RecordedFact {
  /** Grows by time of recording. */
  readonly id: number;
  readonly event: FactEvent;
}

/** To be called within the caller's transaction; publish the event after the commit. */
export function recordFact(db: Database, event: FactEvent): RecordedFact {
  const { lastInsertRowid } = db
    .query("INSERT INTO event (at, type, json) VALUES (?1, ?2, ?3)")
    .run(event.at, event.type, JSON.stringify(event));
  return { id: Number(lastInsertRowid), event };
}

/** Recorded facts with an id above `after`, oldest first. */
export function readFacts(db: Database, after: number, limit: number): RecordedFact[] {
  return db
    .query<{ id: number; json: string }, [number, number]>(
      "SELECT id, json FROM event WHERE id > ?1 ORDER BY id LIMIT ?2",
    )
    .all(after, limit)
    .map(({ id, json }) => ({ id, event: JSON.parse(json) as FactEvent }));
}
