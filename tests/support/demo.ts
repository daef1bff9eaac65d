/** The whole product on a simulated cluster, in this process: real SSH, real HTTP, on ephemeral ports. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ControlPlane, createControlPlane } from "../../lib/control-plane.ts";
import type { ControlPlaneOptions } from "../../lib/control-plane-options.ts";
import { listen } from "../../lib/http/listen.ts";
import { NO_SIMULATION } from "../../lib/http/no-simulation.ts";
import { createLogger } from "../../lib/log.ts";
import { type SimulatedCluster, type SimulatorOptions, startSimulator } from "../../lib/simulator/simulator.ts";
import { loadIdentity } from "../../lib/ssh/identity.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { createApp, dashboardFiles } from "../../routes/_app.ts";

export interface Demo {
  readonly cluster: SimulatedCluster;
  readonly plane: ControlPlane;
  readonly dataDir: string;
  /** `http://<hostname>:<port>` */
  readonly url: string;
  /** POST with a JSON body. */
  post(path: string, body: unknown): Promise<Response>;
  /** Starts a swap and waits until it is settled. */
  swap(model: string, more?: Record<string, unknown>): Promise<SwapJob>;
  /** Ends the control plane and starts another on the same data; the cluster goes on. @param between what is done to the data meanwhile */
  restart(between?: () => void): Promise<void>;
  /** Ends the control plane; the cluster goes on, until `comeBack` or `close`. */
  goAway(): Promise<void>;
  /** After `goAway`: another control plane on the same data and the same port. */
  comeBack(version?: string): Promise<void>;
  /** The same, but all that it knew is lost: only the key and the configuration stay. */
  startAfresh(): Promise<void>;
  close(): Promise<void>;
}

export interface DemoOptions
  extends Partial<SimulatorOptions>,
    Pick<ControlPlaneOptions, "timing" | "ssh" | "outageLastsMs" | "webhookRetryDelaysMs" | "machineTiming"> {
  /** Files of DATA_DIR beside topology.yaml. */
  readonly files?: Readonly<Record<string, string>>;
  readonly topology?: (yaml: string) => string;
  /** services-overrides.yaml, made of the cluster's own. */
  readonly serviceFile?: (yaml: string) => string;
  /** The controller takes the cluster for a real one: its webhooks are sent. */
  readonly takenForReal?: boolean;
  /** It offers the simulated cluster, as a process of its own does where nothing is set up. The switch itself it has not. */
  readonly offersSimulated?: boolean;
  /** What it says of itself; "0.0.0" unless given. */
  readonly version?: string;
  /** Of the controller; empty unless given. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gets every line of the log, from `debug` on; only errors are written, to stderr, when left out. */
  readonly logged?: (line: string) => void;
  /** Where it listens; 127.0.0.1 unless another is named. */
  readonly hostname?: string;
}

/** Of the simulated time to the real one. */
export const SPEED = 300;
/** Before a test's own limit. */
const LONG_SWAP_MS = 50_000;
const LAST_LINES = 20;

/** A control plane on the data of that folder, and where it listens. */
export async function openController(
  dataDir: string,
  options: Partial<ControlPlaneOptions> = {},
  { port: wanted = 0, hostname = "127.0.0.1", simulation = NO_SIMULATION } = {},
) {
  const log = createLogger({ level: "error" });
  const plane = await createControlPlane({
    version: "0.0.0",
    dataDir,
    env: {},
    log,
    simulated: { speed: SPEED },
    ...options,
  });
  const app = createApp(plane, await dashboardFiles(), simulation);
  const { port } = listen(app, { port: wanted, hostname });
  plane.listensOn(port!);
  return { plane, app, port, url: `http://${hostname}:${port}` };
}

/** A test that waits in vain for a swap says where it stood: its limit alone would tell nothing. */
async function orTold({ swaps, swapLog }: ControlPlane, jobId: string): Promise<SwapJob> {
  const long = setTimeout(() => {
    const last = swapLog.readBefore(jobId, Number.MAX_SAFE_INTEGER, LAST_LINES).map(({ line }) => line);
    console.error("a swap is not over yet:", JSON.stringify(swaps.get(jobId)), "\n", last.join("\n"));
  }, LONG_SWAP_MS);
  try {
    return await swaps.settled(jobId);
  } finally {
    clearTimeout(long);
  }
}

export async function startDemo(options: DemoOptions = {}): Promise<Demo> {
  const {
    files = {},
    topology = (yaml) => yaml,
    serviceFile = (yaml) => yaml,
    timing = {},
    outageLastsMs,
    webhookRetryDelaysMs,
    machineTiming,
    env = {},
    ssh = {},
    takenForReal = false,
    offersSimulated = false,
    version: ownVersion = "0.0.0",
    hostname = "127.0.0.1",
    logged,
    ...simulator
  } = options;
  const dataDir = mkdtempSync(join(tmpdir(), "spark-demo-"));
  const { publicKeyLine } = loadIdentity({ folder: dataDir });
  const speed = simulator.speed ?? SPEED;
  const cluster = await startSimulator({ ports: "ephemeral", ...simulator, speed, authorizedKey: publicKeyLine });
  writeFileSync(join(dataDir, "topology.yaml"), topology(cluster.topologyYaml));
  writeFileSync(join(dataDir, "services-overrides.yaml"), serviceFile(cluster.servicesYaml));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dataDir, name), text);

  const open = ({ port = 0, version = ownVersion } = {}) =>
    openController(
      dataDir,
      {
        version,
        env,
        log: createLogger(logged ? { level: "debug", write: logged } : { level: "error" }),
        simulated: takenForReal ? null : { speed },
        timing,
        ...(outageLastsMs === undefined ? {} : { outageLastsMs }),
        ...(webhookRetryDelaysMs === undefined ? {} : { webhookRetryDelaysMs }),
        ...(machineTiming === undefined ? {} : { machineTiming }),
        ssh,
      },
      { port, hostname, simulation: { ...NO_SIMULATION, state: offersSimulated ? "possible" : "impossible" } },
    );
  let now = await open();
  let isAway = false;
  const shut = async () => {
    if (isAway) return;
    isAway = true;
    await now.plane.close("test");
    await now.app.stop(true);
  };
  const reopen = async (how: { port?: number; version?: string } = {}) => {
    now = await open(how);
    isAway = false;
  };
  const post = (path: string, body: unknown) =>
    fetch(now.url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  return {
    cluster,
    dataDir,
    get plane() {
      return now.plane;
    },
    get url() {
      return now.url;
    },
    post,
    async swap(model, more = {}) {
      const response = await post("/api/swap", { model, ...more });
      if (response.status !== 202)
        throw new Error(`POST /api/swap answered ${response.status}: ${await response.text()}`);
      return orTold(now.plane, ((await response.json()) as SwapJob).job_id);
    },
    async restart(between = () => undefined) {
      await shut();
      between();
      await reopen();
    },
    goAway: shut,
    comeBack: (version = ownVersion) => reopen({ version, ...(now.port === undefined ? {} : { port: now.port }) }),
    async startAfresh() {
      await shut();
      for (const name of readdirSync(dataDir)) if (/\.db/.test(name)) rmSync(join(dataDir, name));
      await reopen();
    },
    async close() {
      await shut();
      await cluster.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
