/** `bun run bump major|minor|patch|revision|X.Y.Z:N`: the next version, in every place that says it, and in the changelog. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VERSION } from "../routes/_version.ts";
import { CHANGELOG, CURRENT_NOTES, isMarked, PREVIOUS_NOTES, UNRELEASED } from "./notes.ts";
import {
  compareVersions,
  next,
  PLACES,
  parseVersion,
  rewritten,
  STEPS,
  type Step,
  textOf,
  type Version,
} from "./version.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** @throws Error in words for the person at the command line */
export function wantedVersion(from: string, argument: string | undefined): Version {
  const now = parseVersion(from);
  if (now === null) throw new Error(`package.json says ${from}, which is not X.Y.Z:N.`);
  if (STEPS.includes(argument as Step)) return next(now, argument as Step);
  const wanted = parseVersion(argument ?? "");
  if (wanted === null) throw new Error(`Say one of ${STEPS.join(", ")}, or X.Y.Z:N.`);
  if (compareVersions(wanted, now) <= 0) throw new Error(`${textOf(wanted)} is not above ${from}.`);
  return wanted;
}

/** The entry of a version that is not released gets the new number; after a release there is a new one, with nothing in it yet. */
export function newChangelog(text: string, version: Version): string {
  const heading = `## ${textOf(version)} ${UNRELEASED}`;
  const top = /^## \S+.*$/m.exec(text);
  if (top === null) throw new Error(`${CHANGELOG} has no entry.`);
  if (top[0].endsWith(UNRELEASED)) return text.replace(top[0], heading);
  return text.replace(top[0], `${heading}\n\n${top[0]}`);
}

/**
 * After a release the notes of the package are kept: those of the next version have to be others.
 * @param read of a file below the root
 * @returns the new texts by file
 */
export function bumped(version: Version, read: (file: string) => string): Map<string, string> {
  const files = [...new Set(PLACES.map(({ file }) => file))];
  const texts = files.map((file): [string, string] => [file, rewritten(read(file), file, version)]);
  const changelog = read(CHANGELOG);
  const kept: [string, string][] = isMarked(changelog, VERSION) ? [] : [[PREVIOUS_NOTES, read(CURRENT_NOTES)]];
  return new Map([...texts, ...kept, [CHANGELOG, newChangelog(changelog, version)]]);
}

if (import.meta.main) {
  try {
    const version = wantedVersion(VERSION, process.argv[2]);
    const texts = bumped(version, (file) => readFileSync(join(ROOT, file), "utf8"));
    for (const [file, text] of texts) writeFileSync(join(ROOT, file), text);
    process.stdout.write(
      `${VERSION} → ${textOf(version)}\nNow say what has changed: in CHANGELOG.md, and in startos/startos/versions/current.ts for its owners, in five languages.\n`,
    );
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exit(1);
  }
}
