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
import type { EngineOptions } from "../../../lib/swap/engine-options.ts";
import type { EffectBodies } from "../../../lib/swap/run-services.ts";
import { SlotStops } from "../../../lib/swap/slot-stop.ts";
import { SETTLED, type SwapJob } from "../../../lib/swap/swap.ts";
import { SwapLog } from "../../../lib/swap/swap-log.ts";
import { SwapStore } from "../../../lib/swap/swap-store.ts";
import type { Slot } from "../../../lib/topology/topology.ts";
import { aTopology, SETTINGS } from "./_fixtures.ts";
import { ModelCluster } from "./_model-cluster.ts";
import { type Command, type History, PEOPLE } from "./_model-command.ts";
import { FaultPlan, type Link, linkTo } from "./_model-link.ts";
import { ModelGate, RestoreJudge } from "./_model-people.ts";
import { whatIsUntrue } from "./_model-rest.ts";
import { MODELS, NAMES, SLOTS, TIMING } from "./_model-scene.ts";
import { VirtualClock } from "./_virtual-clock.ts";

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

const MOST_REST_MS = 15_000;
const RESOLVE_MS = 15_000;
/** What a swap is refused for. */
const REFUSALS = new Set(["swap_running", "too_few_nodes", "reserved", "slot_stopping"]);
const MOST_ROUNDS = 20;

const facts = openDatabase({ path: ":memory:", synchronous: "NORMAL", migrations: FACTS, holds: "" });
const telemetry = openDatabase({ path: ":memory:", synchronous: "NORMAL", migrations: TELEMETRY, holds: "" });

class Broken extends Error {}

/** What is looked at; a planted mistake is another one. */
export interface Controller {
  readonly effects: EffectBodies;
  engine(options: EngineOptions): SwapEngine;
}

export const REAL_CONTROLLER: Controller = { effects: REAL_EFFECTS, engine: (options) => new SwapEngine(options) };

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
  readonly #gate = new ModelGate();
  readonly #judge: RestoreJudge;
  #stops!: SlotStops;
  #leaving!: AbortController;
  /** Slots of which a stop was begun and did not come through: what is believed of them may be wrong. */
  readonly #halfStopped = new Set<string>();

  constructor(
    private readonly history: History,
    private readonly controller: Controller,
  ) {
    this.#chance = history.seed;
    this.#faults = new FaultPlan(history.faults);
    this.#topology = aTopology({
      slots: SLOTS[history.arrangement]!,
      settings: { ...SETTINGS, stall_seconds: 12, load_limit_seconds: 40, memory_reserve_gib: 0 },
    });
    this.#judge = new RestoreJudge(this.#store, this.#cluster, this.#gate, this.#topology.slots);
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
    const options: EngineOptions = {
      control: this.#link.control,
      store: this.#store,
      log: new SwapLog(this.#telemetry(), now),
      effects: this.controller.effects,
      timing: TIMING,
      timeScale: 1,
      quote,
      gate: this.#gate,
      generationSeen: () => undefined,
      wasForced: (reservation) => this.#gate.forced.has(reservation),
      catalog: () => ({ models: MODELS, problems: [] }),
      topology: () => this.#topology,
      newId: () => `job-${++this.#ids}`,
      now,
      record: () => undefined,
      onChange: (job, durable) => this.#changed(job, durable),
      report: (error) => this.#broken.push(`an internal error: ${String(error)}`),
    };
    this.#engine = this.controller.engine(options);
    this.#leaving = new AbortController();
    this.#stops = new SlotStops({
      ...options,
      claims: this.#engine.claims,
      inFlight: () => 0,
      slotOf: (launchId) => this.#store.slotOf(launchId),
      onChange: () => undefined,
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
    this.#leaving.abort(new Error("the controller is shutting down"));
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
        for (const { job_id } of this.#engine.active().slice(0, 1))
          this.#engine.cancel(job_id, this.#gate.held?.holder ?? null);
        break;
      case "resolve":
        this.#engine.resolveUnknown();
        break;
      case "restart":
        await this.#end();
        this.#begin();
        break;
      case "kill":
        this.#kill();
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
      case "rest":
        await this.#pass(MOST_REST_MS, () => this.#store.unsettled().length === 0);
        break;
      case "reserve":
        if (this.#gate.held === null)
          this.#gate.held = { generation: this.#store.nextGeneration(), holder: PEOPLE[command.who]! };
        break;
      case "release":
        this.#gate.held = null;
        break;
      case "force":
        this.#force(command.killed);
        break;
      case "stop":
        this.#stop(this.#slotAt(command.slot).name);
        break;
      case "start_by_hand":
      case "stop_by_hand":
        this.#byHand(command.do, this.#slotAt(command.slot));
        break;
    }
    this.#look();
  }

  #kill(): void {
    this.#link.cut();
    this.#clock.dropControllersTimers();
    this.#gate.endProcess();
    this.#begin();
  }

  #force(isKilled: boolean): void {
    const reservation = this.#gate.force();
    if (reservation === null) return;
    if (isKilled) this.#kill();
    else this.#engine.abortBeforeStopping(reservation);
    const wrong = this.#judge.whatGoesOn(reservation);
    if (wrong) throw new Broken(wrong);
  }

  #stop(name: string): void {
    const { signal } = this.#leaving;
    const claimed = this.#store.highestGeneration();
    const stopping = this.#stops.stop(name, this.#gate.held?.holder ?? null, signal);
    // Refused before it has claimed anything: nothing was touched.
    if (this.#store.highestGeneration() > claimed) this.#halfStopped.add(name);
    stopping.then(
      () => {
        this.#halfStopped.delete(name);
        this.#judge.stops.set(name, this.#clock.now);
      },
      (error) => {
        if (!(error instanceof Fault) && !signal.aborted) this.#broken.push(`a stop: ${String(error)}`);
      },
    );
  }

  /** People do nothing by hand while they see something under way there; what comes late from before is nobody's to see. */
  #byHand(what: "start_by_hand" | "stop_by_hand", slot: Slot): void {
    const isUnderWay =
      this.#store.unsettled().some(({ job }) => !["planned", "draining"].includes(job.state)) ||
      this.#gate.disruptionIn({ slot: slot.name, nodes: [] }) !== null ||
      this.#faults.isLate(this.#clock.now);
    const sparks = slot.nodes.map((name) => this.#cluster.sparks.find((spark) => spark.name === name)!);
    if (isUnderWay || sparks.some(({ isAway }) => isAway)) return;
    if (what === "stop_by_hand") {
      for (const spark of sparks) this.#cluster.stopContainer(spark, slot.container, null, "hand");
      return;
    }
    const launches = sparks.flatMap(({ jobs }) => [...jobs]).filter(([id]) => !id.endsWith("-log"));
    if (launches.some(([, { state }]) => state === "running")) return;
    const [head] = sparks;
    if (head && !sparks.some(({ containers }) => containers.has(slot.container))) this.#cluster.startByHand(head, slot);
  }

  #start({ model, slot, rollback, who }: Extract<Command, { do: "start" }>): void {
    try {
      const token = PEOPLE[who] ?? null;
      const request = { model: MODELS[model]!.key, slot: this.#slotAt(slot).name, rollback, token };
      this.#accepted.push(this.#engine.start({ ...request, requestedBy: "a test" }).job_id);
    } catch (error) {
      if (!(error instanceof Fault) || !REFUSALS.has(error.code)) throw error;
    }
  }

  async #pass(milliseconds: number, isEnough = () => false): Promise<void> {
    const end = this.#clock.now + milliseconds;
    while (this.#clock.now < end && !isEnough()) {
      // Nothing waits: the time passes all the same.
      if (!(await this.#clock.step())) this.#clock.now = end;
      this.#look();
    }
  }

  /** After every event. */
  #look(): void {
    const problem = this.#broken[0] ?? this.#cluster.violations[0] ?? this.#judge.whatWasStopped();
    if (problem !== null) throw new Broken(problem);
  }

  /** `ready` and `rolled back` are said only of a model that answered a chat. */
  #changed(job: SwapJob, durable: boolean): void {
    if (!durable) return;
    this.#judge.sees(job);
    if (job.restores && !this.#accepted.includes(job.job_id)) {
      this.#accepted.push(job.job_id);
      const wrong = this.#judge.whatIsWrong(job);
      if (wrong) this.#broken.push(wrong);
    }
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
    // What somebody has reserved is not looked into.
    this.#gate.held = null;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      await this.#pass(RESOLVE_MS);
      this.#engine.resolveUnknown();
      const { signal } = this.#leaving;
      this.#stops.lookAgain(signal).catch((error) => {
        if (!signal.aborted) this.#broken.push(`a look at a half stop: ${String(error)}`);
      });
      if (this.#store.unsettled().length === 0) return this.#conclude();
    }
    const left = this.#store.unsettled().map(({ job }) => `${job.job_id} is ${job.state}, ${job.phase}`);
    throw new Broken(`still not at rest: ${left.join("; ")}`);
  }

  #conclude(): void {
    const { slots } = this.#topology;
    const untrue = whatIsUntrue({
      ...{ store: this.#store, cluster: this.#cluster, slots, accepted: this.#accepted },
      ...{ leftAlone: this.#leftAlone, halfStopped: this.#halfStopped },
    });
    if (untrue) throw new Broken(untrue);
  }

  #slotAt(index: number): Slot {
    const { slots } = this.#topology;
    return slots[index % slots.length]!;
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
export function play(history: History, controller: Controller = REAL_CONTROLLER): Promise<readonly SwapJob[]> {
  return new Play(history, controller).play();
}
