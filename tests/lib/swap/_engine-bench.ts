/** A swap engine on a real store in a temporary folder, with scripted effects and Sparks in memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Model } from "../../../lib/catalog/catalog.ts";
import { isoTime } from "../../../lib/ids.ts";
import { quote } from "../../../lib/ssh/quote.ts";
import { openStore, type Store } from "../../../lib/store/store.ts";
import type { SparkControl } from "../../../lib/swap/cluster.ts";
import { SwapEngine } from "../../../lib/swap/engine.ts";
import type { Gate } from "../../../lib/swap/gate.ts";
import type { SwapJob } from "../../../lib/swap/swap.ts";
import { SwapLog } from "../../../lib/swap/swap-log.ts";
import { SwapStore } from "../../../lib/swap/swap-store.ts";
import { TIMING, type Timing } from "../../../lib/swap/timing.ts";
import type { Topology } from "../../../lib/topology/topology.ts";
import { aModel, aTopology, OPEN_GATE, someSparks } from "./_fixtures.ts";
import { type Begun, GOOD_REPORTS, ScriptedEffects } from "./_scripted-effects.ts";

export interface BenchOptions {
  readonly topology?: Topology;
  readonly models?: readonly Model[];
  readonly control?: Partial<SparkControl>;
  /** Called in the moment in which an effect begins. */
  readonly onBegin?: (begun: Begun) => void;
  readonly isBeingDeleted?: (model: Model) => boolean;
  readonly gate?: Gate;
  readonly wasForced?: (reservation: number) => boolean;
  readonly timing?: Partial<Timing>;
  /** Called within the transaction that makes a change durable. */
  readonly record?: (job: SwapJob) => void;
}

export const QWEN = aModel();
export const GLM = aModel({ key: "glm", name: "GLM 4.5 Air", source: { kind: "repo", repo: "zai-org/GLM-4.5-Air" } });

export class EngineBench implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "spark-swap-"));
  readonly opened: Store = openStore(this.folder);
  readonly store = new SwapStore(this.opened.facts);
  readonly changes: { readonly job: SwapJob; readonly durable: boolean }[] = [];
  readonly recorded: SwapJob[] = [];
  readonly reported: unknown[] = [];
  topology: Topology;
  effects!: ScriptedEffects;
  engine!: SwapEngine;
  log!: SwapLog;
  #ids = 0;
  #time = Date.parse("2026-01-01T00:00:00Z");

  constructor(private readonly options: BenchOptions = {}) {
    this.topology = options.topology ?? aTopology();
    this.restart();
  }

  /** A new engine on the same store, as after a restart of the process. */
  restart(): void {
    const {
      models = [QWEN, GLM],
      control,
      onBegin,
      record,
      isBeingDeleted = () => false,
      gate = OPEN_GATE,
      wasForced = () => false,
    } = this.options;
    // Every reading of the clock is a second later than the one before.
    const now = () => {
      this.#time += 1000;
      return isoTime(this.#time);
    };
    this.effects = new ScriptedEffects(onBegin);
    this.log = new SwapLog(this.opened.telemetry, now);
    this.engine = new SwapEngine({
      control: someSparks(control),
      store: this.store,
      log: this.log,
      effects: this.effects.bodies,
      timing: { ...TIMING, settleMs: 0, ...this.options.timing },
      timeScale: 1,
      quote,
      gate,
      generationSeen: () => undefined,
      wasForced,
      catalog: () => ({ models, problems: [] }),
      topology: () => this.topology,
      isBeingDeleted,
      newId: () => `job-${++this.#ids}`,
      now,
      record: (job) => {
        this.recorded.push(job);
        record?.(job);
      },
      onChange: (job, durable) => this.changes.push({ job, durable }),
      report: (error) => this.reported.push(error),
    });
  }

  start(model: Model = QWEN, given: { slot?: string; rollback?: boolean } = {}): SwapJob {
    return this.engine.start({ model: model.key, requestedBy: "a test", ...given });
  }

  /** A swap that goes well from its start to its end. */
  async load(model: Model, slot?: string): Promise<SwapJob> {
    const { job_id } = this.start(model, slot === undefined ? {} : { slot });
    const settled = this.engine.settled(job_id);
    for (const [name, report] of GOOD_REPORTS) (await this.effects.next(name, job_id)).report(report);
    return settled;
  }

  /** The process ends while this effect is under way. */
  async leave(begun: Pick<Begun, "signal" | "fail">): Promise<void> {
    const closed = this.engine.close();
    begun.fail(begun.signal.reason);
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Effects that wait for the test would be waited for.
    for (const begun of this.effects.begun) begun.fail(new Error("the test has ended"));
    await this.engine.close();
    this.opened.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
