/** Open descriptors of this process, from /proc (Linux). */
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

const PROC = "/proc/self/fd";

export const DESCRIPTORS_AVAILABLE = existsSync(PROC);
export const DESCRIPTORS_HOW = "needs /proc (Linux)";

/** All of them, and those that are sockets. */
export function descriptors(): { all: number; sockets: number } {
  const kinds = readdirSync(PROC).flatMap((fd) => {
    try {
      return [readlinkSync(join(PROC, fd))];
    } catch {
      // The one with which the folder was read.
      return [];
    }
  });
  return { all: kinds.length, sockets: kinds.filter((kind) => kind.startsWith("socket:")).length };
}
