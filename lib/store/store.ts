/** What the controller must not forget, and what it may: two SQLite databases below a locked DATA_DIR. */
import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type DataDirLock, lockDataDir } from "./data-dir-lock.ts";
import { openDatabase } from "./database.ts";
import { FACTS_FILE, usedBefore } from "./lost-facts.ts";
import { FACTS, TELEMETRY } from "./migrations.ts";
import { markLost } from "./origin.ts";
import { type StoreNotice, setAside } from "./set-aside.ts";
import { StoreError } from "./store-error.ts";
import { type TelemetryOptions, TelemetryWriter } from "./telemetry-writer.ts";

const TELEMETRY_FILE = "telemetry.db";

export interface Store {
  readonly dataDir: string;
  /** Durable: a committed write survives a power cut. About 0.3 ms a transaction, synchronous. */
  readonly facts: Database;
  /**
   * The same database by a second connection, whose commits do not wait for the disk: they survive the end of the process,
   * and a power cut once the next fact is written. Never to be used within a transaction on `facts`.
   */
  readonly notes: Database;
  readonly telemetry: TelemetryWriter;
  /** Telemetry that was damaged when it was opened, and has made room; else null. */
  readonly notice: StoreNotice | null;
  /** One immediate transaction on the facts: what it reads cannot change before it writes. Rolls back when `run` throws. */
  transaction<Result>(run: () => Result): Result;
  /** Flushes the telemetry, closes both databases and gives DATA_DIR free. Safe to call twice. */
  close(): void;
}

function makeFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new StoreError("unusable", dataDir, `${dataDir} cannot be made: ${String(cause)}`, { cause });
  }
}

/** @param lost what to say if there turn out to be none; null: there never were */
function openFacts(dataDir: string, lost: string | null): Database {
  const holds =
    "everything counts as reserved until a person forces its release, the history of swaps starts afresh and the Sparks' own records tell what runs";
  const onEmpty = (facts: Database) => lost !== null && markLost(facts, lost);
  return openDatabase({ path: join(dataDir, FACTS_FILE), synchronous: "FULL", migrations: FACTS, holds, onEmpty });
}

/** After `openFacts`, which has checked the file and brought it to the schema. */
function openNotes(dataDir: string): Database {
  const notes = new Database(join(dataDir, FACTS_FILE), { strict: true });
  notes.run("PRAGMA busy_timeout = 5000");
  notes.run("PRAGMA synchronous = NORMAL");
  return notes;
}

/** Old log lines are no reason not to start: damaged ones make room for a new database. */
function openTelemetry(dataDir: string): { readonly db: Database; readonly notice: StoreNotice | null } {
  const path = join(dataDir, TELEMETRY_FILE);
  const holds = "only old log lines and measurements are lost";
  const open = () => openDatabase({ path, synchronous: "NORMAL", migrations: TELEMETRY, holds });
  try {
    return { db: open(), notice: null };
  } catch (error) {
    if (!(error instanceof StoreError) || error.reason !== "corrupt") throw error;
    const keptAs = setAside(path);
    return { db: open(), notice: { file: TELEMETRY_FILE, keptAs, why: wordsOf(error.cause) } };
  }
}

function openBoth(dataDir: string, lost: string | null, lock: DataDirLock, options: TelemetryOptions): Store {
  const facts = openFacts(dataDir, lost);
  let notes: Database | undefined;
  let telemetry: TelemetryWriter;
  let notice: StoreNotice | null;
  try {
    notes = openNotes(dataDir);
    const opened = openTelemetry(dataDir);
    telemetry = new TelemetryWriter(opened.db, options);
    notice = opened.notice;
  } catch (error) {
    notes?.close();
    facts.close();
    throw error;
  }
  let isOpen = true;
  return {
    dataDir,
    facts,
    notes,
    telemetry,
    notice,
    transaction: (run) => facts.transaction(run).immediate(),
    close() {
      if (!isOpen) return;
      isOpen = false;
      telemetry.close();
      notes.close();
      facts.close();
      lock.release();
    },
  };
}

/** SQLite tells of a damaged page in lines. */
const wordsOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, " ");

/** @throws StoreError when DATA_DIR is in use, a database is newer or not writable, or the facts are damaged */
export function openStore(dataDir: string, options: TelemetryOptions = {}): Store {
  makeFolder(dataDir);
  const lost = usedBefore(dataDir);
  const lock = lockDataDir(dataDir);
  try {
    return openBoth(dataDir, lost, lock, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}
