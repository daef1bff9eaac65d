/**
 * The first minute of a model that has got ready. What vLLM does for the first time with the first requests (allocations, kernels that
 * are compiled, an engine that runs out of memory) ends it in that time, if at all; it is looked at more closely then than what
 * has served for long. Nothing waits for this: the swap has ended, and the slot is anyone's. Who begins something there ends the watch.
 */
import { Fault } from "../fault.ts";
import { type Node, usableNode } from "../topology/topology.ts";
import { type Death, deathOf, whatIsGone } from "./death.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { Belief } from "./facts.ts";
import { oomKilled } from "./failure.ts";
import { LastLines } from "./last-lines.ts";
import type { SwapOrder } from "./order.ts";
import { type LogSegment, RemoteLog } from "./remote-log.ts";
import { pause } from "./run.ts";
import { storedAs } from "./run-log.ts";
import type { Failure } from "./swap.ts";
import type { SwapRecord } from "./swap-store.ts";

export interface SettlingMeans
  extends Pick<EngineOptions, "control" | "store" | "log" | "timing" | "topology" | "now"> {
  /** Whether a swap, a stop or a restart is under way in its slot. */
  isTouched(record: SwapRecord): boolean;
  /** @param remains see `SwapOrder` */
  onDeath(record: SwapRecord, failure: Failure, remains: SwapOrder["remains"]): void;
  report(error: unknown): void;
}

export class Settling {
  /** By the job that loaded it. */
  readonly #watches = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();

  constructor(private readonly means: SettlingMeans) {}

  /**
   * Watches what got ready within the last minute and is not watched: after a swap, whichever way it ended, because one that has
   * stopped nothing leaves what was there; after a restart of the controller.
   * @param ended the job that has ended in this moment, whatever the clock says
   */
  watch(ended: string | null = null): void {
    const { store, timing, now } = this.means;
    for (const { job_id } of store.beliefs()) {
      const record = store.find(job_id);
      if (!record?.job.ended_at || record.job.died || this.#watches.has(job_id)) continue;
      const passedMs = job_id === ended ? 0 : Math.max(0, Date.parse(now()) - Date.parse(record.job.ended_at));
      this.#begin(record, timing.settleMs - passedMs);
    }
  }

  #begin(record: SwapRecord, leftMs: number): void {
    const belief = this.#belief(record);
    if (leftMs <= 0 || belief === undefined) return;
    const abort = new AbortController();
    const done = this.#watch(record, belief, leftMs, abort.signal)
      .catch((error) => {
        if (!abort.signal.aborted) this.means.report(error);
      })
      .finally(() => this.#watches.delete(record.job.job_id));
    this.#watches.set(record.job.job_id, { abort, done });
  }

  async close(): Promise<void> {
    const watches = [...this.#watches.values()];
    for (const { abort } of watches) abort.abort(new Error("the controller is shutting down"));
    await Promise.all(watches.map(({ done }) => done));
  }

  /** Of the model that this swap loaded; undefined once something else was loaded or stopped there. */
  #belief({ job }: SwapRecord): Belief | undefined {
    return this.means.store.beliefs().find((each) => each.slot === job.slot && each.job_id === job.job_id);
  }

  async #watch(record: SwapRecord, belief: Belief, leftMs: number, signal: AbortSignal): Promise<void> {
    const { timing } = this.means;
    const nodes = belief.nodes.flatMap((name) => usableNode(this.means.topology(), name) ?? []);
    const [head, ...workers] = nodes;
    if (!head || nodes.length < belief.nodes.length) return;
    const began = performance.now();
    let contact = began;
    let missing = 0;
    let outlived = false;
    /** While all of it ran. */
    let whole: Readonly<Record<string, string>> = {};
    let killedOn: string | null = null;
    // Kept when a connection is cut, or the disk full, in the moment in which it is told.
    const lines = new LastLines();
    while (true) {
      await pause(timing.settleLookMs, signal);
      const isOver = () => !this.#belief(record) || this.means.isTouched(record);
      if (isOver()) return;
      try {
        const { gone, started } = await this.#seen(record, nodes, signal);
        if (isOver()) return;
        contact = performance.now();
        // Twice in a row: a process list may be read in the instant between two processes.
        missing = gone === null ? 0 : missing + 1;
        outlived = gone !== null && (outlived || gone.containerRuns);
        killedOn = gone && (killedOn ?? gone.killedOn);
        if (gone === null) whole = started;
        if (gone === null && contact - began > leftMs) return;
        if (gone === null || missing < 2) continue;
        // What another controller has stopped did not die.
        if (await this.#isOvertaken(nodes, signal)) return;
        const ends = await this.#lastWords(record, belief, [head, ...workers], lines, signal);
        if (isOver()) return;
        const seconds = Math.round((Date.parse(this.means.now()) - Date.parse(belief.since)) / 1000);
        const killed = killedOn && oomKilled(record.order.slot.container, killedOn);
        const failure = deathOf(belief.model, seconds, {
          ...ends,
          gone: gone.line,
          outlived,
          killedOn: killed,
          lines: lines.all(),
        });
        // What was started in another container since is somebody's.
        const isLeft = ([node, at]: readonly [string, string]) => whole[node] === at;
        const remains = Object.fromEntries(Object.entries(started).filter(isLeft));
        if (failure) this.means.onDeath(record, failure, remains);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Fault)) throw error;
        // A Spark that runs out of memory is silent first: the watch outlasts that, and looks again.
        if (performance.now() - contact > timing.contactDeadlineMs) return;
      }
    }
  }

  /** What shows that it has ended; null: it runs. And when each container was started in which a vLLM runs. */
  async #seen({ order }: SwapRecord, nodes: readonly Node[], signal: AbortSignal) {
    const { slot } = order;
    const views = await Promise.all(
      nodes.map(async (node) => ({ node: node.name, view: await this.means.control.look(node, slot, signal) })),
    );
    const parts = views.flatMap(({ node, view: { container, vllm } }) =>
      container && vllm.length > 0 ? [[node, container.startedAt] as const] : [],
    );
    const started: Readonly<Record<string, string>> = Object.fromEntries(parts);
    return { gone: whatIsGone(slot.container, views), started };
  }

  async #isOvertaken(nodes: readonly Node[], signal: AbortSignal): Promise<boolean> {
    const { control, store } = this.means;
    const fences = await Promise.all(nodes.map((node) => control.fence(node, signal)));
    return fences.some(({ foreign, generation }) => foreign !== null || generation > store.highestGeneration());
  }

  /** Reads what was written since it got ready: into the log of its swap, and to be explained. @param lines to which it is added */
  async #lastWords(
    { job }: SwapRecord,
    { launch_id }: Belief,
    nodes: readonly [Node, ...Node[]],
    lines: LastLines,
    signal: AbortSignal,
  ): Promise<Pick<Death, "launcher" | "rebooted">> {
    const { control, log, timing } = this.means;
    const leg = launch_id === job.job_id ? "forward" : "rollback";
    const known = log.readTo(job.job_id);
    const remote = new RemoteLog(control, nodes, launch_id, (source) => known.get(storedAs(source, leg)) ?? 0);
    remote.skipKnown();
    const take = (segment: LogSegment) => {
      log.append(job.job_id, storedAs(segment.source, leg), segment.text, segment.end);
      lines.add(segment);
    };
    return remote.readToEnd(take, timing, signal);
  }
}
