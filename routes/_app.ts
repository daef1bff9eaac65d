/** The app as one value: guards, errors, routes, dashboard. Listening is _server.ts. */
import { fileURLToPath } from "node:url";
import { Elysia } from "elysia";
import type { ControlPlane } from "../lib/control-plane.ts";
import { auditTrail } from "../lib/http/audit-trail.ts";
import { renderErrors } from "../lib/http/error-renderer.ts";
import { setAround } from "../lib/http/listen.ts";
import { createMethodTable, type MethodTable } from "../lib/http/method-table.ts";
import { NO_SIMULATION } from "../lib/http/no-simulation.ts";
import { type OpenApiDocument, openApiDocument } from "../lib/http/openapi.ts";
import { guard } from "../lib/http/perimeter.ts";
import { createRefusedHosts } from "../lib/http/refused-hosts.ts";
import type { StaticFile } from "../lib/http/static-files.ts";
import { notFoundPage, serveFiles, staticFiles } from "../lib/http/static-files.ts";
import type { Simulation, Web } from "../lib/http/web.ts";
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

  const methodTable = () => {
    methods ??= createMethodTable(app.routes);
    return methods;
  };
  const guarded = new Elysia(ELYSIA_OPTIONS);
  renderErrors(guarded, plane.log, notFoundPage(dashboard));
  guard(guarded, {
    allowedHosts: () => [...settings().allowed_hosts, ...plane.config.current.hosts],
    corsOrigins: () => settings().cors_origins,
    trustedProxies: () => settings().trusted_proxies,
    refusedHosts,
    methods: methodTable,
    simulated: plane.simulated,
  });
  const web: Web = {
    refusedHosts,
    simulation,
    openApi: () => {
      document ??= openApiDocument(app.routes, plane.version);
      return document;
    },
  };
  const app = registerRoutes(guarded, { ...plane, ...web });
  serveFiles(app, dashboard);
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

/**
 * Empty until `bun run build` has been run.
 * @param simulated says so in the page itself, so that nothing moves when the first data arrive
 */
export const dashboardFiles = (simulated = false): Promise<StaticFile[]> =>
  staticFiles(DASHBOARD_FOLDER, (html) => (simulated ? html.replace("<html ", "<html data-simulated ") : html));

export type App = ReturnType<typeof createApp>;
