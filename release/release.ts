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
import { UNRELEASED } from "./bump.ts";
import { Gitea, GiteaError, giteaPlace } from "./gitea.ts";
import { publish, releaseFile } from "./publish.ts";
import { parseVersion, textOf, upstreamOf } from "./version.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A colon may not stand in the name of a tag. */
export const tagOf = (version: string): string => `v${version.replace(":", "-")}`;

const headingOf = (changelog: string, version: string): string | undefined =>
  changelog.split("\n").find((line) => line === `## ${version}` || line.startsWith(`## ${version} `));

/** Whether the changelog says that a version is not to be released yet. */
export const isMarked = (changelog: string, version: string): boolean =>
  headingOf(changelog, version)?.trimEnd().endsWith(UNRELEASED) ?? false;

/**
 * What the changelog says of a version.
 * @param mayBeMarked for a look at it before its release
 * @throws GiteaError when there is nothing, or it is marked as not released
 */
export function notesOf(changelog: string, version: string, mayBeMarked = false): string {
  const heading = headingOf(changelog, version);
  if (heading === undefined) throw new GiteaError(`CHANGELOG.md has no entry for ${version}.`);
  if (isMarked(changelog, version) && !mayBeMarked)
    throw new GiteaError(
      `CHANGELOG.md marks ${version} as ${UNRELEASED}. Take the mark away once it is to be released.`,
    );
  const lines = changelog.split("\n");
  const after = lines.slice(lines.indexOf(heading) + 1);
  const end = after.findIndex((line) => line.startsWith("## "));
  return after
    .slice(0, end < 0 ? undefined : end)
    .join("\n")
    .trim();
}

/** Names of what a whole release has. */
export function expectedFiles(version: string): { packages: string[]; images: string[] } {
  const name = version.replace(":", "-");
  return {
    packages: ["spark-control_x86_64.s9pk", "spark-control_aarch64.s9pk"],
    images: [`spark-control-image-${name}-amd64.tar`, `spark-control-image-${name}-arm64.tar`],
  };
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
  const changelog = readFileSync(join(ROOT, "CHANGELOG.md"), "utf8");
  const notes = notesOf(changelog, textOf(version), dryRun);
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
