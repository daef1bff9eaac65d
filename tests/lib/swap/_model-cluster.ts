/**
 * Sparks as a model: containers, vLLM processes, ports, memory, jobs with logs, fences. Small, but faithful in what has
 * bitten: a launcher that was killed leaves its vLLM behind, one that ends runs `docker stop` by name, a launch into a
 * container that is there starts a second vLLM in it.
 */
import { Fault } from "../../../lib/fault.ts";
import { isoTime } from "../../../lib/ids.ts";
import type { JobOrder, NodeView } from "../../../lib/swap/cluster.ts";
import { TOTAL_BYTES } from "./_fixtures.ts";
import type { VirtualClock } from "./_virtual-clock.ts";

/** What the next load, launch or stop runs into; each strikes once. */
export type Mishap =
  | "out_of_memory"
  | "killed_silently"
  | "stuck"
  | "dies_after_ready"
  | "launch_exits_zero"
  | "stop_ineffective";

const SYSTEM_BYTES = 5_000_000_000;
const CONTAINERS_MS = 300;
const VLLM_MS = 300;
const HALF_LOAD_MS = 1_200;
const TRAP_MS = 250;
const HAND_SHARE = 0.3;
const SIGKILLED = 137;
/** In place of a launch's id. */
export const BY_HAND = "by-hand";

export interface Vllm {
  readonly launchId: string;
  readonly model: string;
  readonly port: number;
  readonly share: number;
  readonly container: string;
  readonly nodes: readonly [ModelSpark, ...ModelSpark[]];
  state: "loading" | "serving" | "dead";
  /** It answered a chat at least once. */
  chatted: boolean;
  /** What ended it: `stop` is the controller's `docker stop`, or a launcher's; `hand` a person's; `fault` the world. */
  endedBy: "stop" | "hand" | "fault" | null;
  /** The launcher that waits for its end. */
  readonly onEnd: () => void;
}

interface Job {
  readonly generation: number;
  state: "running" | "exited" | "vanished" | "rebooted";
  exitCode: number | null;
  log: string;
}

interface Container {
  readonly image: string;
  readonly startedAt: string;
  readonly vllms: Set<Vllm>;
}

export class ModelSpark {
  bootId = 1;
  generation = 0;
  awayUntil = 0;
  readonly containers = new Map<string, Container>();
  readonly jobs = new Map<string, Job>();

  constructor(
    readonly name: string,
    readonly address: string,
    private readonly clock: VirtualClock,
  ) {}

  get isAway(): boolean {
    return this.clock.now < this.awayUntil;
  }

  vllms(): Vllm[] {
    return [...this.containers.values()].flatMap(({ vllms }) => [...vllms]);
  }

  get availableBytes(): number {
    const claimed = this.vllms().reduce((sum, { share }) => sum + share * TOTAL_BYTES, SYSTEM_BYTES);
    return TOTAL_BYTES - claimed;
  }

  serving(port: number): Vllm | undefined {
    return this.vllms().find((vllm) => vllm.state === "serving" && vllm.port === port && vllm.nodes[0] === this);
  }

  view({ container, port }: { readonly container: string; readonly port: number }): NodeView {
    const there = this.containers.get(container);
    return {
      bootId: String(this.bootId),
      clockSkewSeconds: 0,
      memory: { totalBytes: TOTAL_BYTES, availableBytes: this.availableBytes },
      portOpen: this.serving(port) !== undefined,
      container: there ? { running: true, image: there.image, startedAt: there.startedAt } : null,
      vllm: [...(there?.vllms ?? [])].map(({ model }) => `python3 /usr/local/bin/vllm serve ${model}`),
      strangers: [],
    };
  }

  /** The fence of every start and stop. */
  admit(generation: number): void {
    if (generation < this.generation)
      throw new Fault("conflict", "fenced", `${this.name} obeys generation ${this.generation}.`, { node: this.name });
    this.generation = generation;
  }
}

export class ModelCluster {
  readonly sparks: readonly ModelSpark[];
  /** Every vLLM that ever ran. */
  readonly started: Vllm[] = [];
  /** What must never happen, and did. */
  readonly violations: string[] = [];
  readonly mishaps: Mishap[] = [];
  /** What was ended by a `docker stop` of the controller, with its generation. */
  readonly stopped: { readonly vllm: Vllm; readonly generation: number }[] = [];

  constructor(
    private readonly clock: VirtualClock,
    names: readonly string[],
  ) {
    this.sparks = names.map((name) => new ModelSpark(name, `10.77.0.${name.replace(/\D/g, "")}`, clock));
  }

  startJob(head: ModelSpark, { id, generation, argv }: JobOrder): void {
    head.admit(generation);
    if (head.jobs.has(id)) return;
    const job: Job = { generation, state: "running", exitCode: null, log: "" };
    head.jobs.set(id, job);
    if (argv[0] === "./launch-cluster.sh") new Launcher(this, this.clock, id, head, job, argv).run();
  }

  killJob(spark: ModelSpark, id: string): void {
    const job = spark.jobs.get(id);
    if (job?.state === "running") job.state = "vanished";
  }

  /** @param generation of the controller's stop; null: a launcher's */
  stopContainer(spark: ModelSpark, name: string, generation: number | null, by: "stop" | "hand" = "stop"): void {
    if (!spark.containers.has(name) || this.strikes("stop_ineffective")) return;
    for (const vllm of [...(spark.containers.get(name)?.vllms ?? [])]) {
      this.end(vllm, by);
      if (generation !== null) this.stopped.push({ vllm, generation });
    }
    spark.containers.delete(name);
  }

  /** Somebody starts a vLLM in the container of a slot: it serves at once, and no launcher waits for its end. */
  startByHand(spark: ModelSpark, { container, port }: { readonly container: string; readonly port: number }): void {
    const vllm: Vllm = {
      ...{ launchId: BY_HAND, model: "acme/by-hand", port, share: HAND_SHARE, container, nodes: [spark] },
      ...{ state: "serving", chatted: false, endedBy: null },
      onEnd: () => void spark.containers.delete(container),
    };
    spark.containers.set(container, { image: "vllm-node", vllms: new Set([vllm]), startedAt: isoTime(this.clock.now) });
    this.started.push(vllm);
  }

  end(vllm: Vllm, by: "stop" | "hand" | "fault"): void {
    if (vllm.state === "dead") return;
    vllm.state = "dead";
    vllm.endedBy = by;
    for (const { containers } of vllm.nodes) containers.get(vllm.container)?.vllms.delete(vllm);
    vllm.onEnd();
  }

  reboot(spark: ModelSpark, downMs: number): void {
    for (const vllm of spark.vllms()) this.end(vllm, "fault");
    spark.containers.clear();
    for (const job of spark.jobs.values()) if (job.state === "running") job.state = "rebooted";
    spark.bootId += 1;
    spark.awayUntil = this.clock.now + downMs;
  }

  strikes(mishap: Mishap): boolean {
    const at = this.mishaps.indexOf(mishap);
    if (at >= 0) this.mishaps.splice(at, 1);
    return at >= 0;
  }
}

/** One run of launch-cluster.sh, and the vLLM that it starts. */
class Launcher {
  readonly #nodes: readonly [ModelSpark, ...ModelSpark[]];
  readonly #container: string;
  #wasRunning = false;

  constructor(
    private readonly cluster: ModelCluster,
    private readonly clock: VirtualClock,
    private readonly id: string,
    head: ModelSpark,
    private readonly job: Job,
    private readonly argv: readonly string[],
  ) {
    const [, ...workers] = this.#option("-n").split(",");
    this.#nodes = [head, ...workers.map((address) => cluster.sparks.find((spark) => spark.address === address)!)];
    this.#container = this.#option("--name");
  }

  run(): void {
    this.#later(CONTAINERS_MS, () => {
      if (this.cluster.strikes("launch_exits_zero")) return this.#exit(0);
      if (this.#nodes.slice(1).some(({ isAway }) => isAway)) return this.#exit(1, "Passwordless SSH to worker failed");
      this.#wasRunning = this.#nodes.some(({ containers }) => containers.has(this.#container));
      if (!this.#wasRunning)
        for (const { containers } of this.#nodes)
          containers.set(this.#container, {
            image: this.#option("-t"),
            vllms: new Set(),
            startedAt: isoTime(this.clock.now),
          });
      this.#later(VLLM_MS, () => this.#startVllm());
    });
  }

  #startVllm(): void {
    const share = Number(this.#option("--gpu-memory-utilization"));
    const containers = this.#nodes.map((node) => node.containers.get(this.#container));
    for (const { name } of this.#nodes.filter(({ containers }) => containers.get(this.#container)?.vllms.size))
      this.cluster.violations.push(`${this.id} starts a second vLLM in ${this.#container} on ${name}`);
    const isShort = this.#nodes.some(({ availableBytes }) => availableBytes < share * TOTAL_BYTES);
    if (isShort)
      this.job.log += "ValueError: Free memory on device cuda:0 is less than desired GPU memory utilization\n";
    if (isShort || containers.includes(undefined)) {
      this.#trap(1);
      return;
    }
    const vllm: Vllm = {
      launchId: this.id,
      model: this.argv[this.argv.indexOf("serve") + 1]!.replaceAll("'", ""),
      port: Number(this.#option("--port")),
      share,
      container: this.#container,
      nodes: this.#nodes,
      state: "loading",
      chatted: false,
      endedBy: null,
      // It sits in `docker exec` until then.
      onEnd: () => this.#trap(vllm.endedBy === "fault" ? 1 : SIGKILLED),
    };
    for (const container of containers) container?.vllms.add(vllm);
    this.cluster.started.push(vllm);
    this.job.log += "vLLM API server version 0.11\n";
    this.#load(vllm);
  }

  #load(vllm: Vllm): void {
    const whileAlive = (milliseconds: number, run: () => void) =>
      this.clock.after(milliseconds, () => {
        if (vllm.state !== "dead") run();
      });
    whileAlive(HALF_LOAD_MS, () => {
      this.job.log += "Loading safetensors checkpoint shards:  50% Completed\n";
      if (this.cluster.strikes("stuck")) return;
      if (this.cluster.strikes("killed_silently")) return this.cluster.end(vllm, "fault");
      if (this.cluster.strikes("out_of_memory")) {
        this.job.log += "torch.OutOfMemoryError: CUDA out of memory.\n";
        return this.cluster.end(vllm, "fault");
      }
      whileAlive(HALF_LOAD_MS, () => {
        vllm.state = "serving";
        this.job.log += "Application startup complete.\n";
        if (this.cluster.strikes("dies_after_ready")) whileAlive(900, () => this.cluster.end(vllm, "fault"));
      });
    });
  }

  /** `docker stop` by name, whatever runs in it by then. */
  #trap(code: number): void {
    this.#later(TRAP_MS, () => {
      if (!this.#wasRunning) for (const node of this.#nodes) this.cluster.stopContainer(node, this.#container, null);
      this.#exit(code);
    });
  }

  #exit(code: number, words = ""): void {
    this.job.log += words === "" ? "" : `${words}\n`;
    this.job.state = "exited";
    this.job.exitCode = code;
  }

  /** Only while the launcher lives: SIGKILL runs no trap. */
  #later(milliseconds: number, run: () => void): void {
    this.clock.after(milliseconds, () => {
      if (this.job.state === "running") run();
    });
  }

  #option(name: string): string {
    return this.argv[this.argv.indexOf(name) + 1]!.replaceAll("'", "");
  }
}
