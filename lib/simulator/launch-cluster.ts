/** launch-cluster.sh of spark-vllm-docker, as measured with releases of January ("old") and September 2026 ("new"). */
import type { Container } from "./containers.ts";
import { extraDockerArgs } from "./extra-docker-args.ts";
import type { Invocation, Program } from "./invocation.ts";
import { type Dialect, type LaunchOptions, parseLaunch } from "./launch-options.ts";
import { KILLED } from "./processes.ts";
import { HOME, LAUNCH_DIR, type SimulatedSpark } from "./spark.ts";
import { Ended } from "./speed.ts";
import { runVllm, type VllmRank } from "./vllm-process.ts";

const STOP_SECONDS = 10;
const DOCKER_RUN_SECONDS = 1.5;
const SSH_TIMEOUT_SECONDS = 5;
const STOP_UNREACHABLE_SECONDS = 30;
/** Old releases poll a container that never came up. */
const OLD_WAIT_SECONDS = 63;

class Launch {
  readonly #hosts: readonly SimulatedSpark[];
  #wasRunning = false;

  constructor(
    private readonly call: Invocation,
    private readonly dialect: Dialect,
    private readonly options: LaunchOptions,
  ) {
    this.#hosts = hostsOf(call, options);
  }

  async run(): Promise<number> {
    const { options, call } = this;
    const [head, ...workers] = this.#hosts;
    if (head !== call.spark) {
      return this.#fail(
        `Error: Local IP (${call.spark.address}) is not in the list of nodes (${options.nodes.join(",")}).`,
      );
    }
    this.#say(`Head Node: ${options.nodes[0] ?? call.spark.address}`);
    this.#say(`Worker Nodes: ${options.nodes.slice(1).join(" ")}`);
    this.#say(`Container Name: ${options.container}`);
    this.#say(`Image Name: ${options.image}`);
    this.#say(`Action: ${options.action}`);
    if (options.action === "status") return this.#status();
    if (options.action === "stop") return this.#stopCluster();
    const missing = options.mods.find(
      (mod) => !call.spark.files.isFolder(mod.startsWith("/") ? mod : `${LAUNCH_DIR}/${mod}`),
    );
    if (missing !== undefined) return this.#fail(`Error: Mod path '${missing}' does not exist.`);
    if (!(await this.#reachWorkers(workers))) return 1;
    if (call.spark.faults.strikes("launch_exits_zero", call.spark.name)) return 0;
    const code = await this.#exec();
    // The trap on EXIT; a launcher that was killed has none.
    if (!this.#wasRunning) await this.#stopCluster();
    return code;
  }

  async #exec(): Promise<number> {
    const { options, call } = this;
    this.#wasRunning = this.#findRunning();
    if (!this.#wasRunning) {
      const code = await this.#startContainers();
      if (code !== 0) return code;
    }
    this.#say(`Running on the head: ${options.commandText}`);
    const containers = this.#hosts.map(({ docker }) => docker.find(options.container));
    const head = containers[0];
    if (!head?.running) {
      this.#error(`Error response from daemon: No such container: ${options.container}`);
      return 1;
    }
    const [program, action, ...rest] = options.command;
    if (head.spec.image !== options.image || program !== "vllm" || action !== "serve") {
      this.#error(
        `OCI runtime exec failed: exec failed: unable to start container process: exec: "${program ?? ""}": executable file not found in $PATH: unknown`,
      );
      return 127;
    }
    const code = await this.#vllm(rest, head, containers);
    if (this.#wasRunning && this.dialect === "new" && this.#hosts.length > 1 && code !== 0) this.#killFirstModel();
    return code === KILLED && call.signal.aborted ? Promise.reject(new Ended("killed")) : code;
  }

  /** Runs vLLM in the containers; its output goes where this dialect lets it go. */
  #vllm(argv: readonly string[], head: Container, containers: readonly (Container | undefined)[]): Promise<number> {
    const { call } = this;
    const intoContainers = this.dialect === "new" && this.#hosts.length > 1;
    const ranks: VllmRank[] = this.#hosts.flatMap((spark, at) => {
      const container = containers[at];
      if (!container) return [];
      const toContainer = (text: string) => container.log.append(text);
      // A `docker exec` that was killed loses what comes after.
      const toLauncher = (text: string) => {
        if (!call.signal.aborted) call.stdio.out(text);
      };
      return [{ spark, container: container.id, output: intoContainers || at > 0 ? toContainer : toLauncher }];
    });
    const { exited } = call.spark.processes.spawn(
      { argv: ["/usr/bin/python3", "/usr/local/bin/vllm", "serve", ...argv], container: head.id },
      (self) => runVllm(argv, ranks, self),
    );
    return new Promise((resolve, reject) => {
      call.signal.addEventListener("abort", () => reject(new Ended("killed")));
      void exited.then(resolve);
    });
  }

  async #reachWorkers(workers: readonly SimulatedSpark[]): Promise<boolean> {
    if (workers.length === 0) return true;
    const { call } = this;
    this.#say("Checking SSH connectivity to worker nodes...");
    for (const worker of workers) {
      const denied = call.spark.faults.strikes("worker_ssh_denied", worker.name);
      if (denied || worker.network.state !== "up") {
        if (denied)
          this.#error(`${call.env.USER ?? "spark"}@${worker.address}: Permission denied (publickey,password).`);
        else await call.spark.scheduler.sleep(SSH_TIMEOUT_SECONDS, call.signal);
        this.#say(`Error: Passwordless SSH to ${worker.address} failed.`);
        this.#say("  Please ensure SSH keys are configured and the host is reachable.");
        return false;
      }
      this.#say(`  SSH to ${worker.address}: OK`);
    }
    return true;
  }

  #findRunning(): boolean {
    const { container, nodes } = this.options;
    let running = false;
    this.#hosts.forEach(({ docker }, at) => {
      if (!docker.find(container)?.running) return;
      running = true;
      const role = at === 0 ? "head" : "worker";
      this.#say(`Warning: Container '${container}' is already running on ${role} node (${nodes[at] ?? ""}).`);
    });
    if (running) this.#say("Containers of that name are already running. Skipping launch.");
    return running;
  }

  async #startContainers(): Promise<number> {
    const { options, call } = this;
    for (const [at, spark] of this.#hosts.entries()) {
      this.#say(`Starting ${at === 0 ? "Head" : "Worker"} Node on ${options.nodes[at] ?? spark.address}...`);
      await call.spark.scheduler.sleep(DOCKER_RUN_SECONDS, call.signal);
      if (this.#dockerRun(spark)) continue;
      if (this.dialect === "old") {
        this.#say("Waiting for Ray.");
        await call.spark.scheduler.sleep(OLD_WAIT_SECONDS, call.signal);
        this.#say("Ray did not come up in time.");
        return 1;
      }
      return this.#hosts.length === 1 ? 125 : 1;
    }
    if (this.dialect === "old") {
      this.#say("Waiting for Ray.");
      await call.spark.scheduler.sleep(7, call.signal);
      this.#say("Ray answers on the head.");
    }
    return 0;
  }

  #dockerRun(spark: SimulatedSpark): boolean {
    const { image, container, binds, env } = this.options;
    const extra = extraDockerArgs(this.call.env.VLLM_SPARK_EXTRA_DOCKER_ARGS ?? "");
    if (spark.faults.strikes("image_missing", spark.name) || !spark.docker.imageId(image)) {
      this.#error(`Unable to find image '${image}:latest' locally`);
      this.#error(
        `docker: Error response from daemon: pull access denied for ${image}, repository does not exist or may require 'docker login'`,
      );
      return false;
    }
    const outcome = spark.docker.run({
      name: container,
      image,
      argv: ["sleep", "infinity"],
      env: { ...env, ...extra.env },
      binds: [`${HOME}/.cache/huggingface:/root/.cache/huggingface`, ...binds, ...extra.binds],
      autoRemove: true,
      main: (self) =>
        new Promise((_resolve, reject) => self.signal.addEventListener("abort", () => reject(self.signal.reason))),
    });
    if (outcome.kind === "started") this.#say(outcome.container.id);
    if (outcome.kind === "name_taken") {
      this.#error(
        `docker: Error response from daemon: Conflict. The container name "/${container}" is already in use by container "${outcome.by.id}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    return outcome.kind === "started";
  }

  async #stopCluster(): Promise<number> {
    const { options, call } = this;
    this.#say("\nStopping cluster...");
    for (const [at, spark] of this.#hosts.entries()) {
      this.#say(`Stopping ${at === 0 ? "head" : "worker"} node (${options.nodes[at] ?? spark.address})...`);
      if (at > 0 && spark.network.state !== "up") {
        await call.spark.scheduler.sleep(STOP_UNREACHABLE_SECONDS, call.signal);
        continue;
      }
      const container = spark.docker.find(options.container);
      if (container && !spark.faults.strikes("docker_stop_ineffective", spark.name)) {
        await spark.docker.stop(container, STOP_SECONDS);
      }
    }
    this.#say("Cluster stopped.");
    return 0;
  }

  #status(): number {
    const { container, nodes } = this.options;
    this.#say("Checking status...");
    this.#hosts.forEach((spark, at) => {
      const running = spark.network.state === "up" && spark.docker.find(container)?.running;
      this.#say(
        `[${at === 0 ? "HEAD" : "WORKER"}] ${nodes[at] ?? ""}: Container '${container}' is ${running ? "RUNNING" : "NOT running"}.`,
      );
    });
    return 0;
  }

  /** A sentinel file shared by both launches ends the healthy first model too. */
  #killFirstModel(): void {
    for (const spark of this.#hosts) for (const process of spark.vllmProcesses()) process.kill();
  }

  #say(text: string): void {
    this.call.stdio.out(`${text}\n`);
  }

  #error(text: string): void {
    this.call.stdio.err(`${text}\n`);
  }

  #fail(text: string): number {
    this.#say(text);
    return 1;
  }
}

/** The hosts of `-n`, head first. Where all share one address (no 127.0.0.x), they are taken in order from the head. */
function hostsOf(call: Invocation, { nodes, solo }: LaunchOptions): readonly SimulatedSpark[] {
  if (nodes.length === 0 || (solo && nodes.length < 2)) {
    return nodes.length === 0 || nodes[0] === call.spark.address ? [call.spark] : [];
  }
  const left = [call.spark, ...call.cluster.filter((spark) => spark !== call.spark)];
  return nodes.flatMap((address) => {
    const at = left.findIndex((spark) => spark.address === address);
    return at < 0 ? [] : left.splice(at, 1);
  });
}

export function launchCluster(dialect: Dialect): Program {
  return (call) => {
    const parsed = parseLaunch(call.argv.slice(1), dialect);
    if (parsed.ok) return new Launch(call, dialect, parsed.options).run();
    call.stdio.out(`${parsed.message}\n`);
    return parsed.exitCode;
  };
}
