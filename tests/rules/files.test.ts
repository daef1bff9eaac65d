import { describe, expect, test } from "bun:test";
import { routesFolder, writtenManifest } from "../../lib/routegen/tree.ts";
import { sourcesBelow } from "./_sources.ts";

const MAX_LINES = 300;
/** A specification is read from case to case: one subject stays in one file somewhat longer. */
const MAX_TEST_LINES = 500;
/** Files that may be longer, each with its reason. */
const LONG_FOR_A_REASON: Readonly<Record<string, string>> = {};

const sources = await sourcesBelow("lib", "routes", "public", "release", "tests");
const product = sources.filter(({ file }) => !file.startsWith("tests/"));
const linesOf = (text: string) => text.split("\n").length - 1;
const limitOf = (file: string) => (file.startsWith("tests/") ? MAX_TEST_LINES : MAX_LINES);
const isRoute = (file: string) => file.startsWith("routes/") && !file.split("/").some((name) => name.startsWith("_"));

describe("files", () => {
  test("the manifest is what the tree wants", async () => {
    const { current, wanted } = await writtenManifest(routesFolder());

    expect(current).toBe(wanted);
  });

  test("every route file has a default export, and no other file has", () => {
    const exporting = product.filter(({ text }) => /^export default\b/m.test(text)).map(({ file }) => file);

    expect(exporting).toEqual(product.map(({ file }) => file).filter(isRoute));
  });

  test("there are no barrels", () => {
    const barrels = sources.filter(
      ({ file, text }) =>
        /^export\s+(?:\*|\{[^}]*\})\s+from\b/m.test(text) || (/\/index\.ts$/.test(file) && !isRoute(file)),
    );

    expect(barrels.map(({ file }) => file)).toEqual([]);
  });

  test("no file is longer than it may be without a reason", () => {
    const long = sources
      .filter(({ file, text }) => linesOf(text) > limitOf(file) && !file.endsWith(".gen.ts"))
      .map(({ file }) => file)
      .filter((file) => !(file in LONG_FOR_A_REASON));

    expect(long).toEqual([]);
  });

  test("no file is excused that needs no excuse", () => {
    const short = Object.keys(LONG_FOR_A_REASON).filter((excused) => {
      const source = sources.find(({ file }) => file === excused);
      return !source || linesOf(source.text) <= limitOf(excused);
    });

    expect(short).toEqual([]);
  });

  test("own files are imported with their extension", () => {
    const bare = sources.flatMap(({ file, imports }) =>
      imports
        .filter(({ target, isOwn }) => isOwn && !/\.(ts|json|css|html|yaml)$/.test(target))
        .map(({ target }) => `${file} → ${target}`),
    );

    expect(bare).toEqual([]);
  });
});
