import { describe, expect, test } from "bun:test";
import { renderManifest } from "../../../lib/routegen/render.ts";
import { pathOf, RouteTreeError, scanRoutes } from "../../../lib/routegen/scan.ts";

describe("the URL of a file", () => {
  test.each([
    ["health.ts", "/health"],
    ["index.ts", "/"],
    ["openapi.json.ts", "/openapi.json"],
    ["api/swap/index.ts", "/api/swap"],
    ["api/swap/[job_id]/index.ts", "/api/swap/:job_id"],
    ["api/swap/[job_id]/stream.ts", "/api/swap/:job_id/stream"],
    ["v1/[...path].ts", "/v1/*"],
  ])("%s is %s", (file, path) => {
    expect(pathOf(file)).toBe(path);
  });

  test.each(["api/[Bad-Name].ts", "api/a b.ts", "[...rest]/more.ts", "api/[].ts"])("%s is refused by name", (file) => {
    expect(() => pathOf(file)).toThrow(`routes/${file}`);
  });
});

describe("a tree", () => {
  test("leaves out what begins with _ and what is no TypeScript", () => {
    const routes = scanRoutes([
      "_app.ts",
      "_manifest.gen.ts",
      "api/_shapes.ts",
      "_private/health.ts",
      "README.md",
      "health.ts",
    ]);

    expect(routes).toEqual([{ file: "health.ts", path: "/health" }]);
  });

  test("is ordered literals first, then parameters, then wildcards, however the files come", () => {
    const files = ["a/[...rest].ts", "a/[id]/x.ts", "a/lock.ts", "a/[id]/index.ts", "a/index.ts"];
    const expected = ["/a", "/a/lock", "/a/:id", "/a/:id/x", "/a/*"];

    expect(scanRoutes(files).map(({ path }) => path)).toEqual(expected);
    expect(scanRoutes(files.toReversed()).map(({ path }) => path)).toEqual(expected);
  });

  test.each([[["api/swap.ts", "api/swap/index.ts"]], [["api/[id].ts", "api/[key].ts"]]])(
    "with two files for one URL is refused: %j",
    (files) => {
      expect(() => scanRoutes(files)).toThrow(RouteTreeError);
      expect(() => scanRoutes(files)).toThrow(/both claim/);
    },
  );
});

describe("the manifest", () => {
  test("gives files that differ in punctuation only names of their own", () => {
    const text = renderManifest(scanRoutes(["a/b.ts", "a-b.ts", "[a]/b.ts"]));
    const names = [...text.matchAll(/^import (\w+) from "\.\//gm)].map((match) => match[1]);

    expect(names.length).toBe(3);
    expect(new Set(names).size).toBe(3);
  });
});
