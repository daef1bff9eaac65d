/** One simulated Spark: everything that survives or dies with the host. */
import { randomUUID } from "node:crypto";
import type { Changes } from "./changes.ts";
import { type Container, Docker } from "./containers.ts";
import { CpuCounters } from "./cpu.ts";
import type { FaultBook } from "./faults.ts";
import { VirtualFiles } from "./files.ts";
import { type HostKey, makeHostKey } from "./host-key.ts";
import { JobRoot } from "./jobs.ts";
import { Network } from "./network.ts";
import { PortTable } from "./ports.ts";
import { ProcessTable, type VirtualProcess } from "./processes.ts";
import type { Scheduler } from "./speed.ts";

/** 128 GB of unified memory as /proc/meminfo of a Spark shows it (about 119.7 GiB). */
export const MEMORY_TOTAL_KB = 125_500_000;
/** What the system itself takes. */
const SYSTEM_KB = 4_300_000;
/** From the end of a shutdown to sshd's answer. */
export const BOOT_SECONDS = 45;
export const USER = "spark";
export const HOME = `/home/${USER}`;
export const LAUNCH_DIR = `${HOME}/spark-vllm-docker`;
export const LAUNCH_SCRIPT = `${LAUNCH_DIR}/launch-cluster.sh`;

export interface SparkOptions {
  readonly name: string;
  readonly index: number;
  readonly address: string;
  readonly scheduler: Scheduler;
  readonly changes: Changes;
  readonly faults: FaultBook;
}

export class SimulatedSpark {
  readonly name: string;
  readonly index: number;
  readonly address: string;
  readonly scheduler: Scheduler;
  readonly changes: Changes;
  readonly faults: FaultBook;
  readonly network: Network;
  readonly ports: PortTable;
  readonly processes: ProcessTable;
  readonly docker: Docker;
  readonly files = new VirtualFiles();
  readonly jobs = new JobRoot();
  readonly cpu = new CpuCounters();
  /** Models whose torch.compile cache is warm. */
  readonly compiled = new Set<string>();
  sshPort = 0;
  /** Whether sshd's port is open at this moment. */
  sshListening = false;
  bootId: string = randomUUID();
  bootedAt = Date.now();
  /** Added to the true time, in seconds. */
  clockOffsetSeconds = 0;
  hostKey: HostKey = makeHostKey();
  readonly #hostKeyWatchers: (() => void)[] = [];
  #closing = false;

  constructor(options: SparkOptions) {
    this.name = options.name;
    this.index = options.index;
    this.address = options.address;
    this.scheduler = options.scheduler;
    this.changes = options.changes;
    this.faults = options.faults;
    this.network = new Network(this.changes);
    this.ports = new PortTable(this.address, this.network, this.changes);
    this.processes = new ProcessTable(this.changes);
    this.docker = new Docker(this.processes, this.scheduler, this.changes);
  }

  now(): Date {
    return new Date(Date.now() + this.clockOffsetSeconds * 1000);
  }

  get memoryAvailableKb(): number {
    const used = this.processes.all().reduce((sum, process) => sum + process.memoryKb, SYSTEM_KB);
    return Math.max(0, MEMORY_TOTAL_KB - Math.round(used));
  }

  /** The processes that serve a model or take part in it, API servers first. */
  vllmProcesses(): readonly VirtualProcess[] {
    return this.processes
      .all()
      .filter(({ argv, container }) => container !== null && argv[1]?.endsWith("/vllm") && argv[2] === "serve");
  }

  containers(): readonly Container[] {
    return this.docker.all();
  }

  /** TCP ports in LISTEN, ascending. */
  listeningPorts(): readonly number[] {
    return [...this.ports.listening(), ...(this.sshListening ? [this.sshPort] : [])].sort((a, b) => a - b);
  }

  /** New host key, as after a reinstallation. */
  rotateHostKey(): void {
    this.hostKey = makeHostKey();
    for (const watcher of this.#hostKeyWatchers) watcher();
  }

  onHostKeyChange(watcher: () => void): void {
    this.#hostKeyWatchers.push(watcher);
  }

  /** Power loss: processes and `--rm` containers are gone; up again with a new boot id. */
  reboot(downSeconds: number): void {
    this.network.set("down");
    this.bootId = randomUUID();
    const restarting = this.docker.all().filter(({ spec, running }) => running && spec.restarts);
    this.processes.killAll();
    for (const container of this.docker.all()) if (container.spec.autoRemove) this.docker.remove(container);
    this.scheduler.after(downSeconds, () => {
      if (this.#closing) return;
      this.bootedAt = Date.now();
      for (const container of restarting) this.docker.start(container);
      this.network.set("up");
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.processes.killAll();
    await this.ports.close();
  }
}
