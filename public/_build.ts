/**
 * Builds the dashboard: public/ → dist/public with hashed names. The script is bundled; the style sheets are joined as
 * they were written, because Bun's CSS bundler rewrites `light-dark()` for older browsers and puts fonts into `data:`
 * URLs, which the Content-Security-Policy does not allow.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL(".", import.meta.url));
const DIST = fileURLToPath(new URL("../dist/public", import.meta.url));
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
  for (const asset of found.assets) renamed.set(asset, await copyHashed(join(SOURCE, asset), folder));
  for (const script of found.scripts) renamed.set(script, await bundle(join(SOURCE, script), folder));
  const { name: styles, files: fonts } = await joinStyles(found.styles, folder);

  const rewriter = new HTMLRewriter()
    .on("link[rel=stylesheet]", {
      element(link) {
        if (link.getAttribute("href") === found.styles[0]) link.setAttribute("href", styles);
        else link.remove();
      },
    })
    .on("link:not([rel=stylesheet])", { element: (link) => rename(link, "href", renamed) })
    .on("script[src]", { element: (script) => rename(script, "src", renamed) });
  await replace(join(folder, "index.html"), rewriter.transform(await page.text()));
  await replace(join(folder, "fonts-OFL.txt"), await Bun.file(join(SOURCE, "fonts/OFL.txt")).text());
  const built = new Set(["index.html", "fonts-OFL.txt", styles, ...renamed.values(), ...fonts]);
  for (const name of readdirSync(folder)) if (!built.has(name)) rmSync(join(folder, name), { recursive: true });
}

interface References {
  readonly styles: readonly string[];
  readonly scripts: readonly string[];
  readonly assets: readonly string[];
}

function references(html: string): References {
  const found = { styles: [] as string[], scripts: [] as string[], assets: [] as string[] };
  new HTMLRewriter()
    .on("link[href]", {
      element(link) {
        const list = link.getAttribute("rel") === "stylesheet" ? found.styles : found.assets;
        list.push(link.getAttribute("href") ?? "");
      },
    })
    .on("script[src]", { element: (script) => void found.scripts.push(script.getAttribute("src") ?? "") })
    .transform(html);
  return found;
}

function rename(element: HTMLRewriterTypes.Element, attribute: string, names: ReadonlyMap<string, string>): void {
  const name = names.get(element.getAttribute(attribute) ?? "");
  if (name) element.setAttribute(attribute, name);
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
  return { name: await writeHashed("styles.css", new TextEncoder().encode(texts.join("\n")), folder), files };
}

async function bundle(path: string, folder: string): Promise<string> {
  const built = await Bun.build({ entrypoints: [path], target: "browser", minify: true });
  const [script] = built.outputs;
  if (!script) throw new Error(`${basename(path)} produced no script`);
  return writeHashed(`${basename(path, extname(path))}.js`, new Uint8Array(await script.arrayBuffer()), folder);
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
