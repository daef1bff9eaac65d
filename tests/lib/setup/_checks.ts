/** Checks of simulated Sparks, each login already confirmed unless told otherwise. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CheckId, CheckResult } from "../../../lib/setup/check.ts";
import { type Checker, checkSparks, checksOf } from "../../../lib/setup/check-sparks.ts";
import { createShownKeys, type ShownKeys } from "../../../lib/setup/shown-keys.ts";
import { makeHostKey } from "../../../lib/simulator/host-key.ts";
import { type SimulatedCluster, type SimulatorOptions, startSimulator } from "../../../lib/simulator/simulator.ts";
import { type HostKeys, openHostKeys } from "../../../lib/ssh/host-keys.ts";
import type { Node } from "../../../lib/topology/topology.ts";

const KEY = makeHostKey();
export const INSTANCE = "0191d9c4-0000-7000-8000-00000000a11c";

export class Checks implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "spark-setup-"));
  readonly hostKeys: HostKeys = openHostKeys({ file: join(this.#folder, "known_hosts.json") });
  readonly keys: ShownKeys = createShownKeys(this.hostKeys);
  nodes: readonly Node[];
  /** In the order in which they came. */
  results: CheckResult[] = [];

  private constructor(readonly cluster: SimulatedCluster) {
    this.nodes = cluster.nodes.map(({ name, address, sshPort }) => ({
      status: "configured",
      name,
      host: address,
      user: "spark",
      ssh_port: sshPort,
      address: null,
      launch_dir: "~/spark-vllm-docker",
      eth_if: null,
      ib_if: null,
    }));
  }

  static async start(options: Partial<SimulatorOptions> & { confirmed?: boolean } = {}): Promise<Checks> {
    const { confirmed = true, ...simulator } = options;
    const cluster = await startSimulator({
      speed: 2_000,
      authorizedKey: KEY.publicText,
      services: false,
      ...simulator,
    });
    const checks = new Checks(cluster);
    if (confirmed) checks.trust();
    return checks;
  }

  /** Trusts the keys that the Sparks have now. */
  trust(): void {
    for (const { address, sshPort, hostKey } of this.cluster.nodes)
      this.hostKeys.pin(address, sshPort, Buffer.from(hostKey.publicText.split(" ")[1]!, "base64"));
  }

  change(index: number, over: Partial<Node>): void {
    this.nodes = this.nodes.map((node, at) => (at === index ? { ...node, ...over } : node));
  }

  /** @returns one result a check of each Spark, and fails when one came twice or not at all */
  async run(over: { image?: string; checker?: Partial<Checker>; signal?: AbortSignal } = {}): Promise<CheckResult[]> {
    const checker = {
      privateKey: KEY.privateText,
      publicKeyLine: `${KEY.publicText} spark-control`,
      keys: this.keys,
      instance: INSTANCE,
      now: Date.now,
      ssh: { readyTimeoutMs: 2_500 },
      ...over.checker,
    };
    this.results = [];
    const order = { nodes: this.nodes, image: over.image ?? "vllm-node" };
    const signal = over.signal ?? new AbortController().signal;
    await checkSparks(order, checker, (result) => this.results.push(result), signal);
    if (!signal.aborted) {
      const came = this.results.map(({ node, check }) => `${node} ${check}`).sort();
      const wanted = this.nodes.flatMap(({ name }, index) => checksOf(index).map((check) => `${name} ${check}`)).sort();
      if (JSON.stringify(came) !== JSON.stringify(wanted)) throw new Error(`came: ${came}; wanted: ${wanted}`);
    }
    return this.results;
  }

  of(node: string, check: CheckId): CheckResult {
    const found = this.results.find((result) => result.node === node && result.check === check);
    if (!found) throw new Error(`no result of ${check} of ${node}`);
    return found;
  }

  /** `spark-1 docker` of everything that is not ok. */
  get troubles(): string[] {
    return this.results
      .filter(({ state }) => state !== "ok")
      .map(({ node, check, state }) => `${node} ${check} ${state}`)
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
