/** Reads a configuration file from disk, bounded, without ever blocking on what is no file. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import type { Problem } from "./problem.ts";
import { MAX_FILE_BYTES, type TextFile } from "./yaml-document.ts";

/** Both null: there is no such file, which is fine. */
export interface ReadFile {
  readonly file: TextFile | null;
  readonly problem: Problem | null;
}

/** UTF-8 text of at most 1 MiB. Never throws. */
export function readConfigFile(path: string): ReadFile {
  const refuse = (message: string): ReadFile => ({
    file: null,
    problem: { source: basename(path), line: null, path: "", message, instead: "Nothing of this file is used." },
  });
  try {
    const bytes = readBounded(path);
    if (bytes === "not a file") return refuse("This is not a regular file.");
    if (bytes.length > MAX_FILE_BYTES) return refuse("The file is larger than 1 MiB.");
    return {
      file: { name: basename(path), text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) },
      problem: null,
    };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === "ENOENT" || code === "ENOTDIR") return { file: null, problem: null };
    if (code === "EACCES" || code === "EPERM") return refuse("The file cannot be read: permission denied.");
    if (error instanceof TypeError) return refuse("The file is not UTF-8 text.");
    return refuse(`The file cannot be read (${typeof code === "string" ? code : "unknown error"}).`);
  }
}

/** At most one byte more than allowed, however large the file is or grows meanwhile. */
function readBounded(path: string): Uint8Array | "not a file" {
  // A named pipe without a writer would block here for ever.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) return "not a file";
    const buffer = new Uint8Array(MAX_FILE_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}
