/** The data folder while it is taken over. Whatever lies there is looked at without waiting for it, and nothing of it is lost. */
import { lstatSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { copyAtomically } from "../atomic-file.ts";
import { readConfigFile } from "../config/read-file.ts";
import { writeConfigFile } from "../config/write-file.ts";
import type { TextFile } from "../config/yaml-document.ts";
import type { ItemLog } from "./report.ts";

const ORIGINALS = "before-upgrade";
const MODE = 0o700;

/** `other`: a folder, a pipe, a link to nothing. */
export type Presence = "absent" | "file" | "other" | "unreadable";

/** Never throws, and never opens anything: a pipe without a writer would block. */
export function presenceOf(path: string): Presence {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return "absent";
    return statSync(path).isFile() ? "file" : "other";
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === "ENOENT" || code === "ELOOP") return "other";
    return code === "EACCES" || code === "EPERM" || code === "EIO" ? "unreadable" : "absent";
  }
}

export class EarlierFolder {
  /** Name of the folder with originals; null: none was needed. */
  #originals: string | null = null;
  /** What was written here: no original. */
  readonly #written = new Map<string, Buffer>();

  constructor(readonly path: string) {}

  get originals(): string | null {
    return this.#originals;
  }

  at(name: string): string {
    return join(this.path, name);
  }

  presence(name: string): Presence {
    return presenceOf(this.at(name));
  }

  /** Null: there is none, or it cannot be read, which is told. */
  read(name: string, log: ItemLog): TextFile | null {
    const { file, problem } = readConfigFile(this.at(name));
    if (problem) log.add(name, "", "not_taken", problem.message);
    else if (!file && this.presence(name) !== "absent")
      log.add(name, "", "not_taken", "It is a link to a file that is not there.");
    return file;
  }

  /** Moves away what lies in the place of a file. @returns where it is now. @throws when it cannot be moved */
  setAside(name: string): string {
    const [free] = this.#free(name);
    renameSync(this.at(name), this.at(free));
    return free;
  }

  /**
   * Of what is there a whole copy is kept first. What has its name there already may be half of one, or of somebody else:
   * it stays, and the copy has a number.
   * @returns where what was there is now; null: there was nothing, or nothing but what was written here
   * @throws when either cannot be written; nothing was changed then
   */
  write(name: string, text: string): string | null {
    const presence = this.presence(name);
    let where: string | null = null;
    if (presence === "file") where = this.#keep(name);
    else if (presence !== "absent") where = this.setAside(name);
    writeConfigFile(this.at(name), text);
    this.#written.set(name, Buffer.from(text));
    return where;
  }

  #keep(name: string): string | null {
    const present = readFileSync(this.at(name));
    if (this.#written.get(name)?.equals(present)) return null;
    const [free, taken] = this.#free(name);
    const isKept = (copy: string) => this.presence(copy) === "file" && readFileSync(this.at(copy)).equals(present);
    const kept = taken.find(isKept);
    if (kept === undefined) copyAtomically(this.at(name), this.at(free));
    return kept ?? free;
  }

  /** A name among the originals that is free, and those before it, which are not. */
  #free(name: string): [free: string, taken: string[]] {
    const folder = this.#folder();
    const taken: string[] = [];
    let free = join(folder, name);
    for (let number = 2; this.presence(free) !== "absent" || this.presence(`${free}.tmp`) === "other"; number += 1) {
      taken.push(free);
      free = join(folder, `${name}-${number}`);
    }
    return [free, taken];
  }

  /** Something else may have its name already. */
  #folder(): string {
    if (this.#originals !== null) return this.#originals;
    let name = ORIGINALS;
    for (let number = 2; !this.#isFolder(name) && this.presence(name) !== "absent"; number += 1)
      name = `${ORIGINALS}-${number}`;
    mkdirSync(this.at(name), { recursive: true, mode: MODE });
    this.#originals = name;
    return name;
  }

  #isFolder(name: string): boolean {
    return lstatSync(this.at(name), { throwIfNoEntry: false })?.isDirectory() ?? false;
  }
}
