/** One version, X.Y.Z:N, in every place; one command changes all of them. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bumped, newChangelog, wantedVersion } from "../../release/bump.ts";
import { CURRENT_NOTES, LANGUAGES, missingNotes, PREVIOUS_NOTES } from "../../release/notes.ts";
import { readIfThere } from "../../release/release.ts";
import { compareVersions, differences, next, PLACES, parseVersion, STEPS, textOf } from "../../release/version.ts";
import { VERSION } from "../../routes/_version.ts";
import { Controller, makeDataDir } from "../support/controller.ts";

const ROOT = join(import.meta.dir, "../..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const current = () => parseVersion(VERSION)!;

describe("the version", () => {
  test("is the same in every file that says it", () => {
    expect(parseVersion(VERSION)).not.toBeNull();
    expect(differences(current(), read)).toEqual([]);
  });

  test("is the newest entry of the changelog, and the versions there only fall", () => {
    const entries = [...read("CHANGELOG.md").matchAll(/^## (\S+)/gm)].map((match) => parseVersion(match[1]!));
    expect(entries).not.toContain(null);
    expect(entries[0]).toEqual(current());
    const sorted = [...entries].sort((a, b) => compareVersions(b!, a!));
    expect(entries).toEqual(sorted);
  });

  test("has notes of its own, in the changelog and for owners in every language", () => {
    expect(missingNotes(current(), readIfThere)).toEqual([]);
  });

  test("is what /health, the OpenAPI document and the first line say", async () => {
    const data = makeDataDir();
    const controller = await Controller.start({ dataDir: data.dataDir });
    try {
      expect((await controller.get<{ version: string }>("/health")).version).toBe(VERSION);
      expect((await controller.get<{ info: { version: string } }>("/openapi.json")).info.version).toBe(VERSION);
      expect(controller.said).toContain(`Spark Control ${VERSION}`);
    } finally {
      await controller.stop();
      data.remove();
    }
  });
});

describe("bump", () => {
  test.each([
    ["revision", "1.2.3:5"],
    ["patch", "1.2.4:0"],
    ["minor", "1.3.0:0"],
    ["major", "2.0.0:0"],
  ] as const)("%s makes 1.2.3:4 %s", (step, expected) => {
    expect(textOf(next(parseVersion("1.2.3:4")!, step))).toBe(expected);
    expect(textOf(wantedVersion("1.2.3:4", step))).toBe(expected);
  });

  test.each([undefined, "", "1.2", "1.2.3", "1.2.3:3", "1.2.3:4", "0.9.9:9", "v1.2.4:0", "1.2.4:01"])(
    "%p is refused in words",
    (argument) => expect(() => wantedVersion("1.2.3:4", argument)).toThrow(/Say one of|not above/),
  );

  for (const step of STEPS)
    test(`${step} changes every place, and nothing else`, () => {
      const version = next(current(), step);
      const texts = bumped(version, read);
      const after = (file: string) => texts.get(file) ?? read(file);

      expect(differences(version, after)).toEqual([]);
      expect(differences(current(), after).length).toBeGreaterThan(3);
      for (const file of new Set(PLACES.map((place) => place.file))) {
        const [before, now] = [read(file).split("\n"), after(file).split("\n")];
        expect([file, now.length]).toEqual([file, before.length]);
        const changed = now.filter((line, index) => line !== before[index]);
        expect(changed.length).toBeLessThanOrEqual(
          PLACES.filter((place) => place.file === file).reduce((sum, { count = 1 }) => sum + count, 0),
        );
      }
    });

  test("the changelog keeps what was written for a version that is not released, and begins anew after one that is", () => {
    const version = parseVersion("1.1.0:0")!;
    expect(newChangelog("# C\n\n## 1.0.0:0 (not released)\n\n- a\n", version)).toBe(
      "# C\n\n## 1.1.0:0 (not released)\n\n- a\n",
    );
    expect(newChangelog("# C\n\n## 1.0.0:0\n\n- a\n", version)).toBe(
      "# C\n\n## 1.1.0:0 (not released)\n\n## 1.0.0:0\n\n- a\n",
    );
  });

  test("after a release the notes of the package are kept; until there are others, in both places, they are missing", () => {
    const released = read("CHANGELOG.md").replace(" (not released)", "");
    const before = (file: string) => (file === "CHANGELOG.md" ? released : read(file));
    const version = next(current(), "minor");
    const texts = bumped(version, before);
    const after = (file: string) => texts.get(file) ?? readIfThere(file);

    expect(texts.get(PREVIOUS_NOTES)).toBe(read(CURRENT_NOTES));
    expect(missingNotes(version, after)).toEqual([
      `CHANGELOG.md says nothing of ${textOf(version)}.`,
      `${CURRENT_NOTES} still has the notes of ${VERSION} in ${LANGUAGES.join(", ")}.`,
    ]);
    // Before it was released its notes go on with its number.
    expect(bumped(version, read).has(PREVIOUS_NOTES)).toBe(read("CHANGELOG.md").includes(`## ${VERSION}\n`));
  });

  test("a place that is missing stops it", () => {
    expect(() => bumped(next(current(), "patch"), (file) => (file === "Dockerfile" ? "FROM x\n" : read(file)))).toThrow(
      "Dockerfile",
    );
  });
});

describe("notes that are missing", () => {
  const notes = (version: string, text: (language: string) => string, quote = '"') =>
    `  version: "${version}",\n  releaseNotes: {\n${LANGUAGES.map((each) => `    ${each}:\n      ${quote}${text(each)}${quote},\n`).join("")}  },\n`;
  const files = {
    "CHANGELOG.md": "# C\n\n## 1.1.0:0\n\n- b\n  more\n\n## 1.0.0:0\n\n- a\n",
    [CURRENT_NOTES]: notes("1.1.0:0", (language) => `New, ${language}: \\"it\\"`),
    [PREVIOUS_NOTES]: notes("1.0.0:0", (language) => `Old, ${language}`),
  };
  const missing = (changed: Readonly<Record<string, string | null>>) =>
    missingNotes(parseVersion("1.1.0:0")!, (file) => ({ ...files, ...changed })[file] ?? null);
  const changelog = (section: string) => ({
    "CHANGELOG.md": `# C\n\n## 1.1.0:0 (not released)\n${section}\n## 1.0.0:0\n\n- a\n`,
  });

  test("none, whatever quotes they are written in; the first version has none before it", () => {
    expect(missing({})).toEqual([]);
    for (const quote of ["'", "`"])
      expect(missing({ [CURRENT_NOTES]: notes("1.1.0:0", () => "New", quote) })).toEqual([]);
    expect(missing({ "CHANGELOG.md": "## 1.1.0:0\n\n- b\n", [PREVIOUS_NOTES]: null })).toEqual([]);
  });

  test.each(["", "\n", "\n- \n", "\n-\n\n* \n"])("a section of the changelog with nothing in it: %j", (section) => {
    expect(missing(changelog(section))).toEqual(["CHANGELOG.md says nothing of 1.1.0:0."]);
  });

  test.each(["\n- b\n- \n", "\n- \n- b\n", "\n- b\n  - \n"])("a blank entry among others: %j", (section) => {
    expect(missing(changelog(section))).toEqual(["CHANGELOG.md has a blank entry below 1.1.0:0."]);
  });

  test("owners' notes that are blank, not there, or still those of the version before, in one language too", () => {
    const but = (other: string) => notes("1.1.0:0", (language) => (language === "pl_PL" ? other : `New, ${language}`));
    expect(missing({ [CURRENT_NOTES]: but(" ") })).toEqual([`${CURRENT_NOTES} has no notes in pl_PL.`]);
    expect(missing({ [CURRENT_NOTES]: but("").replace(/ +pl_PL:\n.*\n/, "") })).toEqual([
      `${CURRENT_NOTES} has no notes in pl_PL.`,
    ]);
    expect(missing({ [CURRENT_NOTES]: but("Old,  pl_PL ") })).toEqual([
      `${CURRENT_NOTES} still has the notes of 1.0.0:0 in pl_PL.`,
    ]);
  });

  test.each([null, notes("0.9.0:0", () => "Older")])(
    "the notes of the version before were not kept (%#)",
    (previous) => {
      expect(missing({ [PREVIOUS_NOTES]: previous })).toEqual([
        `${PREVIOUS_NOTES} has to be ${CURRENT_NOTES} as it was in 1.0.0:0: bun run bump keeps it.`,
      ]);
    },
  );
});
