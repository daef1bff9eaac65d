/**
 * `bun run release [--dry-run] [--partial]`: publishes the packages of `startos/`, the images of `dist/release` and the client
 * as a release of a Gitea. GITEA_URL, GITEA_REPOSITORY (owner/name) and GITEA_TOKEN say where.
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
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

/** What the changelog says of a version. @throws GiteaError when there is nothing, or it is marked as not released */
export function notesOf(changelog: string, version: string): string {
  const at = changelog.split("\n").findIndex((line) => line.startsWith(`## ${version}`));
  const lines = changelog.split("\n").slice(at);
  if (at < 0) throw new GiteaError(`CHANGELOG.md has no entry for ${version}.`);
  if (lines[0]?.endsWith(UNRELEASED))
    throw new GiteaError(
      `CHANGELOG.md marks ${version} as ${UNRELEASED}. Take the mark away once it is to be released.`,
    );
  const end = lines.findIndex((line, index) => index > 0 && line.startsWith("## "));
  return lines
    .slice(1, end < 0 ? undefined : end)
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

async function main(flags: readonly string[]): Promise<void> {
  const unknown = flags.find((flag) => !["--dry-run", "--partial"].includes(flag));
  if (unknown !== undefined) throw new GiteaError(`Unknown argument ${unknown}. Known: --dry-run, --partial.`);
  const version = parseVersion(VERSION);
  if (version === null) throw new GiteaError(`${VERSION} is not X.Y.Z:N.`);
  const gitea = new Gitea(giteaPlace(process.env));
  const notes = notesOf(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"), textOf(version));
  mkdirSync(OUT, { recursive: true });
  const { packages, images } = expectedFiles(VERSION);
  const places: [string, string[]][] = [
    [join(ROOT, "startos"), packages],
    [OUT, images],
  ];
  const paths = places.flatMap(([folder, names]) =>
    names.filter((name) => readdirSync(folder).includes(name)).map((name) => join(folder, name)),
  );
  const missing = places.flatMap(([folder, names]) => names.filter((name) => !paths.includes(join(folder, name))));
  if (missing.length > 0 && !flags.includes("--partial"))
    throw new GiteaError(
      `${missing.join(", ")} missing. Build them (docs/guides/packaging.md), or publish the rest with --partial.`,
    );
  const files = await Promise.all([...paths, await packClient(OUT)].map(releaseFile));
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const name = `Spark Control ${upstreamOf(version)} (package ${version.revision})`;
  await publish(gitea, { tag: tagOf(VERSION), name, notes, files }, { dryRun: flags.includes("--dry-run"), say });
}

if (import.meta.main) {
  main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(`${error instanceof GiteaError ? error.message : (error as Error).stack}\n`);
    process.exit(1);
  });
}
