/** What documents name exists: files of the tree in backticks, pages and sections that are linked, addresses of the API, scripts. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROUTE_FILES } from "../../routes/_manifest.gen.ts";
import { long, short } from "../../startos/startos/manifest/i18n.ts";
import { ROOT } from "./_sources.ts";

const NAMED = /`((?:\.ci|config|docs|lib|public|release|routes|startos|tests)\/[\w./[\]-]+)`/g;
const LINKED = /\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g;

const SECTION = /\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g;
const CODE = /```.*?```/gs;
/** With or without a host in front. */
const ADDRESS =
  /(?<![\w./-])(?:localhost:\d+|<control>:9999|spark-control\.local:9999|\$SPARK)?(\/(?:api|v1)\/[\w/{}<>$*-]+)/g;
const SCRIPT = /\bbun(?:@[\d.]+)? run (?:--silent )?([\w:-]+)/g;
/** The road ahead names what is not there yet. */
const AHEAD = "docs/ROADMAP.md";

const pages = [
  ...["AGENTS.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md"],
  ...["lib/client/README.md", "startos/README.md", "startos/instructions.md"],
  ...new Bun.Glob("docs/**/*.md").scanSync(ROOT),
].sort();
const textOf = (page: string) => readFileSync(join(ROOT, page), "utf8");

/** As Git hosts make them of headings. */
function sectionsOf(page: string): Set<string> {
  const headings = [
    ...textOf(page)
      .replace(CODE, "")
      .matchAll(/^#+\s+(.*)$/gm),
  ].map(([, text = ""]) => text);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}

test("there are the pages that are looked for", () => {
  for (const name of ["docs/EVALUATION.md", "docs/HANDOFF.md", "docs/guides/README.md"]) expect(pages).toContain(name);
});

test("every file that a page names, and every page that it links, is there", () => {
  const missing = pages.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), "utf8");
    // The package of StartOS is a tree of its own.
    const root = page.startsWith("startos/") ? join(ROOT, "startos") : ROOT;
    const named = [...text.matchAll(NAMED)].map(([, path = ""]) => [path, join(root, path)] as const);
    const linked = [...text.matchAll(LINKED)].map(([, path = ""]) => [path, join(ROOT, dirname(page), path)] as const);
    // What a build makes is not in the tree.
    return [...named, ...linked].filter(([, path]) => !existsSync(path)).map(([path]) => `${page}: ${path}`);
  });

  expect(missing).toEqual([]);
});

test("every section that a page links is there", () => {
  const missing = pages.flatMap((page) =>
    [...textOf(page).replace(CODE, "").matchAll(SECTION)]
      .filter(([, path = "", section = ""]) => {
        const target = path === "" ? page : join(dirname(page), path);
        return target.endsWith(".md") && !sectionsOf(target).has(section);
      })
      .map(([link]) => `${page}: ${link}`),
  );

  expect(sectionsOf("docs/COORDINATION.md")).toContain("what-is-guaranteed-and-what-is-not");
  expect(missing).toEqual([]);
});

test("every address of the API that a page names is one, and every script that it runs", () => {
  const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
  const known = ROUTE_FILES.map(({ path }) => new RegExp(`^${path.replace(/:\w+/g, "[^/]+").replace(/\*$/, ".+")}$`));
  const isKnown = (address: string) => known.some((route) => route.test(address));
  const unknown = pages.flatMap((page) => {
    const addresses = [...textOf(page).matchAll(ADDRESS)].map(([, path = ""]) => path.replace(/\/$/, ""));
    const named = [...textOf(page).matchAll(SCRIPT)].map(([, name = ""]) => name);
    return [
      ...(page === AHEAD ? [] : addresses.filter((address) => !isKnown(address.replace(/[{<$][^/]*/g, "x")))),
      ...named.filter((name) => !(name in scripts)),
    ].map((what) => `${page}: ${what}`);
  });

  expect(isKnown("/api/swap/lock")).toBe(true);
  expect(unknown).toEqual([]);
});

test("every guard of EVALUATION.md names a test", () => {
  const rows = readFileSync(join(ROOT, "docs/EVALUATION.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (?:Threat|-)/.test(line));

  expect(rows.length).toBeGreaterThan(15);
  expect(rows.filter((row) => !/`tests\/[\w./-]+\.test\.ts`/.test(row))).toEqual([]);
});

/** What is planned, in the words of the package's five languages, and the address that it will have. */
const PLANNED: readonly (readonly [address: string, words: RegExp])[] = [
  ["/scrub", /redact|scrub|anonimi|anonymi|schwärz|caviard/i],
  ["/api/search", /hybrid|híbrid|hybryd/i],
  ["/api/audio/label-merge", /diari[sz]|speaker label|hablantes|sprecher|mówc|locuteur/i],
];

test("the marketplace is told of nothing that is not there", () => {
  const texts = [...Object.values(long), ...Object.values(short)];
  const served = new Set<string>(ROUTE_FILES.map(({ path }) => path));

  expect(texts.length).toBe(10);
  const promised = PLANNED.filter(([address]) => !served.has(address)).flatMap(([address, words]) =>
    texts.filter((text) => words.test(text)).map(() => address),
  );
  expect(promised).toEqual([]);
});
