/** The whole product on a simulated cluster, in this process: real SSH, real HTTP, on ephemeral ports. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ControlPlane, type ControlPlaneOptions, createControlPlane } from "../../lib/control-plane.ts";
import { listen } from "../../lib/http/listen.ts";
import { createLogger } from "../../lib/log.ts";
import { type SimulatedCluster, type SimulatorOptions, startSimulator } from "../../lib/simulator/simulator.ts";
import { loadIdentity } from "../../lib/ssh/identity.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { createApp, dashboardFiles } from "../../routes/_app.ts";

export interface Demo {
  readonly cluster: SimulatedCluster;
  readonly plane: ControlPlane;
  readonly dataDir: string;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** POST with a JSON body. */
  post(path: string, body: unknown): Promise<Response>;
  /** Starts a swap and waits until it is settled. */
  swap(model: string, more?: Record<string, unknown>): Promise<SwapJob>;
  /** Ends the control plane and starts another on the same data; the cluster goes on. */
  restart(): Promise<void>;
  /** The same, but all that it knew is lost: only the key and the configuration stay. */
  startAfresh(): Promise<void>;
  close(): Promise<void>;
}

export interface DemoOptions extends Partial<SimulatorOptions>, Pick<ControlPlaneOptions, "timing" | "ssh"> {
  /** Files of DATA_DIR beside topology.yaml. */
  readonly files?: Readonly<Record<string, string>>;
  readonly topology?: (yaml: string) => string;
  /** The controller takes the cluster for a real one: its webhooks are sent. */
  readonly takenForReal?: boolean;
}

const SPEED = 300;

export async function startDemo(options: DemoOptions = {}): Promise<Demo> {
  const { files = {}, topology = (yaml) => yaml, timing = {}, ssh = {}, takenForReal = false, ...simulator } = options;
  const dataDir = mkdtempSync(join(tmpdir(), "spark-demo-"));
  const { publicKeyLine } = loadIdentity({ folder: dataDir });
  const speed = simulator.speed ?? SPEED;
  const cluster = await startSimulator({ ports: "ephemeral", ...simulator, speed, authorizedKey: publicKeyLine });
  writeFileSync(join(dataDir, "topology.yaml"), topology(cluster.topologyYaml));
  writeFileSync(join(dataDir, "services-overrides.yaml"), cluster.servicesYaml);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dataDir, name), text);

  const open = async () => {
    const log = createLogger({ level: "error" });
    const plane = await createControlPlane({
      version: "0.0.0",
      dataDir,
      env: {},
      log,
      simulated: takenForReal ? null : { speed },
      timing,
      ssh,
    });
    const app = createApp(plane, await dashboardFiles(plane.simulated));
    const { port } = listen(app, { port: 0, hostname: "127.0.0.1" });
    plane.listensOn(port!);
    return { plane, app, url: `http://127.0.0.1:${port}` };
  };
  let now = await open();
  const shut = async () => {
    await now.plane.close("test");
    await now.app.stop(true);
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
      return now.plane.swaps.settled(((await response.json()) as SwapJob).job_id);
    },
    async restart() {
      await shut();
      now = await open();
    },
    async startAfresh() {
      await shut();
      for (const name of readdirSync(dataDir)) if (/\.db/.test(name)) rmSync(join(dataDir, name));
      now = await open();
    },
    async close() {
      await shut();
      await cluster.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
