/** Listening: Bun's server around the app. */
import type { Direct } from "./direct.ts";
import { setIdleLimit } from "./idle-time.ts";
import { SERVE_OPTIONS } from "./serve-options.ts";

/**
 * Stands around every answer of the app, those of the guards included.
 * @param peer address of the connection; null where it is not known
 */
export type Around = (
  request: Request,
  respond: (request: Request) => Response | Promise<Response>,
  peer: string | null,
) => Response | Promise<Response>;

/** The part of an Elysia app that listening needs. */
interface Listening {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  server: Bun.Server<unknown> | null;
}

const arounds = new WeakMap<Listening, Around>();
const directs = new WeakMap<Listening, Direct>();

/** Routes that are answered ahead of the app. They change nothing here, so that nothing stands around them. */
export function setDirect(app: Listening, direct: Direct): void {
  directs.set(app, direct);
}

/** Set once by whoever makes the app, so that nobody who listens can leave it out. */
export function setAround(app: Listening, around: Around): void {
  arounds.set(app, around);
}

/**
 * Elysia's router looks for the path behind the eleventh character of the URL and so misses it behind a host name of three
 * characters or less without a port (`http://nas/`). Such a URL is lengthened; the Host header, which the guards read,
 * stays as it came.
 */
const PATH_AT_LEAST = 11;
const SCHEME = "http://";

/** By the request that took its place. */
const originals = new WeakMap<Request, Request>();

export function withLongHost(request: Request): Request {
  const { url } = request;
  const slash = url.indexOf("/", SCHEME.length);
  if (!url.startsWith(SCHEME) || slash === -1 || slash >= PATH_AT_LEAST) return request;
  const long = new Request(`http://localhost${url.slice(slash)}`, request);
  originals.set(long, request);
  return long;
}

/** Bun knows the request that came, and not the one that took its place: it would neither tell its address nor wait for it. */
function knowLengthened(server: Bun.Server<unknown>): void {
  const { requestIP, timeout } = server;
  server.requestIP = (request) => requestIP.call(server, originals.get(request) ?? request);
  server.timeout = (request, seconds) => timeout.call(server, originals.get(request) ?? request, seconds);
}

/** @throws what Bun throws when the address cannot be had */
export function listen(
  app: Listening,
  address: { readonly port: number; readonly hostname: string; readonly idleTimeout?: number },
): Bun.Server<unknown> {
  const around = arounds.get(app);
  const direct = directs.get(app);
  const respond = (request: Request) => app.fetch(request);
  const server = Bun.serve({
    ...SERVE_OPTIONS,
    ...address,
    fetch(request, self) {
      const long = withLongHost(request);
      const answer = direct?.(long, self);
      if (answer) return answer;
      return around ? around(long, respond, self.requestIP(request)?.address ?? null) : respond(long);
    },
  });
  if (address.idleTimeout !== undefined) setIdleLimit(server, address.idleTimeout);
  app.server = server;
  knowLengthened(server);
  return server;
}
