/** `bun run build:client [folder]`: the tarball of spark-control-client, by `npm pack`. */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildClientPackage } from "./client-package.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const OUT = join(ROOT, "dist/release");

/** @returns path of the tarball @throws Error when it cannot be built or packed */
export async function packClient(folder: string): Promise<string> {
  const built = join(folder, "client");
  await buildClientPackage(built);
  const child = Bun.spawn(["npm", "pack", "--json", "--pack-destination", folder, built], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("npm pack failed.");
  const [packed] = JSON.parse(output) as { filename: string }[];
  rmSync(built, { recursive: true });
  if (!packed) throw new Error("npm pack made nothing.");
  return join(folder, packed.filename);
}

if (import.meta.main) {
  const folder = resolve(process.argv[2] ?? OUT);
  mkdirSync(folder, { recursive: true });
  process.stdout.write(`${await packClient(folder)}\n`);
}
