/** A damaged database makes room for a new one, and is kept for its owner. */
import { lstatSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What was found at the start, for people. */
export interface StoreNotice {
  /** Name of the database. */
  readonly file: string;
  /** Where the damaged one is, in the same folder. */
  readonly keptAs: string;
  /** What is wrong with it. */
  readonly why: string;
}

/** The database last: broken off in between, the next start finds it damaged again. Its journal keeps the name that SQLite looks for. */
const PARTS = ["-wal", "-shm", ""];

/**
 * Nothing may have the database open: SQLite would take its journal for that of the file which has its name next.
 * @returns its name from now on, such as `telemetry-damaged.db`
 * @throws what renaming throws
 */
export function setAside(path: string): string {
  const isThere = (at: string) => lstatSync(at, { throwIfNoEntry: false }) !== undefined;
  const [folder, stem] = [dirname(path), basename(path, ".db")];
  const named = (number: number) => join(folder, `${stem}-damaged${number === 1 ? "" : `-${number}`}.db`);
  let number = 1;
  while (PARTS.some((part) => isThere(named(number) + part))) number += 1;
  for (const part of PARTS) if (isThere(path + part)) renameSync(path + part, named(number) + part);
  return basename(named(number));
}
