/**
 * What StartOS has below /media/startos while it makes or restores a backup, in folders of the test's: the SDK has these paths
 * written out, and copies with rsync, whose part here is played by what its arguments say.
 */
import { type Mock, spyOn } from "bun:test";
import { EventEmitter } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Loaded } from "./_startos.ts";

const require = createRequire(import.meta.url);
const MEDIA = "/media/startos/";

export interface StartosMedia {
  /** Names of what the backup of the volume has, with folders. */
  backup(): string[];
  read(name: string): string;
  /** As another backup of before has left it. */
  fill(files: Readonly<Record<string, string>>): void;
  close(): void;
}

/** @param volume the test's folder for the volume `main` */
export function startosMedia(volume: string): StartosMedia {
  const base = mkdtempSync(join(tmpdir(), "spark-media-"));
  const backup = join(base, "backup/volumes/main");
  mkdirSync(backup, { recursive: true });
  const placeOf = (path: unknown): Loaded => {
    if (typeof path !== "string" || !path.startsWith(MEDIA)) return path;
    const rest = path.slice(MEDIA.length);
    return rest.startsWith("volumes/main") ? join(volume, rest.slice("volumes/main".length)) : join(base, rest);
  };
  const spies: Mock<Loaded>[] = [];
  const disk = require("node:fs/promises");
  for (const name of ["mkdir", "writeFile", "readFile"] as const) {
    const real = disk[name];
    spies.push(
      spyOn(disk, name).mockImplementation((path: unknown, ...more: unknown[]) => real(placeOf(path), ...more)),
    );
  }
  spies.push(
    spyOn(require("node:child_process"), "spawn").mockImplementation((...words: Loaded[]) => {
      const [command, args] = words as [string, string[]];
      if (command !== "rsync") throw new Error(`${command} is not expected here`);
      copy(args, placeOf);
      const child = Object.assign(new EventEmitter(), {
        stdout: new EventEmitter(),
        stderr: new EventEmitter(),
        pid: 1,
      });
      setTimeout(() => child.emit("exit", 0));
      return child;
    }),
  );
  const names = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
      .sort();
  return {
    backup: () => names(backup),
    read: (name) => readFileSync(join(backup, name), "utf8"),
    fill(files) {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(backup, name)), { recursive: true });
        writeFileSync(join(backup, name), text);
      }
    },
    close() {
      for (const spy of spies) spy.mockRestore();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** `rsync [--delete] [--exclude=/name] … from/ to/`: what is left out is neither sent nor deleted. */
function copy(args: readonly string[], placeOf: (path: string) => string): void {
  const [from, to] = args.slice(-2).map(placeOf) as [string, string];
  const leftOut = args.flatMap((word) => (word.startsWith("--exclude=/") ? [word.slice("--exclude=/".length)] : []));
  mkdirSync(to, { recursive: true });
  if (args.includes("--delete"))
    for (const name of readdirSync(to))
      if (!leftOut.includes(name) && !existsSync(join(from, name))) rmSync(join(to, name), { recursive: true });
  for (const name of readdirSync(from))
    if (!leftOut.includes(name)) cpSync(join(from, name), join(to, name), { recursive: true });
}
