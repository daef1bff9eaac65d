/** A `SparkControl` that speaks real SSH to the simulated cluster. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeHostKey } from "../../../lib/simulator/host-key.ts";
import { type SimulatedCluster, type SimulatorOptions, startSimulator } from "../../../lib/simulator/simulator.ts";
import { createSparkControl } from "../../../lib/spark/spark-control.ts";
import { SparkSsh } from "../../../lib/spark/spark-ssh.ts";
import { createSsh } from "../../../lib/ssh/connection-pool.ts";
import { createDetachedJobs } from "../../../lib/ssh/detached-jobs.ts";
import { fencedStop, readFence } from "../../../lib/ssh/fence.ts";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import type { Ssh } from "../../../lib/ssh/ssh.ts";
import type { SparkControl } from "../../../lib/swap/cluster.ts";
import type { Node } from "../../../lib/topology/topology.ts";

const KEY = makeHostKey();
export const INSTANCE = "0191d9c4-0000-7000-8000-00000000a11c";
const DEADLINE_MS = 20_000;

/** @param now milliseconds since the epoch */
export function controlOver(ssh: Ssh, instance = INSTANCE, now: () => number = Date.now): SparkControl {
  return createSparkControl({
    ssh: new SparkSsh(ssh, DEADLINE_MS),
    jobs: createDetachedJobs(ssh),
    fences: {
      read: (target, call) => readFence(ssh, target, call),
      stop: (target, order, call) => fencedStop(ssh, target, order, call),
    },
    instance,
    deadlineMs: DEADLINE_MS,
    stopGraceSeconds: 1,
    now,
  });
}

export class Sparks implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "spark-control-"));
  readonly ssh: Ssh;
  readonly control: SparkControl;
  readonly place: { readonly container: string; readonly port: number };

  private constructor(readonly cluster: SimulatedCluster) {
    this.ssh = createSsh({
      privateKey: KEY.privateText,
      hostKeys: openHostKeys({ file: join(this.#folder, "known_hosts.json") }),
      backoff: { firstMs: 1, maxMs: 5 },
    });
    this.control = controlOver(this.ssh);
    this.place = { container: "vllm_node", port: cluster.vllmPort };
  }

  static async start(options: Partial<SimulatorOptions> = {}): Promise<Sparks> {
    return new Sparks(
      await startSimulator({ speed: 2_000, authorizedKey: KEY.publicText, services: false, ...options }),
    );
  }

  /** @param index 0 is the head */
  node(index: number, given: Partial<Node> = {}): Node {
    const { name, address, sshPort } = this.cluster.nodes[index]!;
    return {
      status: "configured",
      name,
      host: address,
      user: "spark",
      ssh_port: sshPort,
      address: null,
      launch_dir: "~/spark-vllm-docker",
      eth_if: null,
      ib_if: null,
      ...given,
    };
  }

  /** What the controller starts to load a model on the first `nodes` Sparks. */
  launchWords(model: string, nodes = 1): [string, ...string[]] {
    const addresses = this.cluster.nodes.slice(0, nodes).map(({ address }) => address);
    const place = [
      "-n",
      addresses.join(","),
      ...(nodes === 1 ? ["--solo"] : []),
      "-t",
      "vllm-node",
      "--name",
      this.place.container,
    ];
    return ["./launch-cluster.sh", ...place, "exec", "vllm", "serve", model, "--port", String(this.place.port)];
  }

  /** Resolves once the model answers. */
  serves(): Promise<void> {
    return this.cluster.until(({ nodes, vllmPort }) => nodes[0]!.listeningPorts().includes(vllmPort));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ssh.close();
    await this.cluster.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
