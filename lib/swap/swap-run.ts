/** One swap while it is not settled: its machine, the effect that runs, and its record. */
import { Fault } from "../fault.ts";
import type { Slot } from "../topology/topology.ts";
import { beliefAfter } from "./belief-change.ts";
import { DrainDesk } from "./drain-desk.ts";
import { estimateLoad, type PhaseSeconds } from "./eta.ts";
import { failureOf } from "./facts.ts";
import { ownMistake } from "./failure.ts";
import { jobAfter } from "./job-after.ts";
import { type LoadTimes, NOT_WATCHED } from "./load-clock.ts";
import { LoadMeter, type Measured, UNMEASURED } from "./load-meter.ts";
import { type Effect, isOver, type Leg, type MachineEvent, type MachineState, step } from "./machine.ts";
import { attemptOf, type SwapOrder } from "./order.ts";
import type { LoadProgress } from "./phases.ts";
import type { Run } from "./run.ts";
import { type RemoteLine, RunLog } from "./run-log.ts";
import type { EffectBodies, RunServices } from "./run-services.ts";
import type { Failure, SwapJob } from "./swap.ts";
import type { SwapRecord } from "./swap-store.ts";

const TICK_MS = 1_000;
const SAVE_AGAIN_MS = 1_000;
const UNWRITTEN =
  "Waits: the disk of Spark Control is full or cannot be written. Make room there; the swap then goes on by itself.";
/** A restart of the controller may lose so much of what was counted of a load. */
const KEEP_TIMES_MS = 10_000;

export class SwapRun implements Run {
  readonly control;
  readonly timing;
  readonly timeScale;
  #machine: MachineState;
  #job: SwapJob;
  #running: { readonly abort: AbortController; readonly done: Promise<void> } | null = null;
  readonly #log: RunLog;
  readonly #meter = new LoadMeter();
  #times: LoadTimes;
  #keptTimes: LoadTimes;
  #ticker: ReturnType<typeof setInterval> | null = null;
  #closed = false;
  /** Why the swap waits where it is: a disk that cannot be written, a Spark that is away. Shown, never kept. */
  #unwritten: string | null = null;
  #silent: string | null = null;
  #events: MachineEvent[] = [];
  #retry: ReturnType<typeof setTimeout> | null = null;
  /** Why the first of the events could not be taken, while there is a retry. */
  #stuck: unknown = null;
  readonly #settled = Promise.withResolvers<SwapJob>();

  constructor(
    record: SwapRecord,
    private readonly services: RunServices,
  ) {
    this.#machine = record.machine;
    this.#job = record.job;
    this.order = record.order;
    this.#times = this.#keptTimes = record.load ?? NOT_WATCHED;
    this.#log = new RunLog({ ...services, leg: () => this.#machine.leg });
    this.control = services.control;
    this.timing = services.timing;
    this.timeScale = services.timeScale;
  }

  readonly order: SwapOrder;
  readonly drainDesk = new DrainDesk();

  get job(): SwapJob {
    const waits = this.#unwritten ?? this.#silent;
    return waits === null ? this.#job : { ...this.#job, reason: waits };
  }
  get jobId(): string {
    return this.#job.job_id;
  }
  get generation(): number {
    return this.#job.generation;
  }
  /** Resolves with the job once it is settled. */
  get settled(): Promise<SwapJob> {
    return this.#settled.promise;
  }

  topology = () => this.services.topology();
  settings = () => this.services.settings();
  beliefs = () => this.services.beliefs();
  inFlight = (slot: string) => this.services.inFlight(slot);
  slotOf = (launchId: string) => this.services.slotOf(launchId);
  reservedBy = (slot: Slot) => this.services.reservedBy(slot);
  highestGeneration = () => this.services.highestGeneration();
  pastLoads = (modelKey: string): readonly PhaseSeconds[] => this.services.pastLoads(modelKey);
  download = (...asked: Parameters<Run["download"]>) => this.services.download(...asked);

  log(line: string): void {
    this.services.writeLog("controller", line);
  }

  logRemote = (line: RemoteLine) => this.#log.take(line);
  tail = () => this.#log.tail();

  beginReading(): (source: string) => number {
    this.#meter.begin();
    return this.#log.begin();
  }

  progress(progress: LoadProgress): void {
    const news = this.#meter.take(progress);
    if (news?.moved) this.dispatch({ type: "progress", phase: progress.phase });
    else if (news) this.#show();
  }

  get loadTimes(): LoadTimes {
    return this.#times;
  }

  watched(times: LoadTimes): void {
    this.#times = times;
    this.#meter.watched(times);
    const { watchedMs, quietMs } = this.#keptTimes;
    // Kept at once after a long silence: the next controller would take the load for stuck otherwise.
    if (times.watchedMs - watchedMs < KEEP_TIMES_MS && quietMs - times.quietMs < KEEP_TIMES_MS) return;
    try {
      this.services.keep(this.#record(this.#job, this.#machine));
      this.#keptTimes = times;
    } catch (error) {
      // A disk without room: it is counted on in memory.
      if (!(error instanceof Fault)) throw error;
    }
  }

  waitsFor(failure: Failure | null): void {
    const why = failure && `Waits: ${failure.message}${failure.evidence === null ? "" : ` (${failure.evidence})`}`;
    if (why === this.#silent) return;
    this.#silent = why;
    this.#show();
  }

  telling(): void {
    this.dispatch({ type: "telling" });
  }

  get hasTold(): boolean {
    return this.#machine.stopLeft !== undefined;
  }

  raiseGeneration(seen: number, whose: "anyone" | "own"): void {
    const own = this.#job.generation;
    if (whose === "anyone" ? seen < own : seen <= own || seen > this.services.highestGeneration()) return;
    this.#job = { ...this.#job, generation: this.services.generationAbove(seen) };
    this.services.save(this.#record(this.#job, this.#machine), { type: "none" });
  }

  /**
   * One event into the machine: the step is durable before its effects begin. While it cannot be written (a full disk),
   * the swap waits where it is and tries again; what happens meanwhile is taken up in its order.
   */
  dispatch(event: MachineEvent): void {
    this.#events.push(event);
    if (this.#retry === null) this.#takeUpEvents();
  }

  /**
   * One event that has to be allowed: asked within the transaction of its step, and never put off to a time at which the
   * answer may be another one. What waits to be written comes before it.
   * @param allow throws when it may not happen
   * @throws what `allow` throws; Fault 503 when it cannot be written: then nothing was done
   */
  attempt(event: MachineEvent, allow: () => void): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    if (this.#retry !== null) this.#takeUpEvents();
    if (this.#retry !== null) throw this.#stuck;
    this.#take(event, allow);
  }

  /** Ends a swap that has stopped nothing: what waits to be written, such as the beginning of the stop, no longer counts. */
  abandon(): void {
    this.#events = [];
    this.dispatch({ type: "cancel" });
  }

  #takeUpEvents(): void {
    this.#retry = null;
    while (!this.#closed) {
      const [event] = this.#events;
      if (!event) return;
      try {
        this.#take(event);
        this.#unwritten = null;
      } catch (error) {
        this.#stuck = error;
        this.#wait(error);
        this.#retry = setTimeout(() => this.#takeUpEvents(), SAVE_AGAIN_MS);
        return;
      }
      this.#events.shift();
    }
  }

  /** A full disk is told by the job and by the state of the store, once; anything else is a mistake of ours. */
  #wait(error: unknown): void {
    if (error instanceof Fault && error.code === "store_unwritable") {
      this.#unwritten = UNWRITTEN;
      this.#show();
    } else this.services.report(error);
  }

  #take(event: MachineEvent, allow?: () => void): void {
    const before = this.#machine;
    const { state, effects } = step(before, event);
    if (state === before && effects.length === 0) return void allow?.();
    const job = this.#describe(before, state);
    if (state.state === "launching" && before.state !== "launching") this.#times = NOT_WATCHED;
    this.services.save(
      this.#record(job, state),
      beliefAfter(before, event, { order: this.order, jobId: this.jobId, at: job.updated_at }),
      allow,
    );
    if (job.phase !== this.#job.phase || job.leg !== this.#job.leg) this.#meter.phaseBegins();
    if (effects.length > 0) this.#silent = null;
    this.#keptTimes = this.#times;
    this.#machine = state;
    this.#job = job;
    for (const effect of effects) this.#start(effect);
    if (isOver(state)) this.#end();
  }

  /** Stops working without touching anything on the Sparks; the record stays as it is and is taken up at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#retry) clearTimeout(this.#retry);
    this.#end();
    this.#running?.abort.abort(new Error("the controller is shutting down"));
    await this.#running?.done;
  }

  #start(effect: Effect): void {
    const previous = this.#running;
    if (effect.type === "abort") {
      previous?.abort.abort(new Error("the swap was cancelled"));
      return;
    }
    const abort = new AbortController();
    const { type } = effect;
    const leg = "leg" in effect ? effect.leg : "forward";
    // The report of an effect that was given up no longer counts; its successor waits until it has let go.
    const done = (async () => {
      await previous?.done;
      const event = await this.#outcome(type, leg, abort.signal);
      if (event && this.#running?.abort === abort) this.dispatch(event);
    })().catch((error) => this.services.report(error));
    this.#running = { abort, done };
    this.#ticker ??= setInterval(() => this.#show(), TICK_MS);
  }

  async #outcome(name: keyof EffectBodies, leg: Leg, signal: AbortSignal): Promise<MachineEvent | null> {
    // Given up while it waited for its predecessor: it never begins.
    if (signal.aborted) return null;
    try {
      const event = await this.services.effects[name](this, leg, signal);
      return signal.aborted ? null : event;
    } catch (error) {
      if (signal.aborted) return null;
      if (error instanceof Fault) return { type: "failed", failure: failureOf(error), fenced: error.code === "fenced" };
      this.services.report(error);
      return { type: "failed", failure: ownMistake(error, name) };
    }
  }

  #end(): void {
    if (this.#ticker) clearInterval(this.#ticker);
    this.#ticker = null;
    if (isOver(this.#machine)) this.#settled.resolve(this.#job);
  }

  #show(): void {
    if (!isOver(this.#machine)) this.#job = { ...this.#job, ...this.#estimate(), drain: this.drainDesk.shown };
    this.services.show(this.job);
  }

  #describe(before: MachineState, state: MachineState): SwapJob {
    const shown = jobAfter(this.#job, this.order, before, state, this.services.now());
    const job = { ...shown, drain: state.state === "draining" ? this.drainDesk.shown : null };
    return isOver(state) ? job : { ...job, ...this.#estimate() };
  }

  #estimate(): Measured {
    const { state, leg, cleaning } = this.#machine;
    if (cleaning) return { progress: this.#job.progress, eta_seconds: null, ...UNMEASURED };
    const { model } = attemptOf(this.order, this.jobId, leg);
    const estimate = estimateLoad(this.pastLoads(model.key), model.size_gb, model.nodes, this.timeScale);
    return this.#meter.measure(state, estimate, this.#job.leg === leg ? this.#job.progress : 0);
  }

  #record(job: SwapJob, machine: MachineState): SwapRecord {
    return { job, machine, order: this.order, load: this.#times };
  }
}
