/** The app as one value: guards, errors, routes, dashboard. Listening is _server.ts. */
import { fileURLToPath } from "node:url";
import { Elysia } from "elysia";
import type { ControlPlane } from "../lib/control-plane.ts";
import { auditTrail } from "../lib/http/audit-trail.ts";
import { createDirect } from "../lib/http/direct.ts";
import { renderErrors } from "../lib/http/error-renderer.ts";
import { setAround, setDirect } from "../lib/http/listen.ts";
import { createMethodTable, type MethodTable } from "../lib/http/method-table.ts";
import { NO_SIMULATION } from "../lib/http/no-simulation.ts";
import { type OpenApiDocument, openApiDocument } from "../lib/http/openapi.ts";
import { createPerimeter, guard } from "../lib/http/perimeter.ts";
import { createRefusedHosts } from "../lib/http/refused-hosts.ts";
import type { StaticFile } from "../lib/http/static-files.ts";
import { notFoundPage, serveFiles, staticFiles } from "../lib/http/static-files.ts";
import type { Simulation, Web } from "../lib/http/web.ts";
import { firstLook } from "./_first-look.ts";
import { registerRoutes } from "./_manifest.gen.ts";

export const DASHBOARD_FOLDER = fileURLToPath(new URL("../dist/public", import.meta.url));

/** Elysia's fast paths for constant answers are off: they would pass by the guards and the headers. */
const ELYSIA_OPTIONS = { nativeStaticResponse: false, systemRouter: false } as const;

/**
 * @param dashboard files of the built dashboard; `dashboardFiles()` reads them
 * @param simulation how this process goes to the simulated cluster and back
 */
export function createApp(
  plane: ControlPlane,
  dashboard: readonly StaticFile[] = [],
  simulation: Simulation = NO_SIMULATION,
) {
  let methods: MethodTable | undefined;
  let document: OpenApiDocument | undefined;
  const refusedHosts = createRefusedHosts();
  const settings = () => plane.config.current.topology.settings;

  const allowedHosts = () => {
    const { hosts } = plane.config.current;
    return hosts.length === 0 ? settings().allowed_hosts : [...settings().allowed_hosts, ...hosts];
  };
  const methodTable = () => {
    methods ??= createMethodTable(app.routes);
    return methods;
  };
  const guarded = new Elysia(ELYSIA_OPTIONS);
  const look = (): ReturnType<typeof firstLook> => {
    try {
      return firstLook(plane, simulation.state === "running");
    } catch (error) {
      // The page comes even when nothing can be read: it is where that is said.
      plane.log.warn("the first look of a page could not be told", { error });
      return {};
    }
  };
  renderErrors(guarded, plane.log, notFoundPage(dashboard, look));
  const perimeter = createPerimeter({
    allowedHosts,
    corsOrigins: () => settings().cors_origins,
    trustedProxies: () => settings().trusted_proxies,
    refusedHosts,
    loopRefusal: (headers) => plane.webhooks.loopRefusal(headers),
    methods: methodTable,
    simulated: plane.simulated,
  });
  guard(guarded, perimeter, methodTable, plane.gateway.pace);
  const web: Web = {
    refusedHosts,
    simulation,
    openApi: () => {
      document ??= openApiDocument(app.routes, plane.version);
      return document;
    },
  };
  const app = registerRoutes(guarded, { ...plane, ...web });
  serveFiles(app, dashboard, look);
  setDirect(app, createDirect(app.routes, perimeter, plane.log));
  const note = plane.audit.note.bind(plane.audit);
  const operation = (method: string, path: string) => methodTable().operation(method, path);
  setAround(
    app,
    auditTrail({
      note,
      operation,
      trustedProxies: () => settings().trusted_proxies,
      holder: () => plane.lock.current()?.holder ?? null,
      log: plane.log,
    }),
  );
  return app;
}

/** Empty until `bun run build` has been run. */
export const dashboardFiles = (): Promise<StaticFile[]> => staticFiles(DASHBOARD_FOLDER);

export type App = ReturnType<typeof createApp>;
