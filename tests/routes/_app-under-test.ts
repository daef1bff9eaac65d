/** The app of a controller that knows no Spark, in a DATA_DIR of its own: every route answers, nothing is contacted. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ControlPlane, createControlPlane } from "../../lib/control-plane.ts";
import { listen } from "../../lib/http/listen.ts";
import { createLogger } from "../../lib/log.ts";
import { type App, createApp } from "../../routes/_app.ts";

export interface AppUnderTest {
  readonly app: App;
  readonly plane: ControlPlane;
  readonly dataDir: string;
  /** Lines of the log. */
  readonly logged: string[];
  /** `host: localhost` unless told otherwise. */
  call(method: string, path: string, init?: { headers?: Record<string, string>; body?: string }): Promise<Response>;
  /** Listens on loopback. @returns the port */
  listen(): number;
  close(): Promise<void>;
}

export const ALLOWED_NAME = "spark.example.com";
export const LISTED_ORIGIN = "https://crm.example.com";

/**
 * @param given.respiteMs how long after a forced release others have to wait for a reservation
 * @param given.env more variables of the environment
 */
export async function startApp({
  respiteMs,
  env: more = {},
}: {
  readonly respiteMs?: number;
  readonly env?: Readonly<Record<string, string>>;
} = {}): Promise<AppUnderTest> {
  const dataDir = mkdtempSync(join(tmpdir(), "spark-app-"));
  const logged: string[] = [];
  const log = createLogger({ level: "debug", write: (line) => logged.push(line) });
  const env = { ALLOWED_HOSTS: ALLOWED_NAME, CORS_ORIGINS: LISTED_ORIGIN, ...more };
  const plane = await createControlPlane({ version: "1.2.3", dataDir, env, log, simulated: null, respiteMs });
  const app = createApp(plane);
  return {
    app,
    plane,
    dataDir,
    logged,
    call: (method, path, { headers = {}, body } = {}) =>
      app.handle(
        new Request(`http://localhost${path}`, {
          method,
          headers: { host: "localhost", ...headers },
          ...(body === undefined ? {} : { body }),
        }),
      ),
    listen() {
      const port = listen(app, { port: 0, hostname: "127.0.0.1" }).port!;
      plane.listensOn(port);
      return port;
    },
    async close() {
      if (app.server) await app.stop(true);
      await plane.close("test");
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export interface Endpoint {
  readonly method: string;
  /** As the router has it. */
  readonly path: string;
  /** With something in place of each parameter. */
  readonly url: string;
}

const asUrl = (path: string) => path.replace(/:[a-z0-9_]+/g, "x").replace(/\*$/, "x");

/** Every method of every route file, from the running app; files of the dashboard are not among them. */
export function endpointsOf(app: App): Endpoint[] {
  return app.routes.map(({ method, path }) => ({ method, path, url: asUrl(path) }));
}

/** The status of an answer whose body is not read: a stream would not end by itself. */
export async function statusOf(answer: Promise<Response>): Promise<number> {
  const { status, body } = await answer;
  await body?.cancel();
  return status;
}
