/** Writes small files so that a reader, or a crash, sees the old content or the new one, never half of it. */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

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

/**
 * A copy with the mode of its original. What has the name `to` is whole: it gets that name once it has been read back.
 * @throws when there is no such copy in the end; nothing of it is left then
 */
export function copyAtomically(from: string, to: string): void {
  const temporary = `${to}.tmp`;
  const bytes = readFileSync(from);
  const mode = statSync(from).mode & 0o777;
  try {
    const file = openSync(temporary, "w", mode);
    try {
      fchmodSync(file, mode);
      writeFileSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (!readFileSync(temporary).equals(bytes)) throw new Error(`The copy of ${from} is not what was written.`);
    renameSync(temporary, to);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(to));
}

/** A name is on the disk once its folder is; some file systems cannot be asked for that. */
function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } catch {
  } finally {
    closeSync(folder);
  }
}
