/** A page loads its styles by itself: what its elements are called by has to be among them. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ALL_PAGES, fragmentOf } from "../../public/_page-files.ts";

const PUBLIC = join(import.meta.dir, "../../public");
const read = (path: string) => readFileSync(join(PUBLIC, path), "utf8");

/** Every module that the script brings, now or when it is needed. */
function modulesOf(entry: string, found = new Set<string>()): Set<string> {
  if (found.has(entry)) return found;
  found.add(entry);
  for (const [, path] of read(entry).matchAll(/(?:from|import|import\()\s*"(\.[^"]+)"/g)) {
    const module = normalize(join(dirname(entry), path!));
    if (!module.startsWith("..")) modulesOf(module, found);
  }
  return found;
}

/** Words within the strings that may be class names. */
const wordsOf = (source: string): Set<string> =>
  new Set([...source.matchAll(/class: ?[^,\n]*|class="[^"]*"/g)].flatMap(([text]) => text.match(/[a-z][\w-]+/g) ?? []));

/** Classes that the style sheet says something of for themselves: they are at home there. */
const homesIn = (css: string): Set<string> =>
  new Set(
    [...css.replace(/\/\*[\s\S]*?\*\//g, "").matchAll(/([^{};]+)\{/g)]
      .flatMap(([, selectors]) => selectors!.split(","))
      .flatMap((selector) => /^\s*\.([a-z][\w-]*)\s*$/.exec(selector)?.[1] ?? []),
  );

const frame = fragmentOf(read("index.html"));
const everySheet = ALL_PAGES.flatMap(({ id }) => fragmentOf(read(`pages/${id}.html`)).styles);

for (const { id } of ALL_PAGES)
  test(`${id} loads the styles of what it shows`, () => {
    const { styles, script, skeleton } = fragmentOf(read(`pages/${id}.html`));
    const loaded = new Set([...frame.styles, ...styles]);
    const homes = new Map(everySheet.flatMap((path) => [...homesIn(read(path))].map((name) => [name, path])));
    const modules = [...modulesOf(script ?? "app.ts")].map(read);

    const used = new Set([skeleton, frame.skeleton, ...modules].flatMap((source) => [...wordsOf(source)]));

    expect(used.size).toBeGreaterThan(20);
    const missing = [...used].filter((name) => homes.has(name) && !loaded.has(homes.get(name)!));
    expect(missing.map((name) => `${name} of ${homes.get(name)}`)).toEqual([]);
  });
