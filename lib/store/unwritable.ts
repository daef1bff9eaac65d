/** Whether what a database refused has to do with the place where it lies: a full disk, a read-only one, a broken one. */
import { SQLiteError } from "bun:sqlite";

const UNWRITABLE = /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN)/;

/** @returns the error of SQLite, also from within a Fault that it caused; null for everything else */
export function unwritable(error: unknown): SQLiteError | null {
  if (error instanceof SQLiteError) return UNWRITABLE.test(error.code ?? "") ? error : null;
  return error instanceof Error && error.cause !== undefined ? unwritable(error.cause) : null;
}
