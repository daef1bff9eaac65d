/**
 * Routes whose answers pass as they are. Elysia wraps every Response of a handler in another one whose body is a stream, and
 * merges the headers twice: at the gateway that costs more than all the rest of a request. These are answered ahead of it,
 * through the same guards and with the same errors; `app.handle`, which tests use, still goes through Elysia.
 */
import type { Logger } from "../log.ts";
import { renderThrown } from "./error-renderer.ts";
import type { Passed, Perimeter } from "./perimeter.ts";
import { pathOfUrl } from "./url-path.ts";

export interface DirectContext {
  readonly request: Request;
  readonly server: Bun.Server<unknown> | null;
}
export type DirectHandler = (context: DirectContext) => Promise<Response>;

/** Null: the request is not for one of these routes. */
export type Direct = (request: Request, server: Bun.Server<unknown>) => Response | Promise<Response> | null;

const marked = new WeakSet<object>();

/** Marks a route's handler: it reads nothing of Elysia's context but these two. */
export function passing(handler: DirectHandler): DirectHandler {
  marked.add(handler);
  return handler;
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly handler: unknown;
}

/** @param routes of the whole app; those without parameters that are marked are taken */
export function createDirect(routes: readonly Route[], perimeter: Perimeter, log: Logger): Direct {
  const table = new Map(
    routes.flatMap(({ method, path, handler }) =>
      typeof handler === "function" && marked.has(handler)
        ? [[`${method} ${path}`, handler as DirectHandler] as const]
        : [],
    ),
  );
  return (request, server) => {
    const handler = table.get(`${request.method} ${pathOfUrl(request.url)}`);
    if (!handler) return null;
    const passed = perimeter(request, server);
    if (passed.refused) return dressed(passed.refused, passed);
    return answer(handler, { request, server }, passed, log);
  };
}

async function answer(handler: DirectHandler, context: DirectContext, passed: Passed, log: Logger): Promise<Response> {
  try {
    return dressed(await handler(context), passed);
  } catch (error) {
    return dressed(renderThrown(error, context.request, passed.requestId, log), passed);
  }
}

/** The one that an answer may have itself; of all others an upstream's stay behind (lib/gateway/headers.ts). To look takes time. */
const MAY_BE_THERE = "vary";

/** What the answer has itself counts. */
function dressed(response: Response, { headers }: Passed): Response {
  const to = response.headers;
  for (const name in headers) if (name !== MAY_BE_THERE || !to.has(name)) to.set(name, headers[name]!);
  return response;
}
