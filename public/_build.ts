/**
 * Builds the dashboard: public/ → dist/public with hashed names. The script is bundled; the style sheets are joined as
 * they were written, because Bun's CSS bundler rewrites `light-dark()` for older browsers and puts fonts into `data:`
 * URLs, which the Content-Security-Policy does not allow.
 */
import { mkdirSync, rmSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL(".", import.meta.url));
const DIST = fileURLToPath(new URL("../dist/public", import.meta.url));
const CSS_URL = /url\("([^"]+)"\)/g;

/**
 * Writes the built dashboard into the folder, which is emptied first.
 * @throws AggregateError when the script cannot be bundled; Error when index.html names a file that is not there
 */
export async function buildDashboard(folder: string = DIST): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const page = Bun.file(join(SOURCE, "index.html"));
  const found = references(await page.text());

  const renamed = new Map<string, string>();
  for (const asset of found.assets) renamed.set(asset, await copyHashed(join(SOURCE, asset), folder));
  for (const script of found.scripts) renamed.set(script, await bundle(join(SOURCE, script), folder));
  const styles = await joinStyles(found.styles, folder);

  const rewriter = new HTMLRewriter()
    .on("link[rel=stylesheet]", {
      element(link) {
        if (link.getAttribute("href") === found.styles[0]) link.setAttribute("href", styles);
        else link.remove();
      },
    })
    .on("link:not([rel=stylesheet])", { element: (link) => rename(link, "href", renamed) })
    .on("script[src]", { element: (script) => rename(script, "src", renamed) });
  await Bun.write(join(folder, "index.html"), rewriter.transform(await page.text()));
  await Bun.write(join(folder, "fonts-OFL.txt"), Bun.file(join(SOURCE, "fonts/OFL.txt")));
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

/** One file in the order of the page; what it refers to is copied beside it. @returns its name */
async function joinStyles(styles: readonly string[], folder: string): Promise<string> {
  const texts: string[] = [];
  for (const style of styles) {
    let text = await Bun.file(join(SOURCE, style)).text();
    for (const [whole, url] of text.matchAll(CSS_URL)) {
      const name = await copyHashed(join(SOURCE, dirname(style), url ?? ""), folder);
      text = text.replace(whole, `url("${name}")`);
    }
    texts.push(text);
  }
  return writeHashed("styles.css", new TextEncoder().encode(texts.join("\n")), folder);
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
  await Bun.write(join(folder, hashed), bytes);
  return hashed;
}

if (import.meta.main) await buildDashboard();
