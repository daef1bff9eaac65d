/**
 * `bun run release [--dry-run] [--partial]`: publishes the packages of `startos/`, the images of `dist/release` and the client
 * as a release of a Gitea. GITEA_URL, GITEA_REPOSITORY (owner/name) and GITEA_TOKEN say where.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { VERSION } from "../routes/_version.ts";
import { OUT, packClient } from "./build-client.ts";
import { Gitea, GiteaError, giteaPlace } from "./gitea.ts";
import { isMarked, missingNotes, notesOf, UNRELEASED } from "./notes.ts";
import { publish, releaseFile } from "./publish.ts";
import { parseVersion, textOf, upstreamOf } from "./version.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A colon may not stand in the name of a tag. */
export const tagOf = (version: string): string => `v${version.replace(":", "-")}`;

/** Names of what a whole release has. */
export function expectedFiles(version: string): { packages: string[]; images: string[] } {
  const name = version.replace(":", "-");
  return {
    packages: ["spark-control_x86_64.s9pk", "spark-control_aarch64.s9pk"],
    images: [`spark-control-image-${name}-amd64.tar`, `spark-control-image-${name}-arm64.tar`],
  };
}

/** A file below the root; null when there is none. */
export function readIfThere(file: string): string | null {
  const path = join(ROOT, file);
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

/** The commit that is checked out; null where this is no repository of git's. */
async function checkedOut(): Promise<string | null> {
  if (Bun.which("git") === null) return null;
  const child = Bun.spawn(["git", "-C", ROOT, "rev-parse", "HEAD"], { stdin: "ignore", stderr: "ignore" });
  const commit = (await new Response(child.stdout).text()).trim();
  return (await child.exited) === 0 ? commit : null;
}

/** Packages and images that are there. @throws GiteaError when some are missing that have to be */
function built(isPartial: boolean): string[] {
  const { packages, images } = expectedFiles(VERSION);
  const paths = [...packages.map((name) => join(ROOT, "startos", name)), ...images.map((name) => join(OUT, name))];
  const missing = paths.filter((path) => !existsSync(path)).map((path) => basename(path));
  if (missing.length > 0 && !isPartial)
    throw new GiteaError(
      `${missing.join(", ")} missing. Build them (docs/guides/packaging.md), or publish the rest with --partial.`,
    );
  return paths.filter((path) => existsSync(path));
}

async function main(flags: readonly string[]): Promise<void> {
  const unknown = flags.find((flag) => !["--dry-run", "--partial"].includes(flag));
  if (unknown !== undefined) throw new GiteaError(`Unknown argument ${unknown}. Known: --dry-run, --partial.`);
  const dryRun = flags.includes("--dry-run");
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const version = parseVersion(VERSION);
  if (version === null) throw new GiteaError(`${VERSION} is not X.Y.Z:N.`);
  const gitea = new Gitea(giteaPlace(process.env));
  const changelog = readIfThere("CHANGELOG.md") ?? "";
  const notes = notesOf(changelog, textOf(version), dryRun);
  const missing = missingNotes(version, readIfThere);
  if (missing.length > 0) throw new GiteaError(`${missing.join("\n")}\nSay what has changed before it is released.`);
  if (isMarked(changelog, textOf(version)))
    say(`CHANGELOG.md marks ${textOf(version)} as ${UNRELEASED}: a release is refused until the mark is taken away.`);
  const paths = built(flags.includes("--partial"));
  // A wrong token is told before the client is packed, which takes a while.
  await gitea.release(tagOf(VERSION));
  // A dry run leaves nothing behind here either.
  const folder = dryRun ? mkdtempSync(join(tmpdir(), "spark-release-")) : OUT;
  mkdirSync(folder, { recursive: true });
  try {
    const files = await Promise.all([...paths, await packClient(folder)].map(releaseFile));
    const name = `Spark Control ${upstreamOf(version)} (package ${version.revision})`;
    const commit = await checkedOut();
    await publish(gitea, { tag: tagOf(VERSION), name, notes, commit, files }, { dryRun, say });
  } finally {
    if (dryRun) rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(`${error instanceof GiteaError ? error.message : (error as Error).stack}\n`);
    process.exit(1);
  });
}
