/**
 * The style sheets as one file, joined as they were written: Bun's CSS bundler rewrites `light-dark()` for older browsers
 * and puts fonts into `data:` URLs, which the Content-Security-Policy does not allow.
 */
import { dirname, join } from "node:path";
import { copyHashed, SOURCE, writeHashed } from "./_files.ts";

const CSS_URL = /url\("([^"]+)"\)/g;

export interface BuiltStyles {
  readonly name: string;
  /** All that was written, fonts too. */
  readonly files: readonly string[];
}

/** @param paths relative to public/, in their order */
export async function buildStyles(paths: readonly string[], folder: string): Promise<BuiltStyles> {
  const texts: string[] = [];
  const files: string[] = [];
  for (const path of paths) {
    let text = await Bun.file(join(SOURCE, path)).text();
    for (const [whole, url] of text.matchAll(CSS_URL)) {
      const copy = await copyHashed(join(SOURCE, dirname(path), url ?? ""), folder);
      files.push(copy);
      text = text.replace(whole, `url("${copy}")`);
    }
    texts.push(text);
  }
  const name = await writeHashed("styles.css", new TextEncoder().encode(compact(texts.join("\n"))), folder);
  return { name, files: [name, ...files] };
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
