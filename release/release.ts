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
import { readImage } from "./image-tar.ts";
import { isMarked, missingNotes, notesOf, UNRELEASED } from "./notes.ts";
import { publish, releaseFile } from "./publish.ts";
import { readManifest } from "./s9pk.ts";
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

/** What git says; null where this is no repository of git's. */
async function git(...words: string[]): Promise<string | null> {
  if (Bun.which("git") === null) return null;
  const child = Bun.spawn(["git", "-C", ROOT, ...words], { stdin: "ignore", stderr: "ignore" });
  const said = await new Response(child.stdout).text();
  return (await child.exited) === 0 ? said.trim() : null;
}

/** Files that are not as they were committed, in words; null: none. */
async function changed(): Promise<string | null> {
  const files = (await git("diff", "--name-only", "HEAD")) ?? "";
  const [first, ...others] = files.split("\n");
  if (!first) return null;
  const which = others.length === 0 ? first : `${first} and ${others.length} more`;
  return `${which} changed since the commit that is checked out. Commit that: the tag is of what the files were made of.`;
}

/** Files keep their names from build to build. @throws GiteaError for one of another version, or made of something else */
function checkBuilt(path: string, commit: string | null): void {
  const name = basename(path);
  const isPackage = path.endsWith(".s9pk");
  const again = `Build it again: ${isPackage ? "make" : "make images"} in startos/.`;
  const manifest = isPackage ? readManifest(path) : readImage(path);
  if (manifest === null)
    throw new GiteaError(`${name} cannot be read as ${isPackage ? "a package" : "an image"}. ${again}`);
  if (manifest.version !== VERSION) throw new GiteaError(`${name} is of ${manifest.version}. ${again}`);
  const { gitHash } = manifest;
  if (commit !== null && gitHash && gitHash !== commit)
    throw new GiteaError(`${name} was made of ${gitHash}; this is ${commit}. ${again}`);
}

/** Packages and images that are there. @throws GiteaError when some are missing that have to be, or of something else */
function built(isPartial: boolean, commit: string | null): string[] {
  const { packages, images } = expectedFiles(VERSION);
  const paths = [...packages.map((name) => join(ROOT, "startos", name)), ...images.map((name) => join(OUT, name))];
  const missing = paths.filter((path) => !existsSync(path)).map((path) => basename(path));
  if (missing.length > 0 && !isPartial)
    throw new GiteaError(
      `${missing.join(", ")} missing. Build them (docs/guides/packaging.md), or publish the rest with --partial.`,
    );
  const there = paths.filter((path) => existsSync(path));
  for (const path of there) checkBuilt(path, commit);
  return there;
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
  const change = await changed();
  if (change !== null && !dryRun) throw new GiteaError(change);
  if (change !== null) say(`${change} A release is refused until then.`);
  const commit = await git("rev-parse", "HEAD");
  const paths = built(flags.includes("--partial"), commit);
  // A wrong token is told before the client is packed, which takes a while.
  await gitea.release(tagOf(VERSION));
  // A dry run leaves nothing behind here either.
  const folder = dryRun ? mkdtempSync(join(tmpdir(), "spark-release-")) : OUT;
  mkdirSync(folder, { recursive: true });
  try {
    const files = await Promise.all([...paths, await packClient(folder)].map(releaseFile));
    const name = `Spark Control ${upstreamOf(version)} (package ${version.revision})`;
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
