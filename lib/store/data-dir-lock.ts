/**
 * One process per DATA_DIR. The lock is SQLite's exclusive lock on `lock.db`, held open as long as the process lives:
 * the kernel releases it whatever way the process ends, so that a stale lock cannot exist. `lock.json` beside it only
 * tells people who holds it and is never believed by itself.
 */
import { Database, SQLiteError } from "bun:sqlite";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isoTime } from "../ids.ts";
import { foreignFolder } from "./foreign-folder.ts";
import { StoreError } from "./store-error.ts";

interface Holder {
  readonly pid: number;
  /** ISO 8601 UTC. */
  readonly since: string;
  readonly host: string;
}

function holderOf(dataDir: string): Holder | null {
  try {
    return JSON.parse(readFileSync(join(dataDir, "lock.json"), "utf8")) as Holder;
  } catch {
    return null; // The holder may be between taking the lock and writing its name.
  }
}

function inUse(dataDir: string, cause: unknown): StoreError {
  const holder = holderOf(dataDir);
  const who = holder
    ? `process ${holder.pid} on ${holder.host}, running since ${holder.since}`
    : "another process that has not told its name yet";
  const advice = "Stop that one first, or give this one another DATA_DIR.";
  return new StoreError("in_use", dataDir, `${dataDir} is in use by ${who}. ${advice}`, { cause });
}

function tellHolder(dataDir: string): void {
  const holder: Holder = { pid: process.pid, since: isoTime(Date.now()), host: hostname() };
  const file = join(dataDir, "lock.json");
  writeFileSync(`${file}.tmp`, `${JSON.stringify(holder)}\n`);
  renameSync(`${file}.tmp`, file);
}

/** Keeps the connections reachable: one that is collected is closed, and its lock is gone without a word. */
const heldLocks = new Set<Database>();

export interface DataDirLock {
  release(): void;
}

/** @throws StoreError `in_use` naming the holder, `unusable` when the folder cannot be written */
export function lockDataDir(dataDir: string): DataDirLock {
  const path = join(dataDir, "lock.db");
  let db: Database | undefined;
  try {
    db = new Database(path, { create: true });
    db.run("PRAGMA busy_timeout = 0");
    // No journal: nothing is ever written here, and an open transaction must not leave files behind.
    db.run("PRAGMA journal_mode = MEMORY");
    db.run("BEGIN EXCLUSIVE");
    tellHolder(dataDir);
  } catch (cause) {
    db?.close();
    if (cause instanceof SQLiteError && cause.code?.startsWith("SQLITE_BUSY")) throw inUse(dataDir, cause);
    throw new StoreError("unusable", path, `${path} cannot be written: ${String(cause)}.${foreignFolder(dataDir)}`, {
      cause,
    });
  }
  const held = db;
  heldLocks.add(held);
  return {
    release() {
      heldLocks.delete(held);
      held.run("ROLLBACK");
      held.close();
    },
  };
}
