/** What a version says of itself: its section of CHANGELOG.md, and for owners of a StartOS server the notes of the package. */
import { GiteaError } from "./gitea.ts";
import { textOf, type Version } from "./version.ts";

export const CHANGELOG = "CHANGELOG.md";
export const UNRELEASED = "(not released)";
const VERSIONS = "startos/startos/versions";
export const CURRENT_NOTES = `${VERSIONS}/current.ts`;
/** What `bump` keeps of the version before, whose notes must not be those of this one too. */
export const PREVIOUS_NOTES = `${VERSIONS}/previous.ts`;
export const LANGUAGES = ["en_US", "es_ES", "de_DE", "pl_PL", "fr_FR"] as const;

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
  if (heading === undefined) throw new GiteaError(`${CHANGELOG} has no entry for ${version}.`);
  if (isMarked(changelog, version) && !mayBeMarked)
    throw new GiteaError(
      `${CHANGELOG} marks ${version} as ${UNRELEASED}. Take the mark away once it is to be released.`,
    );
  const lines = changelog.split("\n");
  const after = lines.slice(lines.indexOf(heading) + 1);
  const end = after.findIndex((line) => line.startsWith("## "));
  return after
    .slice(0, end < 0 ? undefined : end)
    .join("\n")
    .trim();
}

/**
 * What is missing in the notes of a version, a sentence each: blank ones, and ones that are still those of the version before.
 * @param read of a file below the root; null when there is none
 */
export function missingNotes(version: Version, read: (file: string) => string | null): string[] {
  const changelog = read(CHANGELOG) ?? "";
  const [said, current] = [textOf(version), read(CURRENT_NOTES) ?? ""];
  const before = [...changelog.matchAll(/^## (\S+)/gm)].map((match) => match[1]!).filter((one) => one !== said)[0];
  return [
    ...missingInChangelog(changelog, said),
    ...missingForOwners(current),
    ...(before === undefined ? [] : leftFromBefore(current, read(PREVIOUS_NOTES) ?? "", before)),
  ];
}

function missingInChangelog(changelog: string, version: string): string[] {
  const notes = notesOf(changelog, version, true);
  if (!/[^\s*+-]/.test(notes)) return [`${CHANGELOG} says nothing of ${version}.`];
  return /^\s*[-*+]\s*$/m.test(notes) ? [`${CHANGELOG} has a blank entry below ${version}.`] : [];
}

function missingForOwners(current: string): string[] {
  const notes = ownersNotes(current);
  const blank = LANGUAGES.filter((language) => !notes.get(language));
  return blank.length === 0 ? [] : [`${CURRENT_NOTES} has no notes in ${blank.join(", ")}.`];
}

function leftFromBefore(current: string, previous: string, version: string): string[] {
  if (!previous.includes(`version: "${version}"`))
    return [`${PREVIOUS_NOTES} has to be ${CURRENT_NOTES} as it was in ${version}: bun run bump keeps it.`];
  const [now, then] = [ownersNotes(current), ownersNotes(previous)];
  const same = LANGUAGES.filter((language) => now.get(language) && now.get(language) === then.get(language));
  return same.length === 0 ? [] : [`${CURRENT_NOTES} still has the notes of ${version} in ${same.join(", ")}.`];
}

/** By language. As text: whoever makes a release need not have installed what the file imports. */
function ownersNotes(file: string): Map<string, string> {
  const notes = file.matchAll(/^ +([a-z]{2}_[A-Z]{2}):\s*(["'`])((?:\\.|(?!\2)[^\\])*)\2/gms);
  return new Map([...notes].map(([, language, , text]) => [language!, text!.replace(/\s+/g, " ").trim()]));
}
