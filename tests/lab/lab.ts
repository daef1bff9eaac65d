/**
 * Two Sparks on one machine: network namespaces on a bridge, each with its own processes, OpenSSH, containers and
 * launch script. A controller that runs outside reaches them at `hosts[i].address`, SSH on port 22, vLLM on 8888.
 */
import { appendFile, chmod, cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Host } from "./host.ts";
import { ensureImage, IMAGE_NAME } from "./image.ts";
import { cgroupName, clear, own, sweep } from "./leftovers.ts";
import { claimBridge, controllerAddress, ETHERNET, hostAddress } from "./network.ts";
import type { BehaviourFile } from "./vllm/behaviour.ts";

const HERE = import.meta.dir;
const USER = "alice";
const LAUNCH_DIR = "spark-vllm-docker";

export const VLLM_PORT = 8888;
export const CONTAINER = "vllm_node";

/** old: joins its arguments, uses Ray. new: keeps them, knows `--solo`, needs an action. */
export type Dialect = "old" | "new";

export interface LabOptions {
  readonly dialect: Dialect;
  /** A launch script to install instead, with the folder it lies in. Default: the variable LAUNCH_CLUSTER. */
  readonly launchCluster?: string | undefined;
  /** Seconds that the old script waits for its Ray at most, and a twelfth of them once it is up. Default 12; really 60. */
  readonly waitSeconds?: number;
  /** Grace of a `docker stop` without `-t`. vLLM never uses it to end: shorter only saves time. Default 10, as Docker's. */
  readonly stopSeconds?: number;
  /** Where built images are kept. */
  readonly imageCache?: string;
}

export interface Lab {
  /** Head first. */
  readonly hosts: readonly [Host, Host];
  readonly head: Host;
  readonly worker: Host;
  /** The controller's address as the hosts see it. */
  readonly controllerAddress: string;
  /** For `DATA_DIR/topology.yaml`. */
  readonly topologyYaml: string;
  /** The head's API, without a trailing slash. */
  readonly vllmUrl: string;
  /** Path of the launch script on the hosts. */
  readonly launchScript: string;
  /** How models behave from their next start on, on both hosts; replaces what was set before. */
  behave(behaviour: BehaviourFile): Promise<void>;
  /** Lets a key log in on both hosts. */
  authorize(publicKeyLine: string): Promise<void>;
  /** Ends both hosts and removes everything. May be called twice. */
  close(): Promise<void>;
}

async function installLaunchScript(host: Host, options: LabOptions): Promise<void> {
  const target = host.homeFile(LAUNCH_DIR);
  const foreign = options.launchCluster ?? process.env.LAUNCH_CLUSTER;
  const script = join(target, "launch-cluster.sh");
  await mkdir(target, { recursive: true });
  if (foreign) await cp(dirname(foreign), target, { recursive: true, filter: (path) => !path.endsWith("/.git") });
  await Bun.write(script, Bun.file(foreign || join(HERE, "launch-cluster", `${options.dialect}.sh`)));
  await chmod(script, 0o755);
}

async function introduce(head: Host, worker: Host): Promise<void> {
  await worker.authorize(await head.publicKey());
  const known = `${worker.name},${worker.address} ${await worker.hostKey()}\n`;
  await appendFile(head.homeFile(".ssh/known_hosts"), known);
}

function topologyOf(hosts: readonly Host[]): string {
  const nodes = hosts.map(
    (host) => `  - name: ${host.name}
    host: ${host.address}
    user: ${host.user}
    ssh_port: ${host.sshPort}
    address: ${host.address}
    launch_dir: ~/${LAUNCH_DIR}
    eth_if: ${ETHERNET}
    ib_if: rocep1s0f1
`,
  );
  return `nodes:
${nodes.join("")}slots:
  - name: main
    nodes: [${hosts.map((host) => host.name).join(", ")}]
    port: ${VLLM_PORT}
    container: ${CONTAINER}
    image: ${IMAGE_NAME}
`;
}

/** Builds the image if need be, boots both hosts and resolves when they answer. Takes a few seconds; needs root. */
export async function startLab(options: LabOptions): Promise<Lab> {
  await sweep();
  const images = await ensureImage(options.imageCache);
  const subnet = await claimBridge();
  const folder = await own(subnet);
  const environment = {
    LAB_WAIT_SECONDS: String(options.waitSeconds ?? 12),
    LAB_STOP_SECONDS: String(options.stopSeconds ?? 10),
  };
  const make = (number: number) => {
    const name = `spark-${number}`;
    return new Host({
      name,
      number,
      subnet,
      user: USER,
      disk: join(folder, name),
      images,
      cgroup: cgroupName(subnet, number),
      environment,
    });
  };
  const head = make(1);
  const worker = make(2);
  const hosts = [head, worker] as const;
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await Promise.all(hosts.map((host) => host.powerLoss()));
    await clear(subnet);
  };
  try {
    const names = [1, 2].map((number) => `${hostAddress(subnet, number)} spark-${number}\n`).join("");
    await Promise.all(
      hosts.map(async (host) => {
        await host.install(names);
        await installLaunchScript(host, options);
      }),
    );
    await introduce(head, worker);
    await Promise.all(hosts.map((host) => host.boot()));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    hosts,
    head,
    worker,
    controllerAddress: controllerAddress(subnet),
    topologyYaml: topologyOf(hosts),
    vllmUrl: `http://${head.address}:${VLLM_PORT}`,
    launchScript: `${head.home}/${LAUNCH_DIR}/launch-cluster.sh`,
    behave: async (behaviour) => {
      for (const host of hosts)
        await Bun.write(host.homeFile(".cache/huggingface/lab.json"), JSON.stringify(behaviour));
    },
    authorize: async (publicKeyLine) => {
      for (const host of hosts) await host.authorize(publicKeyLine);
    },
    close,
  };
}
