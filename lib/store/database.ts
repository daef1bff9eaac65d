/** Opens one database file: checked, brought to the known schema, with the durability it needs. */
import { Database, SQLiteError } from "bun:sqlite";
import { StoreError } from "./store-error.ts";

export interface DatabaseSpec {
  readonly path: string;
  /** FULL: a committed fact survives a power cut. NORMAL: it may lose the last moments, never the file. */
  readonly synchronous: "FULL" | "NORMAL";
  readonly migrations: readonly string[];
  /** What is lost when the file is moved away; part of the message about a damaged file. */
  readonly holds: string;
  /** In the transaction that makes the schema in a file that has none: also one that is there already, and empty. */
  readonly onEmpty?: (db: Database) => void;
}

/** What says nothing about the file itself: rights, the disk, somebody else who writes it, memory. */
const NOT_ITS_FAULT = /^SQLITE_(?:CANTOPEN|READONLY|FULL|IOERR|BUSY|LOCKED|PROTOCOL|NOMEM|PERM|AUTH|INTERRUPT)/;

function userVersion(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}

function migrate(db: Database, { path, migrations, onEmpty }: DatabaseSpec): void {
  const version = userVersion(db);
  if (version > migrations.length) {
    throw new StoreError(
      "newer_schema",
      path,
      `${path} was written by a newer version of Spark Control (schema ${version}, this one knows ${migrations.length}). ` +
        "Start that version, or restore a backup made before the update.",
    );
  }
  if (version === migrations.length) return;
  // All of it or nothing: what is known of an empty file must not be forgotten by a crash in between.
  db.transaction(() => {
    for (const sql of migrations.slice(version)) db.run(sql);
    db.run(`PRAGMA user_version = ${migrations.length}`);
    if (version === 0) onEmpty?.(db);
  }).immediate();
}

function check(db: Database): void {
  const answer = db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
  if (answer !== "ok") throw new Error(answer ?? "quick_check gave no answer");
}

const namesIn = (db: Database) =>
  db.query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").all();

/** A file may be sound and still lack a table: every statement on it would fail later, one by one. */
function checkSchema(db: Database, { migrations }: DatabaseSpec): void {
  using whole = new Database(":memory:");
  for (const sql of migrations) whole.run(sql);
  const present = new Set(namesIn(db).map(({ name }) => name));
  const missing = namesIn(whole).flatMap(({ name }) => (present.has(name) ? [] : [name]));
  if (missing.length > 0) throw new Error(`it has no ${missing.join(", ")}`);
}

function refusal(cause: unknown, { path, holds }: DatabaseSpec): StoreError {
  if (cause instanceof StoreError) return cause;
  if (cause instanceof SQLiteError && NOT_ITS_FAULT.test(cause.code ?? ""))
    return new StoreError("unusable", path, `${path} cannot be opened for writing: ${String(cause)}`, { cause });
  const advice = `Restore it from a backup, or move it away together with its -wal and -shm files; then ${holds}.`;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StoreError("corrupt", path, `${path} is damaged or not a database: ${why}. ${advice}`, { cause });
}

/** @throws StoreError */
export function openDatabase(spec: DatabaseSpec): Database {
  let db: Database | undefined;
  try {
    db = new Database(spec.path, { create: true, strict: true });
    db.run("PRAGMA busy_timeout = 5000");
    db.run("PRAGMA journal_mode = WAL");
    db.run(`PRAGMA synchronous = ${spec.synchronous}`);
    db.run("PRAGMA foreign_keys = ON");
    check(db);
    migrate(db, spec);
    checkSchema(db, spec);
    return db;
  } catch (cause) {
    db?.close();
    throw refusal(cause, spec);
  }
}
