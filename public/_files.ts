/** Writing the files of the build. */
import { existsSync, renameSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const SOURCE = fileURLToPath(new URL(".", import.meta.url));

export async function copyHashed(path: string, folder: string): Promise<string> {
  return writeHashed(basename(path), await Bun.file(path).bytes(), folder);
}

/** @returns the name with the hash of what it holds */
export async function writeHashed(name: string, bytes: Uint8Array, folder: string): Promise<string> {
  const extension = extname(name);
  const hash = Bun.hash(bytes).toString(36).padStart(10, "0").slice(0, 10);
  const hashed = `${basename(name, extension)}-${hash}${extension}`;
  if (!existsSync(join(folder, hashed))) await replace(join(folder, hashed), bytes);
  return hashed;
}

/** Whoever reads it meanwhile gets the old or the new file, never a part of one. */
export async function replace(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${path}.${process.pid}`;
  await Bun.write(unfinished, content);
  renameSync(unfinished, path);
}

/** Another process writes it at this moment: a build beside this one, into the same folder. */
export function isUnfinished(name: string): boolean {
  const writer = Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
  if (writer === 0 || writer === process.pid) return false;
  try {
    return process.kill(writer, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
