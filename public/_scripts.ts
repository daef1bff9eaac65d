/** Scripts: what several pages share is in parts of its own, which each page loads once. */
import { existsSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { replace, SOURCE, writeHashed } from "./_files.ts";

export interface BuiltScript {
  readonly name: string;
  /** Every part that it imports, directly or not. */
  readonly parts: readonly string[];
}

/**
 * @param entries modules, relative to public/
 * @param constants names that the scripts find defined, with their values as source text
 * @returns by entry
 */
export async function bundleModules(
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
    naming: { entry: "[name]-[hash].[ext]", chunk: "part-[hash].[ext]" },
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

/** A script by itself: for the head, and for the worker. */
export async function bundleAlone(entry: string, format: "esm" | "iife", folder: string): Promise<string> {
  const built = await Bun.build({ entrypoints: [join(SOURCE, entry)], target: "browser", minify: true, format });
  const [script] = built.outputs;
  if (!script) throw new Error(`${entry} produced no script`);
  return writeHashed(`${basename(entry, extname(entry))}.js`, new Uint8Array(await script.arrayBuffer()), folder);
}
