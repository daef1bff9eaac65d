/** One `vllm serve` of the simulated cluster: start-up, memory, port, death. */
import { isMounted } from "./extra-docker-args.ts";
import type { FaultBook } from "./faults.ts";
import { shardCount, startSeconds, weightsGb } from "./model-sizes.ts";
import type { BoundPort, HttpHandler } from "./ports.ts";
import type { VirtualProcess } from "./processes.ts";
import { MEMORY_TOTAL_KB, type SimulatedSpark } from "./spark.ts";
import { Timeline } from "./speed.ts";
import { VllmApi } from "./vllm-api.ts";
import { argumentError, parseVllmArguments, type VllmArguments } from "./vllm-arguments.ts";
import {
  addressInUse,
  engineCoreFailed,
  engineDied,
  noCacheBlocks,
  noSuchModel,
  notEnoughFree,
  outOfMemory,
  workerLost,
} from "./vllm-failures.ts";
import { apiPrefix, type StartPlan, startSteps } from "./vllm-log.ts";

const KB_PER_GIB = 2 ** 20;
const KB_PER_GB = 1e9 / 1024;
const IMPORT_SECONDS = 3;
const READY = 101;
/** Where a fault of a load strikes that names no moment. */
const USUAL_PERCENT = 50;

/** A host's part in a vLLM: where its process runs and its output goes. */
export interface VllmRank {
  readonly spark: SimulatedSpark;
  /** Id of the container. */
  readonly container: string;
  readonly output: (text: string) => void;
}

/** Exit code with last words, thrown inside a start. */
class Died extends Error {
  constructor(
    readonly words: string,
    readonly code = 1,
  ) {
    super(words);
  }
}

class VllmRun {
  readonly #head: VllmRank;
  readonly #spark: SimulatedSpark;
  readonly #faults: FaultBook;
  readonly #plan: StartPlan;
  readonly #line: Timeline;
  #bound: BoundPort | undefined;

  /** @param engines one process a rank, in the order of `ranks` */
  constructor(
    readonly args: VllmArguments,
    readonly ranks: readonly VllmRank[],
    readonly engines: readonly VirtualProcess[],
    readonly process: VirtualProcess,
  ) {
    this.#head = ranks[0]!;
    this.#spark = this.#head.spark;
    this.#faults = this.#spark.faults;
    const gigabytes = weightsGb(args.model);
    this.#plan = {
      arguments: args,
      apiPid: process.pid,
      enginePid: engines[0]!.pid,
      gigabytes,
      shards: shardCount(gigabytes),
      seconds: startSeconds(gigabytes),
      compiled: this.#spark.compiled.has(args.model),
      kvTokens: this.#kvTokens(gigabytes),
      clock: () => this.#spark.now(),
    };
    this.#line = new Timeline(this.#spark.scheduler, process.signal);
  }

  async run(): Promise<number> {
    this.#spark.processes.onExit(this.process, () => this.#cleanUp());
    try {
      await this.#start();
      return await this.#serve();
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      if (error.words) this.#head.output(error.words);
      return error.code;
    } finally {
      this.#cleanUp();
    }
  }

  async #start(): Promise<void> {
    await this.#line.wait(IMPORT_SECONDS);
    const { model } = this.args;
    if (!this.#modelIsThere(model)) throw new Died(noSuchModel(this.#plan, model));
    this.#bound = this.#spark.ports.bind(this.args.port);
    if (!this.#bound) throw new Died(addressInUse(this.#plan));
    for (const step of startSteps(this.#plan)) {
      await this.#line.wait(step.seconds);
      this.#requireEngines();
      if (step.beforeMemory) this.#checkFreeMemory();
      this.#head.output(step.text);
      for (const { output } of this.ranks.slice(1)) if (step.weights !== undefined) output(step.text);
      if (step.weights !== undefined) await this.#weightsReached(step.weights);
      if (step.allMemory) this.#takeAllMemory();
    }
    this.#spark.compiled.add(model);
  }

  /** A directory must be on every node and mounted into the container; a repository must look like one. */
  #modelIsThere(model: string): boolean {
    if (!model.startsWith("/")) return /^[\w.-]+\/[\w.-]+$/.test(model);
    return this.ranks.every(({ spark, container }) => {
      const binds = spark.docker.find(container)?.spec.binds ?? [];
      return spark.files.isFolder(model) && isMounted(model, binds);
    });
  }

  async #serve(): Promise<number> {
    const api = new VllmApi(this.args, this.#spark.scheduler);
    this.#listen((request) => api.answer(request));
    this.#head.output(`${apiPrefix(this.#plan)}INFO:     Application startup complete.\n`);
    this.#faults.loadReached(this.#nodeNames(), READY);
    const dying = this.#faults.takeInLoad("dies_after_ready", this.#nodeNames(), READY, () => READY);
    if (dying) {
      await this.#spark.scheduler.sleep(dying.seconds ?? 1, this.process.signal);
      throw new Died(engineDied(this.#plan));
    }
    await this.#engineLost();
    throw new Died(workerLost(this.#plan));
  }

  #listen(handler: HttpHandler): void {
    try {
      this.#bound?.listen(handler);
    } catch {
      // Something outside the simulation took the port in the meantime.
      throw new Died(addressInUse(this.#plan));
    }
  }

  /** As vLLM does before it allocates anything. */
  #checkFreeMemory(): void {
    const { memoryUtilization: share } = this.args;
    const totalGib = MEMORY_TOTAL_KB / KB_PER_GIB;
    for (const { spark } of this.ranks) {
      const freeKb = spark.memoryAvailableKb;
      if (freeKb < MEMORY_TOTAL_KB * share) {
        throw new Died(notEnoughFree(this.#plan, freeKb / KB_PER_GIB, totalGib, share));
      }
    }
    for (const engine of this.engines) engine.usesGpu = true;
  }

  async #weightsReached(share: number): Promise<void> {
    const percent = share * 100;
    const names = this.#nodeNames();
    const weightsKb = this.#plan.gigabytes * KB_PER_GB * share;
    for (const engine of this.engines) engine.memoryKb = weightsKb / this.ranks.length;
    this.#spark.changes.notify();
    this.#faults.loadReached(names, percent);
    if (weightsKb > this.#limitKb * this.ranks.length) throw new Died(outOfMemory(this.#plan));
    const memory = this.#faults.takeInLoad("out_of_memory", names, percent, (fault) =>
      fault.variant === "free_memory" ? 0 : USUAL_PERCENT,
    );
    if (memory?.variant === "free_memory") {
      throw new Died(notEnoughFree(this.#plan, 11.07, MEMORY_TOTAL_KB / KB_PER_GIB, this.args.memoryUtilization));
    }
    if (memory) throw new Died(outOfMemory(this.#plan));
    if (this.#faults.takeInLoad("engine_core_failed", names, percent, () => 0))
      throw new Died(engineCoreFailed(this.#plan));
    if (this.#faults.takeInLoad("killed_silently", names, percent, () => USUAL_PERCENT)) this.process.kill();
    if (this.#faults.takeInLoad("progress_stuck", names, percent, (fault) => fault.percent))
      await untilKilled(this.process);
  }

  get #limitKb(): number {
    return MEMORY_TOTAL_KB * this.args.memoryUtilization;
  }

  #takeAllMemory(): void {
    const needed = (this.#plan.gigabytes * KB_PER_GB) / this.ranks.length;
    if (needed > this.#limitKb * 0.98) throw new Died(noCacheBlocks(this.#plan));
    for (const engine of this.engines) engine.memoryKb = this.#limitKb;
    this.#spark.changes.notify();
  }

  #kvTokens(gigabytes: number): number {
    const freeKb = this.#limitKb * this.ranks.length - gigabytes * KB_PER_GB;
    return Math.max(16_384, Math.round((freeKb / KB_PER_GIB) * 9000));
  }

  #nodeNames(): string[] {
    return this.ranks.map(({ spark }) => spark.name);
  }

  #requireEngines(): void {
    if (this.engines.some(({ alive }) => !alive)) throw new Died(workerLost(this.#plan));
  }

  /** Resolves when an engine of any rank is gone. */
  #engineLost(): Promise<void> {
    return new Promise((resolve) => {
      this.engines.forEach((engine, rank) => {
        this.ranks[rank]!.spark.processes.onExit(engine, resolve);
      });
    });
  }

  /** The engine on the head is a child; those on workers live until their container is stopped. */
  #cleanUp(): void {
    this.#bound?.release();
    this.engines[0]?.kill();
  }
}

function untilKilled(process: VirtualProcess): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (process.signal.aborted) reject(process.signal.reason);
    process.signal.addEventListener("abort", () => reject(process.signal.reason));
  });
}

/**
 * The body of a `vllm serve` process in the first rank's container.
 * @param argv what follows `vllm serve`
 * @returns its exit code: 2 for bad arguments, 1 when it dies, 137 when killed
 */
export async function runVllm(
  argv: readonly string[],
  ranks: readonly VllmRank[],
  process: VirtualProcess,
): Promise<number> {
  const parsed = parseVllmArguments(argv);
  if (!parsed.ok) {
    ranks[0]!.output(argumentError(parsed.message));
    return 2;
  }
  const program = ["/usr/bin/python3", "/usr/local/bin/vllm", "serve", ...argv, "--headless"];
  const engines = ranks.map(
    ({ spark, container }, rank) =>
      spark.processes.spawn({ argv: rank === 0 ? ["VLLM::EngineCore"] : program, container }, untilKilled).process,
  );
  return new VllmRun(parsed.arguments, ranks, engines, process).run();
}
