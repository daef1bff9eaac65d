/** Consistent copies of the databases, made while they are in use: for backups. */
import { Database } from "bun:sqlite";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isoTime } from "../ids.ts";
import { markSnapshot } from "./origin.ts";

/** Below DATA_DIR. */
export const SNAPSHOT_FOLDER = "backup";
const FACTS = "facts.db";
const NAMES = [FACTS, "telemetry.db"];

/**
 * Writes each database that is there into `DATA_DIR/backup`, complete or not at all (`VACUUM INTO` reads one state, whatever
 * is written meanwhile). The copy of the facts says of itself that it is one.
 * @returns paths of the copies
 * @throws SQLiteError, or what writing throws; copies of before stay then
 */
export function snapshotDatabases(dataDir: string): string[] {
  const folder = join(dataDir, SNAPSHOT_FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return NAMES.filter((name) => existsSync(join(dataDir, name))).map((name) => {
    const path = join(folder, name);
    const unfinished = `${path}.unfinished`;
    rmSync(unfinished, { force: true });
    const database = new Database(join(dataDir, name), { readwrite: true, create: false });
    try {
      database.run("PRAGMA busy_timeout = 10000");
      database.run("VACUUM INTO ?", [unfinished]);
    } finally {
      database.close();
    }
    if (name === FACTS) mark(unfinished);
    chmodSync(unfinished, 0o600);
    renameSync(unfinished, path);
    return path;
  });
}

/** Whoever starts on the copy must know: what was reserved and under way then is long over. */
function mark(path: string): void {
  const copy = new Database(path, { readwrite: true, create: false });
  try {
    // No file beside the copy: it is one file that is moved to its place.
    copy.run("PRAGMA journal_mode = DELETE");
    markSnapshot(copy, isoTime(Date.now()));
  } finally {
    copy.close();
  }
}
