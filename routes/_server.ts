/** Process entry: environment, control plane, listening, signals. The only impure file here. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createControlPlane } from "../lib/control-plane.ts";
import { Fault } from "../lib/fault.ts";
import { listen as listenOn } from "../lib/http/listen.ts";
import { createLogger } from "../lib/log.ts";
import type { SimulatedCluster } from "../lib/simulator/simulator.ts";
import { openStore } from "../lib/store/store.ts";
import { StoreError } from "../lib/store/store-error.ts";
import { type App, createApp, dashboardFiles } from "./_app.ts";
import {
  ignoreProxies,
  type ProcessSettings,
  processSettings,
  type SimulatedSettings,
  simulatedSettings,
  UsageError,
} from "./_environment.ts";
import { Stage, type Started } from "./_stage.ts";
import { VERSION } from "./_version.ts";

const SHUTDOWN_LIMIT_MS = 10_000;
const log = createLogger();

/** Variables that describe the process, not the cluster: the simulated cluster must not meet a real Spark's address. */
const PROCESS_VARIABLES = [
  "BUN_CONFIG_MAX_HTTP_REQUESTS",
  "ALLOWED_HOSTS",
  "CORS_ORIGINS",
  "TRUSTED_PROXIES",
  "LOG_LEVEL",
];

async function startReal(settings: ProcessSettings): Promise<Started> {
  const { dataDir } = settings;
  const plane = await createControlPlane({
    version: VERSION,
    dataDir,
    env: process.env,
    log,
    simulated: null,
  });
  return { plane, close: async () => undefined };
}

async function startSimulated(settings: ProcessSettings, { speed, faults }: SimulatedSettings): Promise<Started> {
  const { startSimulator } = await import("../lib/simulator/simulator.ts");
  const { readFaults } = await import("../lib/simulator/fault-schema.ts");
  const { loadIdentity } = await import("../lib/ssh/identity.ts");
  const wanted = readFaults(faults);
  if (wanted === null) throw new UsageError("SIM_FAULTS is not a JSON list of faults. See the README for an example.");
  const dataDir = join(settings.dataDir, "simulated");
  // The lock first: what follows replaces files that a running simulated cluster reads.
  const store = openStore(dataDir);
  let cluster: SimulatedCluster | undefined;
  try {
    const { publicKeyLine } = loadIdentity({ folder: dataDir });
    cluster = await startSimulator({ speed, ports: "standard", authorizedKey: publicKeyLine });
    for (const fault of wanted) cluster.inject(fault);
    writeFileSync(join(dataDir, "topology.yaml"), cluster.topologyYaml);
    writeFileSync(join(dataDir, "services-overrides.yaml"), cluster.servicesYaml);
    // The made-up Sparks are new ones at every start: with new host keys, and nothing loaded.
    writeFileSync(join(dataDir, "known_hosts.json"), "[]\n", { mode: 0o600 });
    store.facts.run("DELETE FROM slot_belief");
    const env = Object.fromEntries(PROCESS_VARIABLES.map((name) => [name, process.env[name]]));
    const simulated = { speed };
    const plane = await createControlPlane({ version: VERSION, dataDir, store, env, log, simulated });
    const { close } = cluster;
    return { plane, close };
  } catch (error) {
    store.close();
    await cluster?.close();
    throw error;
  }
}

/** On all addresses unless one is named: `::` takes IPv4 too; a machine without IPv6 gets 0.0.0.0. @returns the port */
function listen(app: App, { port, host }: Pick<ProcessSettings, "port" | "host">): number {
  const failures: unknown[] = [];
  for (const hostname of host === null ? ["::", "0.0.0.0"] : [host]) {
    try {
      return listenOn(app, { port, hostname }).port ?? port;
    } catch (error) {
      failures.push(error);
    }
  }
  const [first] = failures;
  const said = first instanceof Error ? first.message : String(first);
  throw new UsageError(`Port ${port} cannot be used: ${said} Choose another with PORT=….`);
}

async function main(): Promise<void> {
  ignoreProxies(process.env);
  const settings = processSettings(process.env, process.argv.slice(2));
  const files = await dashboardFiles();
  const fail = (error: unknown) => {
    log.error("nothing can be shown any more", { error });
    process.exit(1);
  };
  const stage = new Stage({
    real: () => startReal(settings),
    simulated: () => startSimulated(settings, simulatedSettings(process.env)),
    appOf: (plane, simulation) => createApp(plane, files, simulation),
    listen: (app, port) => listen(app, { ...settings, port: port ?? settings.port }),
    log,
    fatal: fail,
  });
  const { plane, port } = await stage.open(settings.simulated ? "simulated" : "real");
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
    await stage.close(signal);
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
