/**
 * One history of the swap engine: commands, faults, and the real engine with its real effects between them, on a store in
 * memory and the model of the Sparks. What must hold is looked at after every event; at the end, with all faults gone, the
 * history must come to rest with everything true.
 */
import { Fault } from "../../../lib/fault.ts";
import { isoTime } from "../../../lib/ids.ts";
import { quote } from "../../../lib/ssh/quote.ts";
import { openDatabase } from "../../../lib/store/database.ts";
import { FACTS, TELEMETRY } from "../../../lib/store/migrations.ts";
import { TelemetryWriter } from "../../../lib/store/telemetry-writer.ts";
import { cleanUp } from "../../../lib/swap/effects/clean-up.ts";
import { drain } from "../../../lib/swap/effects/drain.ts";
import { follow } from "../../../lib/swap/effects/follow.ts";
import { createLaunch } from "../../../lib/swap/effects/launch.ts";
import { look } from "../../../lib/swap/effects/look.ts";
import { prepare } from "../../../lib/swap/effects/prepare.ts";
import { stop } from "../../../lib/swap/effects/stop.ts";
import { verify } from "../../../lib/swap/effects/verify.ts";
import { SwapEngine } from "../../../lib/swap/engine.ts";
import type { EffectBodies } from "../../../lib/swap/run-services.ts";
import { SETTLED, type SwapJob } from "../../../lib/swap/swap.ts";
import { SwapLog } from "../../../lib/swap/swap-log.ts";
import { SwapStore } from "../../../lib/swap/swap-store.ts";
import type { Slot } from "../../../lib/topology/topology.ts";
import { aTopology, OPEN_GATE, SETTINGS } from "./_fixtures.ts";
import { type Mishap, ModelCluster } from "./_model-cluster.ts";
import { FaultPlan, type Link, linkTo, type PlannedFault } from "./_model-link.ts";
import { MODELS, NAMES, SLOTS, TIMING } from "./_model-scene.ts";
import { VirtualClock } from "./_virtual-clock.ts";

export type Command =
  | { readonly do: "start"; readonly model: number; readonly slot: number; readonly rollback: boolean }
  | { readonly do: "cancel" | "resolve" | "restart" | "kill" }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "events"; readonly count: number }
  | { readonly do: "mishap"; readonly mishap: Mishap }
  | { readonly do: "reboot" | "away"; readonly spark: number; readonly ms: number }
  /** Every model that serves dies without a word. */
  | { readonly do: "die" };

export interface History {
  /** Which slots there are: 0 to `ARRANGEMENTS` - 1. */
  readonly arrangement: number;
  readonly commands: readonly Command[];
  readonly faults: readonly PlannedFault[];
  /** Of the history's own chance: how long each answer takes. */
  readonly seed: number;
}

export const REAL_EFFECTS: EffectBodies = {
  prepare,
  drain,
  stop,
  launch: createLaunch(quote),
  follow,
  verify,
  clean_up: cleanUp,
  look,
};

const RESOLVE_MS = 15_000;
const MOST_ROUNDS = 20;

const facts = openDatabase({ path: ":memory:", synchronous: "NORMAL", migrations: FACTS, holds: "" });
const telemetry = openDatabase({ path: ":memory:", synchronous: "NORMAL", migrations: TELEMETRY, holds: "" });

class Broken extends Error {}

class Play {
  readonly #clock = new VirtualClock();
  readonly #cluster = new ModelCluster(this.#clock, NAMES);
  readonly #store = new SwapStore(facts);
  /** Asked for, or begun by itself. */
  readonly #accepted: string[] = [];
  #ids = 0;
  readonly #broken: string[] = [];
  readonly #faults: FaultPlan;
  readonly #topology;
  /** Sparks that were away in a stop which did not need them, and of which the swap's log says so. */
  readonly #leftAlone = new Set<string>();
  #chance: number;
  #link!: Link;
  #engine!: SwapEngine;

  constructor(
    private readonly history: History,
    private readonly effects: EffectBodies,
  ) {
    this.#chance = history.seed;
    this.#faults = new FaultPlan(history.faults);
    this.#topology = aTopology({
      slots: SLOTS[history.arrangement]!,
      settings: { ...SETTINGS, stall_seconds: 12, load_limit_seconds: 40, memory_reserve_gib: 0 },
    });
    for (const table of ["swap", "slot_belief", "meta"]) facts.run(`DELETE FROM ${table}`);
    telemetry.run("DELETE FROM swap_log");
  }

  async play(): Promise<readonly SwapJob[]> {
    const restore = this.#clock.install();
    try {
      this.#begin();
      for (const command of this.history.commands) await this.#carryOut(command);
      await this.#comeToRest();
      await this.#end();
      return this.#store.list(this.#accepted.length).map(({ job }) => job);
    } finally {
      restore();
    }
  }

  #begin(): void {
    const now = () => isoTime(this.#clock.now);
    this.#link = linkTo(this.#cluster, this.#clock, this.#faults, () => this.#random());
    this.#engine = new SwapEngine({
      control: this.#link.control,
      store: this.#store,
      log: new SwapLog(this.#telemetry(), now),
      effects: this.effects,
      timing: TIMING,
      timeScale: 1,
      quote,
      gate: OPEN_GATE,
      generationSeen: () => undefined,
      wasForced: () => false,
      catalog: () => ({ models: MODELS, problems: [] }),
      topology: () => this.#topology,
      newId: () => `job-${++this.#ids}`,
      now,
      record: () => undefined,
      onChange: (job, durable) => this.#changed(job, durable),
      report: (error) => this.#broken.push(`an internal error: ${String(error)}`),
    });
    this.#engine.resume();
  }

  #telemetry(): ConstructorParameters<typeof SwapLog>[0] {
    const writer = new TelemetryWriter(telemetry);
    return {
      db: telemetry,
      waiting: () => writer.waiting(),
      append: (table, row) => {
        const [, left] = /(\S+) is left alone/.exec(row.line) ?? [];
        if (left !== undefined) this.#leftAlone.add(left);
        writer.append(table, row);
      },
    };
  }

  async #end(): Promise<void> {
    const closing = this.#engine.close();
    await this.#clock.pass(0);
    await closing;
  }

  async #carryOut(command: Command): Promise<void> {
    switch (command.do) {
      case "start":
        this.#start(command);
        break;
      case "cancel":
        for (const { job_id } of this.#engine.active().slice(0, 1)) this.#engine.cancel(job_id);
        break;
      case "resolve":
        this.#engine.resolveUnknown();
        break;
      case "restart":
        await this.#end();
        this.#begin();
        break;
      case "kill":
        this.#link.cut();
        this.#clock.dropControllersTimers();
        this.#begin();
        break;
      case "pass":
        await this.#pass(command.ms);
        break;
      case "events":
        for (let left = command.count; left > 0 && (await this.#clock.step()); left--) this.#look();
        break;
      case "mishap":
        this.#cluster.mishaps.push(command.mishap);
        break;
      case "reboot":
        this.#cluster.reboot(this.#spark(command.spark), command.ms);
        break;
      case "away":
        this.#spark(command.spark).awayUntil = this.#clock.now + command.ms;
        break;
      case "die":
        for (const vllm of this.#cluster.started) if (vllm.state === "serving") this.#cluster.end(vllm, "fault");
        break;
    }
    this.#look();
  }

  #start({ model, slot, rollback }: Extract<Command, { do: "start" }>): void {
    const { slots } = this.#topology;
    try {
      const request = { model: MODELS[model]!.key, slot: slots[slot % slots.length]!.name, rollback };
      this.#accepted.push(this.#engine.start({ ...request, requestedBy: "a test" }).job_id);
    } catch (error) {
      if (!(error instanceof Fault) || !["swap_running", "too_few_nodes"].includes(error.code)) throw error;
    }
  }

  async #pass(milliseconds: number): Promise<void> {
    const end = this.#clock.now + milliseconds;
    while (this.#clock.now < end && (await this.#clock.step())) this.#look();
  }

  /** After every event. */
  #look(): void {
    const problem = this.#broken[0] ?? this.#cluster.violations[0];
    if (problem !== undefined) throw new Broken(problem);
  }

  /** `ready` and `rolled back` are said only of a model that answered a chat. */
  #changed(job: SwapJob, durable: boolean): void {
    if (!durable) return;
    if (job.restores && !this.#accepted.includes(job.job_id)) this.#accepted.push(job.job_id);
    const claims = [
      ...(job.state === "ready" ? [job.job_id] : []),
      ...(job.rolled_back_to !== null && job.ended_at !== null ? [`${job.job_id}-back`] : []),
    ];
    for (const launch of claims)
      if (!this.#cluster.started.some(({ launchId, chatted }) => launchId === launch && chatted))
        this.#broken.push(`${launch} is said to be ready and has answered no chat`);
    if ((job.ended_at !== null) !== SETTLED.has(job.state) && job.state !== "unknown")
      this.#broken.push(`${job.job_id} is ${job.state}, ended at ${job.ended_at}`);
  }

  /** No more faults: within some rounds of looking into what is unknown, everything ends. */
  async #comeToRest(): Promise<void> {
    this.#faults.clear();
    this.#cluster.mishaps.length = 0;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      await this.#pass(RESOLVE_MS);
      this.#engine.resolveUnknown();
      if (this.#store.unsettled().length === 0) return this.#judge();
    }
    const left = this.#store.unsettled().map(({ job }) => `${job.job_id} is ${job.state}, ${job.phase}`);
    throw new Broken(`still not at rest: ${left.join("; ")}`);
  }

  #judge(): void {
    const jobs = this.#accepted.map((id) => this.#store.find(id)?.job);
    jobs.forEach((job, index) => {
      if (!job) throw new Broken(`${this.#accepted[index]} is lost`);
      if (!SETTLED.has(job.state) || job.state === "unknown") throw new Broken(`${job.job_id} ended as ${job.state}`);
      // One try for what died right after it was ready, and none for that try.
      const restores = jobs.filter((each) => each?.restores?.job_id === job.job_id);
      const [only] = restores;
      if (restores.length > 1 || (only?.job_id ?? null) !== (job.died?.restored_by ?? null))
        throw new Broken(`${job.job_id} was restored ${restores.length} times, it says by ${job.died?.restored_by}`);
      if (only && job.restores) throw new Broken(`${job.job_id} restores, and was restored by ${only.job_id}`);
    });
    const beliefs = this.#store.beliefs();
    const living = this.#cluster.started.filter(({ state }) => state !== "dead");
    for (const { launchId } of living)
      if (!beliefs.some(({ launch_id }) => launch_id === launchId))
        throw new Broken(`the vLLM of ${launchId} runs, and nobody believes in it`);
    for (const belief of beliefs) {
      const vllm = this.#cluster.started.find(({ launchId }) => launchId === belief.launch_id);
      // What the world took is shown as "not answering"; what was stopped must not be believed in any more.
      const isTrue = vllm?.state === "serving" || vllm?.endedBy === "fault";
      if (!isTrue) throw new Broken(`${belief.slot} is believed to serve ${belief.launch_id}: ${vllm?.state}`);
    }
    // What the world has taken may leave its container behind: it is believed in, and the next stop finds it.
    for (const { name, containers } of this.#cluster.sparks)
      for (const [container, { vllms }] of containers)
        if (
          vllms.size === 0 &&
          !this.#leftAlone.has(name) &&
          !beliefs.some(({ slot }) => this.#slot(slot).container === container)
        )
          throw new Broken(`${container} is left on ${name} with nothing in it`);
  }

  #slot(name: string): Slot {
    return this.#topology.slots.find((slot) => slot.name === name)!;
  }

  #spark(index: number) {
    return this.#cluster.sparks[index % NAMES.length]!;
  }

  /** Park and Miller's generator: enough for the length of a wait. */
  #random(): number {
    this.#chance = (this.#chance * 48_271) % 2_147_483_647;
    return this.#chance / 2_147_483_647;
  }
}

/** @returns the swaps, newest first. @throws when something does not hold */
export function play(history: History, effects: EffectBodies = REAL_EFFECTS): Promise<readonly SwapJob[]> {
  return new Play(history, effects).play();
}
