/**
 * Conditions of services on disk: since when, what was stopped from here and what was restarted outlive the controller.
 * To be given the connection whose commits do not wait for the disk: many services are looked at, and none is worth a wait.
 */
import type { Database } from "bun:sqlite";
import { type Condition, firstCondition } from "./condition.ts";

export class Conditions {
  constructor(private readonly db: Database) {}

  /** By name. A row that cannot be read counts as none: the next look tells. @param at ISO 8601 UTC, for what it does not say */
  all(at: string): Map<string, Condition> {
    const rows = this.db
      .query<{ name: string; document: string }, []>("SELECT name, document FROM service_condition")
      .all();
    return new Map(
      rows.flatMap(({ name, document }) => {
        try {
          return [[name, { ...firstCondition(at), ...(JSON.parse(document) as Condition), suspected: null }] as const];
        } catch {
          return [];
        }
      }),
    );
  }

  keep(name: string, condition: Condition): void {
    this.db.run(
      "INSERT INTO service_condition (name, document) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET document = ?2",
      [name, JSON.stringify(condition)],
    );
  }

  /** None is restarted by itself until it was well again once: whether it was stopped on purpose since, these data do not know. */
  leaveAlone(why: string, at: string): void {
    for (const [name, condition] of this.all(at)) this.keep(name, { ...condition, givenUp: condition.givenUp ?? why });
  }

  forget(name: string): void {
    this.db.run("DELETE FROM service_condition WHERE name = ?1", [name]);
  }
}
