/** An app of somebody else: an empty project with the tarball installed, as it comes from `npm install`. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildClientPackage, CLIENT_NAME } from "../../release/client-package.ts";
import { must, run } from "../lab/command.ts";

const ROOT = join(import.meta.dir, "../..");

export interface Consumer {
  readonly folder: string;
  /** Files of the tarball, sorted. */
  readonly packed: readonly string[];
  write(name: string, text: string): string;
  close(): void;
}

/** Packs the client and installs it, with nothing to be asked of a registry. */
export async function installClient(): Promise<Consumer> {
  const folder = mkdtempSync(join(tmpdir(), "spark-consumer-"));
  const built = join(folder, "built");
  await buildClientPackage(built);
  const npm = {
    cwd: folder,
    env: { ...process.env, npm_config_cache: join(folder, "cache") } as Record<string, string>,
  };
  const [packed] = JSON.parse(await must(["npm", "pack", "--json", built], npm)) as {
    filename: string;
    files: { path: string }[];
  }[];
  if (!packed) throw new Error("npm pack made nothing");
  const app = join(folder, "app");
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }));
  await must(["npm", "install", "--offline", join(folder, packed.filename)], { ...npm, cwd: app });
  return {
    folder: app,
    packed: packed.files.map(({ path }) => path).sort(),
    write(name, text) {
      const path = join(app, name);
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A file of tests/types as an app with the package would write it. */
export function asInstalled(file: string): string {
  const text = readFileSync(join(ROOT, "tests/types", file), "utf8");
  return text.replace(/"spark-control\/(?:client|webhook|reservation|bounded-fetch)"/g, JSON.stringify(CLIENT_NAME));
}

export interface Compiled {
  /** `file:line code`. */
  readonly errors: readonly string[];
  readonly output: string;
}

/** @param compiler name of the package with the compiler */
export async function compileApp(folder: string, compiler: string, project: object): Promise<Compiled> {
  const config = join(folder, `tsconfig-${crypto.randomUUID()}.json`);
  writeFileSync(config, JSON.stringify(project));
  const tsc = Bun.resolveSync(`${compiler}/bin/tsc`, ROOT);
  const { stdout, exitCode } = await run([process.execPath, tsc, "--project", config, "--pretty", "false"], {
    cwd: folder,
  });
  const errors = [...stdout.matchAll(/^(?:(.+?)\((\d+),\d+\): )?error (TS\d+)/gm)].map(
    ([, file = "project", line = "0", code]) => `${file}:${line} ${code}`,
  );
  if (exitCode !== 0 && errors.length === 0) throw new Error(`${compiler} exited with ${exitCode}: ${stdout}`);
  return { errors: errors.sort(), output: stdout };
}
