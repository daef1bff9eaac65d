/** Listening: Bun's server around the app. */
import { SERVE_OPTIONS } from "./serve-options.ts";

/** The part of an Elysia app that listening needs. */
interface Listening {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  server: Bun.Server<unknown> | null;
}

/**
 * Elysia's router looks for the path behind the eleventh character of the URL and so misses it behind a host name of three
 * characters or less without a port (`http://nas/`). Such a URL is lengthened; the Host header, which the guards read,
 * stays as it came.
 */
const PATH_AT_LEAST = 11;
const SCHEME = "http://";

export function withLongHost(request: Request): Request {
  const { url } = request;
  const slash = url.indexOf("/", SCHEME.length);
  if (!url.startsWith(SCHEME) || slash === -1 || slash >= PATH_AT_LEAST) return request;
  return new Request(`http://localhost${url.slice(slash)}`, request);
}

/** @throws what Bun throws when the address cannot be had */
export function listen(
  app: Listening,
  address: { readonly port: number; readonly hostname: string },
): Bun.Server<unknown> {
  const server = Bun.serve({ ...SERVE_OPTIONS, ...address, fetch: (request) => app.fetch(withLongHost(request)) });
  app.server = server;
  return server;
}
