/**
 * Files of a folder served under their own names. The folder is read once: only what was there at the start can be
 * asked for, so no path can leave it.
 */
import { existsSync } from "node:fs";
import type { AnyElysia } from "elysia";

export interface StaticFile {
  /** `/` for index.html, else `/` and the path below the folder. */
  readonly path: string;
  readonly respond: (request: Request) => Response;
}

/** A hash in the name, as the bundler writes it: `app-1a2b3c4d.js`. */
const HASHED = /[-.][a-z0-9]{8,}\.[a-z0-9]+$/i;
const IMMUTABLE = "public, max-age=31536000, immutable";

function responder(absolute: string, etag: string): (request: Request) => Response {
  const file = Bun.file(absolute);
  const headers = { etag, "cache-control": HASHED.test(absolute) ? IMMUTABLE : "no-cache", "content-type": file.type };
  return (request) => {
    const known = request.headers
      .get("if-none-match")
      ?.split(",")
      .map((tag) => tag.trim().replace(/^W\//, ""));
    if (known?.includes(etag)) return new Response(null, { status: 304, headers });
    return new Response(file, { headers });
  };
}

/** Empty when the folder does not exist. Files and folders that begin with a dot are left out. */
export async function staticFiles(folder: string): Promise<StaticFile[]> {
  if (!existsSync(folder)) return [];
  const names = await Array.fromAsync(new Bun.Glob("**/*").scan({ cwd: folder, dot: false, onlyFiles: true }));
  return Promise.all(
    names.map(async (name) => {
      const absolute = `${folder}/${name}`;
      const etag = `"${Bun.hash(await Bun.file(absolute).bytes()).toString(36)}"`;
      return { path: name === "index.html" ? "/" : `/${name}`, respond: responder(absolute, etag) };
    }),
  );
}

/** One route a file, hidden from the OpenAPI document. */
export function serveFiles(app: AnyElysia, files: readonly StaticFile[]): void {
  for (const { path, respond } of files)
    app.get(path, (context) => respond(context.request), { detail: { hide: true } });
}
