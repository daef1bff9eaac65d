/**
 * The two Sparks that a bench works on: hosts of the lab where the machine can carry it, else simulated ones in this
 * process. The controller is the real process in both cases and does not know the difference.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SimulatedCluster, startSimulator } from "../../lib/simulator/simulator.ts";
import { loadIdentity } from "../../lib/ssh/identity.ts";
import type { Status } from "../../lib/status.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { removeContainers } from "../lab/launch.ts";
import { vllmProcesses } from "../lab/processes.ts";
import { Controller, type ControllerOptions, makeDataDir } from "../support/controller.ts";
import { until } from "../support/until.ts";

/** Simulated seconds a second: a small model then loads in about 3 s, as in the lab. */
const SIMULATOR_SPEED = 20;

const LAB_MODELS = `models:
  small: { repo: acme/small, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
  other: { repo: acme/other, nodes: 1, gpu_memory_utilization: 0.2, size_gb: 0.5 }
`;

export interface BenchCluster {
  readonly kind: "lab" | "simulated";
  /** Files of DATA_DIR that make the controller know this cluster. */
  readonly files: Readonly<Record<string, string>>;
  /** The controller's variables: production, and a key that may log in. */
  readonly env: Readonly<Record<string, string>>;
  /** Two models that load within seconds, by their keys. */
  readonly models: readonly [string, string];
  /** The head's vLLM, without a trailing slash. */
  readonly vllmUrl: string;
  close(): Promise<void>;
}

export interface LabCluster extends BenchCluster {
  readonly kind: "lab";
  readonly lab: Lab;
  /** Path of the private key in `env`. */
  readonly keyPath: string;
  /** Ends every vLLM and forgets every controller: the next one meets new Sparks. */
  reset(): Promise<void>;
}

/** A folder with a key pair in it. */
function makeKey() {
  const folder = mkdtempSync(join(tmpdir(), "spark-bench-key-"));
  const identity = loadIdentity({ folder });
  const env = { NODE_ENV: "production", SSH_KEY_PATH: identity.path };
  return { ...identity, env, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Needs root and the lab's tools; takes a few seconds. */
export async function openLabCluster(): Promise<LabCluster> {
  const lab = await startLab({ dialect: "new", launchCluster: "" });
  const key = makeKey();
  await lab.authorize(key.publicKeyLine);
  const isWorking = async () =>
    (await Promise.all(lab.hosts.map((host) => vllmProcesses(host)))).some((processes) => processes.length > 0);
  return {
    kind: "lab",
    lab,
    keyPath: key.path,
    files: { "topology.yaml": lab.topologyYaml, "models-overrides.yaml": LAB_MODELS },
    env: key.env,
    models: ["small", "other"],
    vllmUrl: lab.vllmUrl,
    async reset() {
      await removeContainers(lab);
      await until("no vLLM is left", async () => !(await isWorking()), 30_000);
      await Promise.all(lab.hosts.map((host) => host.exec("rm -rf ~/.spark-control")));
    },
    async close() {
      await lab.close();
      key.remove();
    },
  };
}

export interface SimulatedBenchCluster extends BenchCluster {
  readonly kind: "simulated";
  readonly simulator: SimulatedCluster;
}

/** @param speed simulated seconds a second */
export async function openSimulatedCluster(speed = SIMULATOR_SPEED): Promise<SimulatedBenchCluster> {
  const key = makeKey();
  const cluster = await startSimulator({ speed, ports: "ephemeral", authorizedKey: key.publicKeyLine });
  return {
    kind: "simulated",
    simulator: cluster,
    files: { "topology.yaml": cluster.topologyYaml },
    env: key.env,
    models: ["gpt-oss-20b", "qwen3-30b-a3b"],
    vllmUrl: `http://${cluster.nodes[0]?.address}:${cluster.vllmPort}`,
    async close() {
      await cluster.close();
      key.remove();
    },
  };
}

export interface Running {
  readonly controller: Controller;
  /** Ends the controller and removes its data. */
  stop(): Promise<void>;
}

/** A controller with data of its own; resolves when it has seen both nodes. @param files beside those of the cluster */
export async function startController(
  cluster: BenchCluster,
  files: Readonly<Record<string, string>> = {},
  options: Partial<ControllerOptions> = {},
): Promise<Running> {
  const data = makeDataDir({ ...cluster.files, ...files });
  const controller = await Controller.start({ ...options, dataDir: data.dataDir, env: cluster.env });
  const stop = async () => {
    await controller.stop();
    data.remove();
  };
  try {
    await until(
      "the controller has seen both nodes",
      async () => (await controller.get<Status>("/api/status")).nodes.every(({ state }) => state === "reachable"),
      30_000,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { controller, stop };
}
