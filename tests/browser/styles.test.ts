/** All style sheets are joined into one: each has to be named where they are listed. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const PUBLIC = join(import.meta.dir, "../../public");

test("index.html names every style sheet once, and the pages name none", async () => {
  const linked = (path: string) =>
    [...readFileSync(join(PUBLIC, path), "utf8").matchAll(/<link rel="stylesheet" href="([^"]+)"/g)].map(
      ([, href]) => href!,
    );
  const written = [...new Bun.Glob("styles/*.css").scanSync({ cwd: PUBLIC })];
  const pages = [...new Bun.Glob("pages/*.html").scanSync({ cwd: PUBLIC })];

  expect(written.length).toBeGreaterThan(20);
  expect(linked("index.html").toSorted()).toEqual(written.toSorted());
  expect(pages.length).toBeGreaterThan(5);
  expect(pages.flatMap(linked)).toEqual([]);
});
