/** Scripts: one file for what pages share, and one for each page. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { replace, SOURCE, writeHashed } from "./_files.ts";

export interface BuiltScript {
  readonly name: string;
  /** Every part that it imports, directly or not. */
  readonly parts: readonly string[];
}

/**
 * What two pages or more import goes into the frame's file: a file for each set of pages that share something would be a
 * dozen requests before a page works, and over HTTP/1.1 six are under way at a time.
 *
 * @param frame   the module that every entry imports, relative to public/
 * @param entries modules, relative to public/
 * @param constants names that the scripts find defined, with their values as source text
 * @returns by entry
 */
export async function bundleModules(
  frame: string,
  entries: readonly string[],
  constants: Readonly<Record<string, string>>,
  folder: string,
): Promise<{ readonly of: ReadonlyMap<string, BuiltScript>; readonly files: readonly string[] }> {
  const { outputs } = await Bun.build({
    entrypoints: entries.map((entry) => join(SOURCE, entry)),
    root: SOURCE,
    target: "browser",
    format: "esm",
    splitting: true,
    minify: true,
    define: { ...constants },
    plugins: [bringing(frame, sharedBy(entries.filter((entry) => entry !== frame)))],
    naming: { entry: "[name]-[hash].[ext]", chunk: "[name]-[hash].[ext]" },
  });
  const files = new Map<string, string>();
  for (const output of outputs) {
    const name = basename(output.path);
    files.set(name, await output.text());
    if (!existsSync(join(folder, name))) await replace(join(folder, name), files.get(name) ?? "");
  }
  const transpiler = new Bun.Transpiler({ loader: "js" });
  const partsOf = (name: string, found = new Set<string>()): Set<string> => {
    for (const { path, kind } of transpiler.scanImports(files.get(name) ?? "")) {
      const part = basename(path);
      if (kind !== "import-statement" || found.has(part)) continue;
      found.add(part);
      partsOf(part, found);
    }
    return found;
  };
  const built = outputs.filter(({ kind }) => kind === "entry-point");
  const of = new Map(
    entries.map((entry) => {
      const stem = `${basename(entry, extname(entry))}-`;
      const name = built
        .map(({ path }) => basename(path))
        .find((it) => it.startsWith(stem) && it.indexOf("-", stem.length) < 0);
      if (!name) throw new Error(`${entry} produced no script`);
      return [entry, { name, parts: [...partsOf(name)] }] as const;
    }),
  );
  return { of, files: [...files.keys()] };
}

/**
 * Paths of the modules that more than one of the entries imports before it runs. What two of them need at once and
 * another one only later stays apart.
 */
function sharedBy(entries: readonly string[]): readonly string[] {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const reach = (start: string, kinds: readonly string[]): Set<string> => {
    const reached = new Set([start]);
    for (const path of reached)
      for (const imported of transpiler.scanImports(readFileSync(path)))
        if (kinds.includes(imported.kind)) reached.add(join(dirname(path), imported.path));
    return reached;
  };
  const users = new Map<string, number>();
  const later = new Set<string>();
  for (const entry of entries) {
    const atOnce = reach(join(SOURCE, entry), ["import-statement"]);
    for (const path of atOnce) users.set(path, (users.get(path) ?? 0) + 1);
    for (const path of reach(join(SOURCE, entry), ["import-statement", "dynamic-import"]))
      if (!atOnce.has(path)) later.add(path);
  }
  return [...users].flatMap(([path, count]) => (count > 2 || (count === 2 && !later.has(path)) ? [path] : []));
}

/** Has the module import others too, so that whoever imports it has them from the same file. */
function bringing(module: string, others: readonly string[]): Bun.BunPlugin {
  const path = join(SOURCE, module);
  const imports = others.filter((other) => other !== path).map((other) => `import ${JSON.stringify(other)};\n`);
  return {
    name: "shared by pages",
    setup(build) {
      build.onLoad({ filter: new RegExp(`${RegExp.escape(path)}$`) }, async () => ({
        contents: imports.join("") + (await Bun.file(path).text()),
        loader: "ts",
      }));
    },
  };
}

/** A script by itself: for the head, and for the worker. */
export async function bundleAlone(entry: string, format: "esm" | "iife", folder: string): Promise<string> {
  const built = await Bun.build({ entrypoints: [join(SOURCE, entry)], target: "browser", minify: true, format });
  const [script] = built.outputs;
  if (!script) throw new Error(`${entry} produced no script`);
  return writeHashed(`${basename(entry, extname(entry))}.js`, new Uint8Array(await script.arrayBuffer()), folder);
}
