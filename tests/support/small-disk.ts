/** A small file system of its own in memory, that a test can fill to the last byte: what is written then meets ENOSPC. */
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PIECES = [1 << 20, 1 << 12, 1];

function run(...command: string[]): boolean {
  return Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).success;
}

export class SmallDisk {
  private constructor(readonly path: string) {}

  /** Whether this process may mount. */
  static get isPossible(): boolean {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
    const disk = SmallDisk.mount(1);
    disk?.remove();
    return disk !== null;
  }

  /** Null where that is not allowed. */
  static mount(mebibytes: number): SmallDisk | null {
    const path = mkdtempSync(join(tmpdir(), "spark-small-"));
    if (run("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m,mode=700`, "tmpfs", path)) return new SmallDisk(path);
    rmdirSync(path);
    return null;
  }

  fill(): void {
    const file = openSync(this.#ballast, "a");
    try {
      for (const bytes of PIECES) writeUntilFull(file, Buffer.alloc(bytes));
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }

  remove(): void {
    run("umount", "-l", this.path);
    rmdirSync(this.path);
  }

  get #ballast(): string {
    return join(this.path, "ballast");
  }
}

/** @throws what it was refused with, other than ENOSPC */
function writeUntilFull(file: number, piece: Buffer): void {
  try {
    while (true) writeSync(file, piece);
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOSPC") throw error;
  }
}
