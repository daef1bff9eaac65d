/**
 * Where these data come from, if they are not simply what the last process left: a snapshot that was restored, or another
 * controller's folder that was copied, or nothing where something should be. It is kept until whoever asked has put aside what must not come alive again, so that a
 * crash in between forgets nothing.
 */
import type { Database } from "bun:sqlite";

const SNAPSHOT = "snapshot_taken_at";
const COPIED = "instance_copied_from";
const LOST = "facts_lost";

export interface Origin {
  /** When the snapshot was made that these data are; null when they are none. ISO 8601 UTC. */
  readonly restoredFrom: string | null;
  /** Id of the controller whose data these were; null when they are its own. */
  readonly copiedFrom: string | null;
  /** These facts were made anew in a folder that had been in use: what was found and what is lost, in words; else null. */
  readonly lost: string | null;
}

/** In the copy, not in the database that was copied. */
export function markSnapshot(copy: Database, at: string): void {
  // A database that nobody has brought to a schema yet holds nothing that could come alive.
  if (copy.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'").get())
    writeMeta(copy, SNAPSHOT, at);
}

/** Within the transaction that gives the copy an id of its own. */
export function markCopied(facts: Database, from: string): void {
  writeMeta(facts, COPIED, from);
}

/** Within the transaction that makes the schema. */
export function markLost(facts: Database, what: string): void {
  writeMeta(facts, LOST, what);
}

export function readOrigin(facts: Database): Origin {
  return {
    restoredFrom: readMeta(facts, SNAPSHOT),
    copiedFrom: readMeta(facts, COPIED),
    lost: readMeta(facts, LOST),
  };
}

/** From here on these are this controller's own data, like any others. */
export function forgetOrigin(facts: Database): void {
  facts.run("DELETE FROM meta WHERE key IN (?1, ?2, ?3)", [SNAPSHOT, COPIED, LOST]);
}

export function readMeta(facts: Database, key: string): string | null {
  return facts.query<{ value: string }, [string]>("SELECT value FROM meta WHERE key = ?1").get(key)?.value ?? null;
}

export function writeMeta(facts: Database, key: string, value: string): void {
  facts.run("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2", [key, value]);
}
