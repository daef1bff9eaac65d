/**
 * Builds the dashboard: public/ → dist/public with hashed names. The script is bundled; the style sheets are joined as
 * they were written, because Bun's CSS bundler rewrites `light-dark()` for older browsers and puts fonts into `data:`
 * URLs, which the Content-Security-Policy does not allow.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { minify } from "terser";
import { pageFiles } from "./_page-files.ts";

const SOURCE = fileURLToPath(new URL(".", import.meta.url));
const DIST = fileURLToPath(new URL("../dist/public", import.meta.url));
/** Which file is served under which address; lib/http/static-files.ts reads it. */
const PAGE_PATHS = "pages.json";
/** Loaded by the page's script under the name that the build gives it. */
const WORKER = "feed/worker.ts";
const CSS_URL = /url\("([^"]+)"\)/g;

/**
 * Writes the built dashboard into the folder, and removes what is not part of it. A file whose name carries a hash is
 * never written twice, so building again does not disturb a server that serves the same build.
 * @throws AggregateError when the script cannot be bundled; Error when index.html names a file that is not there
 */
export async function buildDashboard(folder: string = DIST): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const page = Bun.file(join(SOURCE, "index.html"));
  const found = references(await page.text());

  const renamed = new Map<string, string>();
  const pictures: string[] = [];
  for (const asset of found.assets) {
    const path = join(SOURCE, asset);
    if (extname(asset) !== ".webmanifest") renamed.set(asset, await copyHashed(path, folder));
    else {
      const manifest = await writeManifest(path, folder);
      renamed.set(asset, manifest.name);
      pictures.push(...manifest.files);
    }
  }
  const worker = await bundle(join(SOURCE, WORKER), true, folder);
  const constants = { WORKER_URL: JSON.stringify(`/${worker}`) };
  for (const { src, isModule } of found.scripts)
    renamed.set(src, await bundle(join(SOURCE, src), isModule, folder, constants));
  const { name: styles, files: fonts } = await joinStyles(found.styles, folder);

  // Addresses from the root: the same page is served at several depths.
  const rewriter = new HTMLRewriter()
    .on("link[rel=stylesheet]", {
      element(link) {
        if (link.getAttribute("href") === found.styles[0]) link.setAttribute("href", `/${styles}`);
        else link.remove();
      },
    })
    .on("link:not([rel=stylesheet])", { element: (link) => rename(link, "href", renamed) })
    .on("script[src]", { element: (script) => rename(script, "src", renamed) });
  const frame = rewriter.transform(await page.text());
  const pages = pageFiles(frame, (id) => readFileSync(join(SOURCE, `pages/${id}.html`), "utf8"));
  for (const { name, html } of pages) await replace(join(folder, name), html);
  const paths = Object.fromEntries(pages.map(({ path, name }) => [path, name]));
  await replace(join(folder, PAGE_PATHS), JSON.stringify(paths));
  await replace(join(folder, "fonts-OFL.txt"), await Bun.file(join(SOURCE, "fonts/OFL.txt")).text());
  const named = [PAGE_PATHS, "fonts-OFL.txt", ...pages.map(({ name }) => name)];
  const built = new Set([...named, styles, worker, ...renamed.values(), ...fonts, ...pictures]);
  for (const name of readdirSync(folder)) if (!built.has(name)) rmSync(join(folder, name), { recursive: true });
}

interface References {
  readonly styles: readonly string[];
  readonly scripts: readonly { readonly src: string; readonly isModule: boolean }[];
  readonly assets: readonly string[];
}

function references(html: string): References {
  const found = { styles: [] as string[], scripts: [] as { src: string; isModule: boolean }[], assets: [] as string[] };
  new HTMLRewriter()
    .on("link[href]", {
      element(link) {
        const list = link.getAttribute("rel") === "stylesheet" ? found.styles : found.assets;
        list.push(link.getAttribute("href") ?? "");
      },
    })
    .on("script[src]", {
      element(script) {
        const isModule = script.getAttribute("type") === "module";
        found.scripts.push({ src: script.getAttribute("src") ?? "", isModule });
      },
    })
    .transform(html);
  return found;
}

function rename(element: HTMLRewriterTypes.Element, attribute: string, names: ReadonlyMap<string, string>): void {
  const name = names.get(element.getAttribute(attribute) ?? "");
  if (name) element.setAttribute(attribute, `/${name}`);
}

/** One file in the order of the page; what it refers to is copied beside it. @returns its name, and those of the copies */
async function joinStyles(styles: readonly string[], folder: string): Promise<{ name: string; files: string[] }> {
  const texts: string[] = [];
  const files: string[] = [];
  for (const style of styles) {
    let text = await Bun.file(join(SOURCE, style)).text();
    for (const [whole, url] of text.matchAll(CSS_URL)) {
      const name = await copyHashed(join(SOURCE, dirname(style), url ?? ""), folder);
      files.push(name);
      text = text.replace(whole, `url("${name}")`);
    }
    texts.push(text);
  }
  return { name: await writeHashed("styles.css", new TextEncoder().encode(compact(texts.join("\n"))), folder), files };
}

/** Without comments and needless space, which is a fifth of what is sent. The style sheets have no string that it would change. */
function compact(css: string): string {
  return css
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .replace(/ ?([{};,>]) ?/g, "$1")
    .replace(/: /g, ":")
    .replaceAll(";}", "}");
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

/** @param constants names that the script finds defined, with their values as source text */
async function bundle(
  path: string,
  isModule: boolean,
  folder: string,
  constants: Readonly<Record<string, string>> = {},
): Promise<string> {
  const format = isModule ? "esm" : "iife";
  const built = await Bun.build({
    entrypoints: [path],
    target: "browser",
    minify: true,
    format,
    define: { ...constants },
  });
  const [script] = built.outputs;
  if (!script) throw new Error(`${basename(path)} produced no script`);
  // Once more: over the whole bundle terser finds 3 % that Bun leaves.
  const { code } = await minify(await script.text(), { module: isModule, ecma: 2020 });
  if (!code) throw new Error(`${basename(path)} was lost when it was minified`);
  return writeHashed(`${basename(path, extname(path))}.js`, new TextEncoder().encode(code), folder);
}

async function copyHashed(path: string, folder: string): Promise<string> {
  return writeHashed(basename(path), await Bun.file(path).bytes(), folder);
}

async function writeHashed(name: string, bytes: Uint8Array, folder: string): Promise<string> {
  const extension = extname(name);
  const hash = Bun.hash(bytes).toString(36).padStart(10, "0").slice(0, 10);
  const hashed = `${basename(name, extension)}-${hash}${extension}`;
  if (!existsSync(join(folder, hashed))) await replace(join(folder, hashed), bytes);
  return hashed;
}

/** Whoever reads it meanwhile gets the old or the new file, never a part of one. */
async function replace(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${path}.${process.pid}`;
  await Bun.write(unfinished, content);
  renameSync(unfinished, path);
}

if (import.meta.main) await buildDashboard();
