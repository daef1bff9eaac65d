// Generated from the files of this folder by lib/routegen/_cli.ts ("bun run generate"). Do not edit.
import type { Elysia } from "elysia";
import type { ControlPlane } from "../lib/control-plane.ts";
import type { Web } from "../lib/http/web.ts";
import docsRoute from "./docs.ts";
import healthRoute from "./health.ts";
import openapiJsonRoute from "./openapi.json.ts";

/** Every route file with the URL it serves, literals before parameters. */
export const ROUTE_FILES = [
  { file: "docs.ts", path: "/docs" },
  { file: "health.ts", path: "/health" },
  { file: "openapi.json.ts", path: "/openapi.json" },
] as const satisfies readonly { readonly file: string; readonly path: string }[];

/** Adds every route to the app. The type of the result is what Eden's client is made of. */
export const registerRoutes = (app: Elysia, services: ControlPlane & Web) => {
  // Through a function, so that a route that takes nothing needs no parameter.
  const from = <Route>(factory: (services: ControlPlane & Web) => Route): Route => factory(services);
  return app
    .group("/docs", (group) => group.use(from(docsRoute)))
    .group("/health", (group) => group.use(from(healthRoute)))
    .group("/openapi.json", (group) => group.use(from(openapiJsonRoute)));
};
