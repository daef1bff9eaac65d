/** Builds the dashboard: public/ → dist/public with hashed names. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { copyHashed, isUnfinished, replace, SOURCE, writeHashed } from "./_files.ts";
import { ALL_PAGES, fragmentOf, pageFiles } from "./_page-files.ts";
import { bundleAlone, bundleModules } from "./_scripts.ts";
import { buildStyles } from "./_styles.ts";

const DIST = fileURLToPath(new URL("../dist/public", import.meta.url));
/** Which file is served under which address; lib/http/static-files.ts reads it. */
const PAGE_PATHS = "pages.json";
/** It goes wherever the fonts go. */
const FONTS_LICENSE = fileURLToPath(import.meta.resolve("@fontsource-variable/geist/LICENSE"));
/** Loaded by the page's script under the name that the build gives it. */
const WORKER = "feed/worker.ts";

/**
 * Writes the built dashboard into the folder, and removes what is not part of it. A file whose name carries a hash is
 * never written twice, so building again does not disturb a server that serves the same build.
 * @throws AggregateError when a script cannot be bundled; Error when a page names a file that is not there
 */
export async function buildDashboard(folder: string = DIST): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const frame = readFileSync(join(SOURCE, "index.html"), "utf8");
  const found = references(frame);
  const fragments = new Map(
    ALL_PAGES.map(({ id }) => [id, fragmentOf(readFileSync(join(SOURCE, `pages/${id}.html`), "utf8"))]),
  );

  const renamed = new Map<string, string>();
  const others: string[] = [];
  for (const asset of found.assets) {
    const path = join(SOURCE, asset);
    if (extname(asset) !== ".webmanifest") renamed.set(asset, await copyHashed(path, folder));
    else {
      const manifest = await writeManifest(path, folder);
      renamed.set(asset, manifest.name);
      others.push(...manifest.files);
    }
  }
  for (const src of found.early) renamed.set(src, await bundleAlone(src, "iife", folder));
  const worker = await bundleAlone(WORKER, "esm", folder);
  const scriptOf = (id: string) => fragments.get(id)?.script ?? found.app;
  const entries = [...new Set([found.app, ...ALL_PAGES.map(({ id }) => scriptOf(id))])];
  const scripts = await bundleModules(found.app, entries, { WORKER_URL: JSON.stringify(`/${worker}`) }, folder);
  const styles = await buildStyles(found.styles, folder);
  const loads = (id: string) => {
    const script = scripts.of.get(scriptOf(id));
    if (!script) throw new Error(`The page ${id} has no script.`);
    return { script: script.name, parts: script.parts };
  };

  // Addresses from the root: the same page is served at several depths.
  const named = new HTMLRewriter()
    .on("link[rel=stylesheet]", {
      element(link) {
        if (link.getAttribute("href") === found.styles[0]) link.setAttribute("href", `/${styles.name}`);
        else link.remove();
      },
    })
    .on("link:not([rel=stylesheet])", { element: (link) => rename(link, "href", renamed) })
    .on("script[src]", {
      element(script) {
        // Every page has its own, which brings the frame's.
        if (script.getAttribute("type") === "module") script.remove();
        else rename(script, "src", renamed);
      },
    })
    .transform(frame);
  const pages = pageFiles(named, (id) => fragments.get(id)?.skeleton ?? "", loads);
  for (const { name, html } of pages) await replace(join(folder, name), html);
  const paths = Object.fromEntries(pages.map(({ path, name }) => [path, name]));
  await replace(join(folder, PAGE_PATHS), JSON.stringify(paths));
  await replace(join(folder, "fonts-OFL.txt"), await Bun.file(FONTS_LICENSE).text());
  others.push(PAGE_PATHS, "fonts-OFL.txt", worker, ...pages.map(({ name }) => name));
  const built = new Set([...others, ...renamed.values(), ...scripts.files, ...styles.files]);
  for (const name of readdirSync(folder))
    if (!built.has(name) && !isUnfinished(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

interface References {
  readonly styles: readonly string[];
  /** Classic scripts, which run before the first paint. */
  readonly early: readonly string[];
  /** The module of the frame. */
  readonly app: string;
  readonly assets: readonly string[];
}

function references(html: string): References {
  const found = { styles: [] as string[], early: [] as string[], app: "", assets: [] as string[] };
  new HTMLRewriter()
    .on("link[href]", {
      element(link) {
        const list = link.getAttribute("rel") === "stylesheet" ? found.styles : found.assets;
        list.push(link.getAttribute("href") ?? "");
      },
    })
    .on("script[src]", {
      element(script) {
        const src = script.getAttribute("src") ?? "";
        if (script.getAttribute("type") === "module") found.app = src;
        else found.early.push(src);
      },
    })
    .transform(html);
  return found;
}

function rename(element: HTMLRewriterTypes.Element, attribute: string, names: ReadonlyMap<string, string>): void {
  const name = names.get(element.getAttribute(attribute) ?? "");
  if (name) element.setAttribute(attribute, `/${name}`);
}

/** The manifest with the names of the built icons. @returns its name, and those of the icons */
async function writeManifest(path: string, folder: string): Promise<{ name: string; files: string[] }> {
  const manifest = (await Bun.file(path).json()) as { icons: { src: string }[] };
  const files: string[] = [];
  for (const icon of manifest.icons) {
    const name = await copyHashed(join(dirname(path), icon.src), folder);
    files.push(name);
    icon.src = `/${name}`;
  }
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  return { name: await writeHashed(basename(path), bytes, folder), files };
}

if (import.meta.main) await buildDashboard();
