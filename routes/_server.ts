/** Process entry: environment, control plane, listening, signals. The only impure file here. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ControlPlane, createControlPlane } from "../lib/control-plane.ts";
import { Fault } from "../lib/fault.ts";
import { SERVE_OPTIONS } from "../lib/http/serve-options.ts";
import { createLogger } from "../lib/log.ts";
import { StoreError } from "../lib/store/store-error.ts";
import packageJson from "../package.json" with { type: "json" };
import { createApp, dashboardFiles } from "./_app.ts";
import { type ProcessSettings, processSettings, UsageError } from "./_environment.ts";

const SHUTDOWN_LIMIT_MS = 10_000;
const log = createLogger();

/** Variables that describe the process, not the cluster: the simulated cluster must not meet a real Spark's address. */
const PROCESS_VARIABLES = ["ALLOWED_HOSTS", "CORS_ORIGINS", "TRUSTED_PROXIES", "LOG_LEVEL"];

interface Started {
  readonly plane: ControlPlane;
  /** Ends what the plane does not own: the simulated cluster. */
  close(): Promise<void>;
}

async function startReal(settings: ProcessSettings): Promise<Started> {
  const { dataDir } = settings;
  const plane = await createControlPlane({
    version: packageJson.version,
    dataDir,
    env: process.env,
    log,
    simulated: null,
  });
  return { plane, close: async () => undefined };
}

async function startSimulated(settings: ProcessSettings, speed: number): Promise<Started> {
  const { startSimulator } = await import("../lib/simulator/simulator.ts");
  const { loadIdentity } = await import("../lib/ssh/identity.ts");
  const dataDir = join(settings.dataDir, "simulated");
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const cluster = await startSimulator({
    speed,
    ports: "standard",
    authorizedKey: loadIdentity({ folder: dataDir }).publicKeyLine,
  });
  writeFileSync(join(dataDir, "topology.yaml"), cluster.topologyYaml);
  writeFileSync(join(dataDir, "services-overrides.yaml"), cluster.servicesYaml);
  // The made-up Sparks are new ones at every start, with new host keys.
  writeFileSync(join(dataDir, "known_hosts.json"), "[]\n", { mode: 0o600 });
  const env = Object.fromEntries(PROCESS_VARIABLES.map((name) => [name, process.env[name]]));
  try {
    const plane = await createControlPlane({ version: packageJson.version, dataDir, env, log, simulated: { speed } });
    return { plane, close: () => cluster.close() };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

async function main(): Promise<void> {
  const settings = processSettings(process.env, process.argv.slice(2));
  const { plane, close } = settings.simulated
    ? await startSimulated(settings, settings.simulated.speed)
    : await startReal(settings);
  const app = createApp(plane, await dashboardFiles());
  try {
    app.listen({ port: settings.port, hostname: settings.host ?? "::", ...SERVE_OPTIONS });
  } catch (error) {
    await plane.close("could not listen");
    await close();
    throw new UsageError(
      `Port ${settings.port} cannot be used: ${error instanceof Error ? error.message : error}. Choose another with PORT=….`,
    );
  }
  const port = app.server?.port ?? settings.port;
  log.info("listening", { port, simulated: plane.simulated, data_dir: settings.dataDir });
  process.stdout.write(
    `\n  Spark Control ${plane.version}${plane.simulated ? ", simulated cluster" : ""}: http://localhost:${port}\n\n`,
  );

  let stopping = false;
  const shutDown = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info("shutting down", { signal });
    setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS).unref();
    await plane.close(signal);
    await app.stop(true);
    await close();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void shutDown(signal));
  process.on("unhandledRejection", (error) => log.error("unhandled rejection", { error }));
}

main().catch((error) => {
  if (error instanceof UsageError || error instanceof StoreError || error instanceof Fault)
    process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
});
