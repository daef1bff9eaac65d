/** Writes small files so that a reader, or a crash, sees the old content or the new one, never half of it. */
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";

/** Replaces `path` by way of `path.tmp` in the same folder, flushed to disk. @param mode permission bits */
export function writeAtomically(path: string, text: string, mode: number): void {
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, "w", mode);
  try {
    // A leftover temporary file keeps its own mode.
    fchmodSync(file, mode);
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
