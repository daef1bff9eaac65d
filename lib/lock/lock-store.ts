/** The reservation in the facts database. Every call belongs into the caller's transaction. */
import type { Database } from "bun:sqlite";
import { Value } from "@sinclair/typebox/value";
import { type Grant, GrantSchema } from "./grant.ts";

/** Request ids of reservations that have ended; a repeat that comes later than this many others is not recognised. */
const SPENT_KEPT = 1_000;

export class LockStore {
  constructor(private readonly db: Database) {}

  /** @returns `unreadable` when something is there that is no reservation */
  read(): Grant | null | "unreadable" {
    const row = this.db.query<{ document: string }, []>("SELECT document FROM reservation WHERE one = 1").get();
    if (!row) return null;
    try {
      const grant: unknown = JSON.parse(row.document);
      return Value.Check(GrantSchema, grant) ? grant : "unreadable";
    } catch {
      return "unreadable";
    }
  }

  write(grant: Grant | null): void {
    if (grant === null) this.db.run("DELETE FROM reservation");
    else
      this.db.run(
        "INSERT INTO reservation (one, document) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET document = ?1",
        [JSON.stringify(grant)],
      );
  }

  /** The reservation that was asked for with this request id has ended. */
  spend(requestDigest: string): void {
    this.db.run("INSERT OR IGNORE INTO reservation_spent (digest) VALUES (?1)", [requestDigest]);
    this.db.run("DELETE FROM reservation_spent WHERE id <= (SELECT max(id) FROM reservation_spent) - ?1", [SPENT_KEPT]);
  }

  isSpent(requestDigest: string): boolean {
    return this.db.query("SELECT 1 FROM reservation_spent WHERE digest = ?1").get(requestDigest) !== null;
  }
}
