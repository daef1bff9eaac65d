/** A checkout of this project as somebody has it who makes a release: with a repository of git's, and a changelog of its own. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { must } from "../lab/command.ts";

const ROOT = join(import.meta.dir, "../..");
const PARTS = [
  ...["config", "lib", "release", "routes", "package.json", "tsconfig.json", "LICENSE"],
  ...["startos/Makefile", "startos/startos/versions"],
];

export interface Checkout {
  readonly folder: string;
  readonly commit: string;
  remove(): void;
}

/** @param files further ones, by path */
export async function makeCheckout(files: Readonly<Record<string, string | Uint8Array>>): Promise<Checkout> {
  const folder = mkdtempSync(join(tmpdir(), "spark-checkout-"));
  for (const part of PARTS) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const git = (...words: string[]) =>
    must(["git", "-C", folder, "-c", "user.name=alice", "-c", "user.email=alice@example.com", ...words]);
  await git("init", "-q");
  await git("add", "CHANGELOG.md");
  await git("commit", "-q", "-m", "a release");
  return {
    folder,
    commit: (await git("rev-parse", "HEAD")).trim(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
