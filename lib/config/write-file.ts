/** Replaces a configuration file as a whole: what is read afterwards, or after a crash, is the old text or the new one. */
import { realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import { writeAtomically } from "../atomic-file.ts";
import { Fault } from "../fault.ts";

const MODE = 0o644;

/** Through a link to the file behind it, which keeps its mode. @throws Fault 503 `file_not_written`; nothing was changed */
export function writeConfigFile(path: string, text: string): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    writeAtomically(there ? realpathSync(path) : path, text, there ? there.mode & 0o777 : MODE);
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    throw new Fault(
      "unavailable",
      "file_not_written",
      `${basename(path)} could not be written (${typeof code === "string" ? code : "unknown error"}). ` +
        "Check that the data folder may be written to and that its disk is not full. Nothing was changed.",
      {},
      { cause },
    );
  }
}
