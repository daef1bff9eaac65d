/** `X.Y.Z:N`, and every place that says it. They are changed together by `bun run bump` and compared by a test. */

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Counts the packages made of one X.Y.Z. */
  readonly revision: number;
}

export const STEPS = ["major", "minor", "patch", "revision"] as const;
export type Step = (typeof STEPS)[number];

const PATTERN = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5}):(0|[1-9]\d{0,5})$/;

/** @returns null when it is not `X.Y.Z:N` */
export function parseVersion(text: string): Version | null {
  const match = PATTERN.exec(text);
  if (!match) return null;
  const [major = 0, minor = 0, patch = 0, revision = 0] = match.slice(1).map(Number);
  return { major, minor, patch, revision };
}

export const upstreamOf = ({ major, minor, patch }: Version): string => `${major}.${minor}.${patch}`;
export const textOf = (version: Version): string => `${upstreamOf(version)}:${version.revision}`;

/** What is less significant begins at 0 again. */
export function next(version: Version, step: Step): Version {
  const at = STEPS.indexOf(step);
  const [major = 0, minor = 0, patch = 0, revision = 0] = STEPS.map((name, index) =>
    index < at ? version[name] : index === at ? version[name] + 1 : 0,
  );
  return { major, minor, patch, revision };
}

/** @returns negative, 0 or positive, as for `sort` */
export function compareVersions(a: Version, b: Version): number {
  const differing = STEPS.find((step) => a[step] !== b[step]);
  return differing === undefined ? 0 : a[differing] - b[differing];
}

/** One place in the text of a file. */
interface Place {
  readonly file: string;
  /** The version stands in its only group; it is found `count` times (default 1). */
  readonly pattern: RegExp;
  readonly count?: number;
  said(version: Version): string;
}

const revisionOf = ({ revision }: Version): string => String(revision);

export const PLACES: readonly Place[] = [
  { file: "package.json", pattern: /^ {2}"version": "([^"]+)"/gm, said: upstreamOf },
  { file: "package.json", pattern: /^ {2}"revision": (\d+)/gm, said: revisionOf },
  { file: "Dockerfile", pattern: /^ARG VERSION=(\S+)$/gm, said: textOf },
  {
    file: "compose.yaml",
    pattern: /image: spark-control:(\S+)$/gm,
    said: (version) => textOf(version).replace(":", "-"),
  },
  { file: "startos/package.json", pattern: /^ {2}"version": "([^"]+)"/gm, said: upstreamOf },
  {
    file: "startos/package-lock.json",
    pattern:
      /^(?: {2}| {6})"version": "([^"]+)",$(?=\n(?: {2}"lockfileVersion| {2}"requires| {6}"(?:license|dependencies)))/gm,
    count: 2,
    said: upstreamOf,
  },
  { file: "startos/startos/versions/current.ts", pattern: /^ {2}version: "([^"]+)",$/gm, said: textOf },
];

/** What the places say, one line for each that says something else, or says it too often or not at all. */
export function differences(version: Version, read: (file: string) => string): string[] {
  return PLACES.flatMap(({ file, pattern, count = 1, said }) => {
    const found = [...read(file).matchAll(pattern)].map((match) => match[1]);
    const wanted = said(version);
    if (found.length === count && found.every((one) => one === wanted)) return [];
    return [`${file}: ${found.length === 0 ? "says nothing" : `says ${found.join(", ")}`}, not ${wanted}`];
  });
}

/** @throws Error when a place is missing */
export function rewritten(text: string, file: string, version: Version): string {
  return PLACES.filter((place) => place.file === file).reduce((result, { pattern, count = 1, said }) => {
    const found = [...result.matchAll(pattern)].length;
    if (found !== count) throw new Error(`${file} says its version ${found} times, not ${count}`);
    return result.replace(pattern, (whole, old: string) => whole.replace(old, said(version)));
  }, text);
}
