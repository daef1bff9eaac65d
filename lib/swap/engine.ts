/**
 * The swap engine: the one owner of the swap state. Claims are synchronous and durable; everything that takes time
 * happens in a SwapRun. Runs of slots that do not conflict go on side by side.
 */
import type { Model } from "../catalog/catalog.ts";
import { Fault } from "../fault.ts";
import { type Node, usableNode } from "../topology/topology.ts";
import { type Adoption, adoptLoad } from "./adoption.ts";
import { askedFor } from "./asked-for.ts";
import type { BeliefChange } from "./belief-change.ts";
import { checkArguments } from "./check-arguments.ts";
import { BEFORE_STOPPING, Claims } from "./claims.ts";
import { type DrainAnswer, drainTerms } from "./drain-desk.ts";
import type { EngineOptions, SwapRequest } from "./engine-options.ts";
import { estimateLoad } from "./eta.ts";
import { type Belief, gatherFacts, targetOf } from "./facts.ts";
import { placeOf } from "./gate.ts";
import { askedFirst } from "./old-data.ts";
import { makePlan, requestsIn } from "./plan.ts";
import { planCommands } from "./plan-commands.ts";
import { type AfterDeath, afterDeath } from "./restore.ts";
import { RestoredSwaps } from "./restored-swaps.ts";
import type { EffectBodies, RunServices } from "./run-services.ts";
import { Settling, type SettlingMeans } from "./settling.ts";
import type { Plan, SwapJob } from "./swap.ts";
import { SwapRun } from "./swap-run.ts";
import type { SwapRecord } from "./swap-store.ts";

const PAST_LOADS = 5;
const MOST_LISTED = 200;

export class SwapEngine {
  readonly #runs = new Map<string, SwapRun>();
  /** Who owns which slot. */
  readonly claims: Claims;
  readonly #restored: RestoredSwaps;
  readonly #settling: Settling;
  #closed = false;

  constructor(private readonly options: EngineOptions) {
    this.claims = new Claims(options);
    this.#restored = new RestoredSwaps(options);
    const isTouched = ({ job }: SwapRecord) => this.claims.isTouched(job.slot);
    this.#settling = new Settling({ ...options, isTouched, onDeath: (...of) => this.#died(...of) });
  }

  /**
   * Takes up every swap that an earlier process left unfinished. One whose reservation a person has ended is cancelled, if it
   * has stopped nothing: that process may have been killed between the two.
   */
  resume(): void {
    this.#restored.resume((record) => this.#run(record, "earlier process"));
    this.#settling.watch();
    for (const { order, job } of [...this.#runs.values()]) {
      const { reservation = null } = order;
      if (reservation !== null && this.options.wasForced(reservation, job.created_at))
        this.abortBeforeStopping(reservation);
    }
  }

  /**
   * Claims the slot and begins. Check and claim are one transaction: of any number of simultaneous calls one succeeds.
   * @throws Fault 404 unknown model or slot, 409 `swap_running` with `job_id`, `slot_stopping`, `files_being_deleted`, 422 too few nodes, 423 `reserved` with `lock`,
   *         503 not configured
   */
  start(request: SwapRequest): SwapJob {
    if (this.#closed) throw new Fault("unavailable", "shutting_down", "Spark Control is shutting down.");
    const { model, slot } = askedFor(this.options, request);
    const topology = this.options.topology();
    targetOf(topology, model, slot);
    const nodes = slot.nodes.flatMap((name) => usableNode(topology, name) ?? []);
    const record = this.claims.claim(model, slot, { ...request, nodes });
    this.options.onChange(record.job, true);
    this.#run(record).dispatch({ type: "begin" });
    return this.get(record.job.job_id);
  }

  /**
   * Looks into swaps of which nobody knows how they ended: what they left is cleaned up and, where it was wanted, the
   * previous model is loaded again. One that cannot be told yet stays unknown. Where someone else has reserved the slot by
   * now, nothing is done: whatever they start there clears it up. What cannot be begun now is asked anew the next time.
   */
  resolveUnknown(): void {
    if (this.#closed) return;
    for (const record of this.options.store.unknown()) {
      if (this.#runs.has(record.job.job_id)) continue;
      const run = this.#run(record, "earlier process");
      try {
        run.attempt({ type: "resolve" }, () => this.claims.mustBeFree(record.order));
      } catch (error) {
        this.#runs.delete(run.jobId);
        if (!(error instanceof Fault)) this.options.report(error);
      }
    }
  }

  /** What a swap would do, from a fresh look at the Sparks. Touches nothing. */
  async plan(request: Omit<SwapRequest, "requestedBy">, signal: AbortSignal): Promise<Plan> {
    const { control, store } = this.options;
    const { model, slot } = askedFor(this.options, request);
    const topology = this.options.topology();
    const target = targetOf(topology, model, slot);
    const facts = await gatherFacts(control, topology, this.claims.occupancy(null), target, signal);
    const obstacles = this.claims.obstacles({ model, slot }, request.token ?? null);
    const nodes = target.nodes.map((node) => node.name);
    const download = this.options.download?.(model, nodes) ?? null;
    return makePlan({
      ...facts,
      ...{ model, slot, nodes, download },
      pastLoads: store.pastLoads(model.key, PAST_LOADS),
      timeScale: this.options.timeScale,
      rollbackWanted: request.rollback ?? true,
      memoryReserveGib: topology.settings.memory_reserve_gib,
      drain: {
        ...drainTerms({ onDrainTimeout: request.onDrainTimeout ?? null }, topology.settings),
        requests: requestsIn(slot, facts.occupants, (name) => this.options.inFlight?.(name) ?? 0),
      },
      blockers: [...facts.blockers, ...obstacles],
      commands: await planCommands(this.options, target, facts, signal),
    });
  }

  /**
   * A cancel stops a model and may load another: while the slot is reserved it needs the token, whoever began the swap.
   * @throws Fault 404; 409 when it has ended; 423 `reserved` with `lock`; 503 when it cannot be written: nothing was done
   */
  cancel(jobId: string, token: string | null = null): SwapJob {
    const job = this.get(jobId);
    const run = this.#runs.get(jobId);
    if (!run || job.ended_at)
      throw new Fault("conflict", "swap_ended", `This swap has ended: ${job.state}.`, { job_id: jobId });
    const allow = () => void this.options.gate.permit(placeOf(run.order.slot), token);
    if (this.#restored.isLookingInto(jobId)) {
      allow();
      this.#restored.giveUp(run);
    } else run.attempt({ type: "cancel" }, allow);
    return run.job;
  }

  /**
   * What to do with requests that are still running: needs the token as a cancel does, and wherever they are cut off.
   * @throws Fault 404; 409 when it does not wait for requests; 423 `reserved` with `lock`
   */
  answerDrain(jobId: string, answer: DrainAnswer, token: string | null = null): SwapJob {
    const job = this.get(jobId);
    const run = this.#runs.get(jobId);
    if (!run || job.state !== "draining")
      throw new Fault("conflict", "not_draining", "This swap does not wait for requests.", { job_id: jobId });
    this.options.gate.permit(this.claims.reach(run.order), token);
    run.drainDesk.answer(answer);
    return run.job;
  }

  /** Cancels what was claimed under a reservation, as long as nothing has been stopped for it. */
  abortBeforeStopping(reservation: number): void {
    for (const run of this.#runs.values())
      if (run.order.reservation === reservation && BEFORE_STOPPING.has(run.job.state)) run.abandon();
  }

  /** @throws Fault 404 */
  get(jobId: string): SwapJob {
    const job = this.#runs.get(jobId)?.job ?? this.options.store.find(jobId)?.job;
    if (!job) throw new Fault("not_found", "unknown_job", "There is no swap with this id.");
    return job;
  }

  /** Newest first. */
  list(limit = 50): SwapJob[] {
    return this.options.store
      .list(Math.min(limit, MOST_LISTED))
      .map(({ job }) => this.#runs.get(job.job_id)?.job ?? job);
  }

  /** Swaps that own a slot now. */
  active(): SwapJob[] {
    return [...this.#runs.values()].map((run) => run.job);
  }

  beliefs(): Belief[] {
    return this.options.store.beliefs();
  }

  /** What was loaded from here although these data know nothing of it. @throws Fault when the Spark does not answer */
  adopt(head: Node, signal: AbortSignal): Promise<Adoption> {
    return adoptLoad({ ...this.options, claims: this.claims }, head, signal);
  }

  /** Median seconds of the last loads of a model; null when there was none. */
  loadSeconds(modelKey: string): number | null {
    const past = this.options.store.pastLoads(modelKey, 1)[0];
    return past ? Math.round(Object.values(past).reduce((sum, seconds) => sum + seconds, 0)) : null;
  }

  /** Seconds, going by earlier loads or the size; null when neither is known. */
  estimatedSeconds(model: Model): number | null {
    const past = this.options.store.pastLoads(model.key, PAST_LOADS);
    const { totalSeconds } = estimateLoad(past, model.size_gb, model.nodes, this.options.timeScale);
    return past.length === 0 && model.size_gb === null ? null : Math.ceil(totalSeconds);
  }

  /**
   * Asks vLLM's own parser, inside the container image on the head, whether the arguments of a model are valid.
   * @throws Fault 404, 502, 503
   */
  async validate(
    modelKey: string,
    slotName: string | undefined,
    signal: AbortSignal,
  ): Promise<{ valid: boolean; message: string | null }> {
    const { control, topology } = this.options;
    return checkArguments(control, topology(), askedFor(this.options, { model: modelKey, slot: slotName }), signal);
  }

  /** Resolves with the job once it is settled. */
  settled(jobId: string): Promise<SwapJob> {
    return this.#runs.get(jobId)?.settled ?? Promise.resolve(this.get(jobId));
  }

  /** Lets go of every run. What they do on the Sparks goes on and is taken up at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([
      this.#settling.close(),
      this.#restored.close(),
      ...[...this.#runs.values()].map((run) => run.close()),
    ]);
    this.#runs.clear();
  }

  #run(record: SwapRecord, from: "claim" | "earlier process" = "claim"): SwapRun {
    const { effects, store } = this.options;
    const run = new SwapRun(record, this.#services(record, from === "claim" ? effects : askedFirst(effects, store)));
    this.#runs.set(run.jobId, run);
    return run;
  }

  #services(record: SwapRecord, effects: EffectBodies): RunServices {
    const { options } = this;
    const jobId = record.job.job_id;
    return {
      control: options.control,
      timing: options.timing,
      timeScale: options.timeScale,
      effects,
      topology: options.topology,
      settings: () => options.topology().settings,
      beliefs: () => this.claims.occupancy(jobId),
      inFlight: (slot) => options.inFlight?.(slot) ?? 0,
      download: (model, nodes) => options.download?.(model, nodes) ?? null,
      slotOf: (launchId) => options.store.slotOf(launchId),
      reservedBy: (slot) => options.gate.reservationOfAnother(placeOf(slot), record.order.reservation ?? null),
      pastLoads: (key) => options.store.pastLoads(key, PAST_LOADS),
      now: options.now,
      writeLog: (source, line, readTo) => options.log.append(jobId, source, line, readTo),
      readTo: () => options.log.readTo(jobId),
      save: (saved, belief, allow) => this.#save(saved, belief, allow),
      keep: (kept) => options.store.claim(() => options.store.save(kept)),
      highestGeneration: () => options.store.highestGeneration(),
      generationAbove: (seen) => {
        options.generationSeen(seen);
        return options.store.claim(() => options.store.nextGeneration(seen));
      },
      show: (job) => options.onChange(job, false),
      report: options.report,
    };
  }

  /** Apart, so that the model test can plant mistakes in it. */
  protected afterDeath(...of: Parameters<typeof afterDeath>): AfterDeath {
    return afterDeath(...of);
  }

  #died(...of: Parameters<SettlingMeans["onDeath"]>): void {
    const { store, onChange } = this.options;
    const means = { ...this.options, claims: this.claims };
    const { told, restore } = store.claim(() => this.afterDeath(means, ...of));
    onChange(told.job, false);
    if (!restore) return;
    onChange(restore.job, true);
    this.#run(restore).dispatch({ type: "begin" });
  }

  #save(record: SwapRecord, change: BeliefChange, allow?: () => void): void {
    const { store, log, onChange, record: keep } = this.options;
    const { job } = record;
    log.flush();
    store.claim(() => {
      allow?.();
      store.save(record);
      keep(job);
      this.claims.follow(record, change);
    });
    if (job.ended_at) {
      this.#runs.delete(job.job_id);
      log.settle(job.job_id);
      this.#settling.watch(job.job_id);
    }
    onChange(job, true);
  }
}
