/** Consistent copies of the databases, made while they are in use: for backups. */
import { Database } from "bun:sqlite";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Below DATA_DIR. */
export const SNAPSHOT_FOLDER = "backup";
const NAMES = ["facts.db", "telemetry.db"];

/**
 * Writes each database that is there into `DATA_DIR/backup`, complete or not at all (`VACUUM INTO` reads one state, whatever
 * is written meanwhile).
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
    chmodSync(unfinished, 0o600);
    renameSync(unfinished, path);
    return path;
  });
}
