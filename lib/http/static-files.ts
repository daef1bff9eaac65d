/**
 * Files of a folder served under their own names. The folder is read once: only what was there at the start can be
 * asked for, so no path can leave it.
 */
import { existsSync } from "node:fs";
import type { AnyElysia } from "elysia";

export interface StaticFile {
  /** What `pages.json` of the folder says; else `/` for index.html, `/` and the path below the folder for others. */
  readonly path: string;
  readonly respond: (request: Request, answer?: { readonly status?: number; readonly look?: Look }) => Response;
}

/** Attributes of `<html>` as they are at this moment; values of letters that need no quoting. */
export type Look = () => Readonly<Record<string, string>>;

/** Of the page that is shown to a person at an address where nothing is. */
export const NOT_FOUND_PATH = "*";
/** A file of the folder: `{"/activity/:id": "page-swap.html"}`. */
const PAGE_PATHS = "pages.json";

/** A hash in the name, as the bundler writes it: `app-1a2b3c4d.js`. */
const HASHED = /[-.][a-z0-9]{8,}\.[a-z0-9]+$/i;
const IMMUTABLE = "public, max-age=31536000, immutable";

/** What gets smaller; fonts and pictures are compressed as they are. */
const COMPRESSIBLE = /^(?:text\/|application\/(?:json|manifest\+json)|image\/svg)|javascript/;

/** As small as gzip gets: done once, when the process starts. Browsers take nothing smaller over plain HTTP. */
export const gzipped = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  Bun.gzipSync(bytes, { library: "libdeflate", level: 12 });

const tagOf = (bytes: Uint8Array) => `"${Bun.hash(bytes).toString(36)}"`;
const acceptsGzip = (request: Request) =>
  /\bgzip\b(?!;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(request.headers.get("accept-encoding") ?? "");

function responder(absolute: string, bytes: Uint8Array<ArrayBuffer>): StaticFile["respond"] {
  const { type } = Bun.file(absolute);
  const isCompressed = COMPRESSIBLE.test(type);
  const common = {
    "cache-control": HASHED.test(absolute) ? IMMUTABLE : "no-cache",
    "content-type": type,
    ...(isCompressed ? { vary: "accept-encoding" } : {}),
  };
  const plain = { body: bytes, headers: { ...common, etag: tagOf(bytes) } };
  const small = isCompressed ? gzipped(bytes) : null;
  const gzip = small && { body: small, headers: { ...common, etag: tagOf(small), "content-encoding": "gzip" } };
  return (request, { status = 200 } = {}) => {
    const { body, headers } = gzip && acceptsGzip(request) ? gzip : plain;
    if (status !== 200) return new Response(body, { status, headers });
    const known = request.headers
      .get("if-none-match")
      ?.split(",")
      .map((tag) => tag.trim().replace(/^W\//, ""));
    if (known?.includes(headers.etag)) return new Response(null, { status: 304, headers });
    return new Response(body, { headers });
  };
}

/** A page is prepared anew when its look changes; of so many looks the answers are kept. */
const KEPT_LOOKS = 8;

/** An HTML file, with the attributes that it is to have now. */
function pageResponder(absolute: string, html: string): StaticFile["respond"] {
  const known = new Map<string, StaticFile["respond"]>();
  return (request, answer = {}) => {
    const attributes = Object.entries(answer.look?.() ?? {})
      .map(([name, value]) => ` ${name}="${Bun.escapeHTML(value)}"`)
      .join("");
    let respond = known.get(attributes);
    if (!respond) {
      const bytes = new TextEncoder().encode(html.replace(/<html\b/, () => `<html${attributes}`));
      respond = responder(absolute, bytes);
      const [oldest] = known.keys();
      if (known.size >= KEPT_LOOKS && oldest !== undefined) known.delete(oldest);
      known.set(attributes, respond);
    }
    return respond(request, answer);
  };
}

/** Empty when the folder does not exist. Files and folders that begin with a dot are left out. */
export async function staticFiles(folder: string): Promise<StaticFile[]> {
  if (!existsSync(folder)) return [];
  const names = await Array.fromAsync(new Bun.Glob("**/*").scan({ cwd: folder, dot: false, onlyFiles: true }));
  const pages = names.includes(PAGE_PATHS)
    ? ((await Bun.file(`${folder}/${PAGE_PATHS}`).json()) as Record<string, string>)
    : { "/": "index.html" };
  const paths = new Map(Object.entries(pages).map(([path, name]) => [name, path]));
  return Promise.all(
    names
      .filter((name) => name !== PAGE_PATHS)
      .map(async (name) => {
        const absolute = `${folder}/${name}`;
        const file = Bun.file(absolute);
        const respond = name.endsWith(".html")
          ? pageResponder(absolute, await file.text())
          : responder(absolute, await file.bytes());
        return { path: paths.get(name) ?? `/${name}`, respond };
      }),
  );
}

const NOT_BUILT =
  "The dashboard has not been built. Run `bun run build`, then start Spark Control again. The API answers without it.\n";

/** Answers 404 to a person who opened an address where nothing is; undefined when there is no page for that. */
export function notFoundPage(files: readonly StaticFile[], look: Look): ((request: Request) => Response) | undefined {
  if (files.length === 0)
    return () => new Response(NOT_BUILT, { status: 404, headers: { "content-type": "text/plain; charset=utf-8" } });
  const page = files.find(({ path }) => path === NOT_FOUND_PATH);
  return page && ((request) => page.respond(request, { status: 404, look }));
}

/** One route a file, hidden from the OpenAPI document. */
export function serveFiles(app: AnyElysia, files: readonly StaticFile[], look: Look): void {
  for (const { path, respond } of files.filter((file) => file.path !== NOT_FOUND_PATH))
    app.get(path, (context) => respond(context.request, { look }), { detail: { hide: true } });
}
