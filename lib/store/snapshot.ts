/** Consistent copies of the databases, made while they are in use: for backups. */
import { Database } from "bun:sqlite";
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { isoTime } from "../ids.ts";
import { markSnapshot } from "./origin.ts";

/** Below DATA_DIR. */
export const SNAPSHOT_FOLDER = "backup";
const FACTS = "facts.db";
const TELEMETRY = "telemetry.db";
const UNFINISHED = ".unfinished";
const LEFT_BY_A_RUN = ["", "-journal", "-wal", "-shm", UNFINISHED, `${UNFINISHED}-journal`];

export interface Snapshots {
  /** Of the copies that were made. */
  readonly paths: readonly string[];
  /** What is not in them as it should be, one sentence or more each, for the owner. */
  readonly problems: readonly string[];
}

/**
 * Writes each database that is there into `DATA_DIR/backup`, complete or not at all (`VACUUM INTO` reads one state, whatever
 * is written meanwhile). The copy of the facts says of itself that it is one. Copies of before are removed first: no old one is
 * ever taken for one of this run. Telemetry that SQLite cannot copy is copied as a file, or left out: old log lines are no reason
 * to be without a backup.
 * @throws Error in words when the facts cannot be copied, or what writing throws
 */
export function snapshotDatabases(dataDir: string): Snapshots {
  const folder = join(dataDir, SNAPSHOT_FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of [FACTS, TELEMETRY])
    for (const suffix of LEFT_BY_A_RUN) rmSync(join(folder, `${name}${suffix}`), { force: true });
  const paths: string[] = [];
  const problems: string[] = [];
  const [facts, telemetry] = [join(dataDir, FACTS), join(dataDir, TELEMETRY)];
  if (existsSync(facts)) {
    try {
      paths.push(written(join(folder, FACTS), (to) => vacuumMarked(facts, to)));
    } catch (cause) {
      const advice = "Without it a backup would be of no use, so none is made.";
      throw new Error(`${facts} cannot be copied: ${wordsOf(cause)}. ${advice}`, { cause });
    }
  }
  if (existsSync(telemetry)) {
    const path = join(folder, TELEMETRY);
    try {
      paths.push(written(path, (to) => vacuum(telemetry, to)));
    } catch (cause) {
      const why = `SQLite cannot copy ${telemetry}: ${wordsOf(cause)}.`;
      try {
        paths.push(written(path, (to) => copyAsItLies(telemetry, to)));
        problems.push(
          `${why} It is copied as it lies there. A Spark Control that is restored from it sets it aside, and begins a new one: only old log lines and measurements are lost.`,
        );
      } catch (second) {
        problems.push(
          `${why} As a file it cannot be copied either (${wordsOf(second)}): it is left out of the backup.`,
        );
      }
    }
  }
  return { paths, problems };
}

/** Under its name once it is whole. @returns path */
function written(path: string, write: (unfinished: string) => void): string {
  const unfinished = `${path}${UNFINISHED}`;
  try {
    write(unfinished);
    chmodSync(unfinished, 0o600);
    renameSync(unfinished, path);
  } finally {
    for (const suffix of ["", "-journal"]) rmSync(`${unfinished}${suffix}`, { force: true });
  }
  return path;
}

function vacuum(from: string, to: string): void {
  using database = new Database(from, { readwrite: true, create: false });
  database.run("PRAGMA busy_timeout = 10000");
  database.run("VACUUM INTO ?", [to]);
}

function vacuumMarked(from: string, to: string): void {
  vacuum(from, to);
  using copy = new Database(to, { readwrite: true, create: false });
  // No file beside the copy: it is one file that is moved to its place.
  copy.run("PRAGMA journal_mode = DELETE");
  markSnapshot(copy, isoTime(Date.now()));
}

function copyAsItLies(from: string, to: string): void {
  // A pipe would be read for ever.
  if (!statSync(from).isFile()) throw new Error("it is no file");
  try {
    using database = new Database(from, { readwrite: true, create: false });
    // The last rows may be in the journal only, which is not copied.
    database.run("PRAGMA wal_checkpoint(PASSIVE)");
  } catch {
    // What is no database at all has no journal either.
  }
  copyFileSync(from, to);
}

const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
