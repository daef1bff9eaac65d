/** What documents name exists: files of the tree in backticks, and pages that are linked. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "./_sources.ts";

const NAMED = /`((?:\.ci|config|docs|lib|public|release|routes|startos|tests)\/[\w./[\]-]+)`/g;
const LINKED = /\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g;

const pages = ["AGENTS.md", "CONTRIBUTING.md", "README.md", ...new Bun.Glob("docs/**/*.md").scanSync(ROOT)].sort();

test("there are the pages that are looked for", () => {
  for (const name of ["docs/EVALUATION.md", "docs/HANDOFF.md", "docs/guides/README.md"]) expect(pages).toContain(name);
});

test("every file that a page names, and every page that it links, is there", () => {
  const missing = pages.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), "utf8");
    const named = [...text.matchAll(NAMED)].map(([, path = ""]) => [path, join(ROOT, path)] as const);
    const linked = [...text.matchAll(LINKED)].map(([, path = ""]) => [path, join(ROOT, dirname(page), path)] as const);
    // What a build makes is not in the tree.
    return [...named, ...linked].filter(([, path]) => !existsSync(path)).map(([path]) => `${page}: ${path}`);
  });

  expect(missing).toEqual([]);
});

test("every guard of EVALUATION.md names a test", () => {
  const rows = readFileSync(join(ROOT, "docs/EVALUATION.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (?:Threat|-)/.test(line));

  expect(rows.length).toBeGreaterThan(15);
  expect(rows.filter((row) => !/`tests\/[\w./-]+\.test\.ts`/.test(row))).toEqual([]);
});
