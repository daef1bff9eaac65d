/**
 * Style sheets, joined as they were written: Bun's CSS bundler rewrites `light-dark()` for older browsers and puts fonts
 * into `data:` URLs, which the Content-Security-Policy does not allow.
 */
import { basename, dirname, join } from "node:path";
import { copyHashed, SOURCE, writeHashed } from "./_files.ts";

const CSS_URL = /url\("([^"]+)"\)/g;

export interface BuiltStyles {
  /** Names of the built files that each page needs beside the frame's, by page. */
  readonly of: ReadonlyMap<string, readonly string[]>;
  readonly frame: string;
  /** All that was written, fonts too. */
  readonly files: readonly string[];
}

/**
 * One file for the frame, and one for each set of pages that share style sheets, so that a page loads what it needs once
 * and nothing else.
 * @param frame style sheets of index.html, in their order
 * @param pages those that each page names
 */
export async function buildStyles(
  frame: readonly string[],
  pages: ReadonlyMap<string, readonly string[]>,
  folder: string,
): Promise<BuiltStyles> {
  const groups = new Map<string, { users: readonly string[]; styles: string[] }>();
  for (const style of new Set([...pages.values()].flat())) {
    if (frame.includes(style)) throw new Error(`${style} is on every page already: index.html names it.`);
    const users = [...pages.keys()].filter((id) => pages.get(id)?.includes(style));
    const key = users.join(" ");
    const group = groups.get(key) ?? { users, styles: [] };
    group.styles.push(style);
    groups.set(key, group);
  }
  const whole = await joined("frame", frame, folder);
  const files = [whole.name, ...whole.files];
  const of = new Map<string, string[]>();
  for (const { users, styles } of groups.values()) {
    const built = await joined(basename(styles[0] ?? "", ".css"), styles, folder);
    files.push(built.name, ...built.files);
    for (const id of users) of.set(id, [...(of.get(id) ?? []), built.name]);
  }
  return { of, frame: whole.name, files };
}

/** One file in the order given; what it refers to is copied beside it. */
async function joined(name: string, styles: readonly string[], folder: string) {
  const texts: string[] = [];
  const files: string[] = [];
  for (const style of styles) {
    let text = await Bun.file(join(SOURCE, style)).text();
    for (const [whole, url] of text.matchAll(CSS_URL)) {
      const copy = await copyHashed(join(SOURCE, dirname(style), url ?? ""), folder);
      files.push(copy);
      text = text.replace(whole, `url("${copy}")`);
    }
    texts.push(text);
  }
  const bytes = new TextEncoder().encode(compact(texts.join("\n")));
  return { name: await writeHashed(`${name}.css`, bytes, folder), files };
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
