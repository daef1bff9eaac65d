/** One version, X.Y.Z:N, in every place; one command changes all of them. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bumped, newChangelog, wantedVersion } from "../../release/bump.ts";
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
      "# C\n\n## 1.1.0:0 (not released)\n\n- \n\n## 1.0.0:0\n\n- a\n",
    );
  });

  test("a place that is missing stops it", () => {
    expect(() => bumped(next(current(), "patch"), (file) => (file === "Dockerfile" ? "FROM x\n" : read(file)))).toThrow(
      "Dockerfile",
    );
  });
});
