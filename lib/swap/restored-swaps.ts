/**
 * Swaps that were under way when a backup was made. After a restore nothing is believed of them before the Sparks were asked: a
 * load that goes on there undisturbed, or has got ready since, is taken up; everything else ends here, without a hand on what
 * runs now. A restore stops nothing and loads nothing by itself.
 */
import { Fault } from "../fault.ts";
import { type Node, type Topology, usableNode } from "../topology/topology.ts";
import type { SparkControl } from "./cluster.ts";
import { failure } from "./failure.ts";
import type { MachineEvent } from "./machine.ts";
import { attemptOf } from "./order.ts";
import { pause } from "./run.ts";
import type { Failure } from "./swap.ts";
import type { SwapRecord, SwapStore } from "./swap-store.ts";
import type { Timing } from "./timing.ts";

/** A run, as far as it is led here. */
export interface Taken {
  readonly jobId: string;
  log(line: string): void;
  dispatch(event: MachineEvent): void;
}

export interface RestoredMeans {
  readonly control: Pick<SparkControl, "fence" | "readJob">;
  readonly store: Pick<SwapStore, "unsettled" | "unknown">;
  readonly timing: Pick<Timing, "followMs">;
  topology(): Topology;
  report(error: unknown): void;
}

export class RestoredSwaps {
  readonly #looks = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();

  constructor(private readonly means: RestoredMeans) {}

  /** Every swap that an earlier process left unfinished: those of restored data with the care that they need. */
  resume(begin: (record: SwapRecord) => Taken): void {
    const { store } = this.means;
    for (const record of [...store.unsettled(), ...store.unknown()])
      if (record.restored !== undefined) this.#takeUp(begin(withoutWayBack(record)), record);
      else if (!record.job.ended_at) begin(record).dispatch({ type: "resume" });
  }

  #takeUp(run: Taken, record: SwapRecord): void {
    const { state, stopBegun, cleaning } = record.machine;
    // One that had stopped nothing: whoever asked for it has long done without. One that was being cleaned up, or whose end nobody
    // knew: to go on would stop what has been put in its place since, of which these data know nothing.
    if (!stopBegun || cleaning || state === "unknown") {
      run.dispatch({ type: "overtaken", failure: notBegun });
      return;
    }
    run.log("These data were restored from a backup: the Sparks are asked first whether this swap still goes on.");
    const abort = new AbortController();
    const done = this.#look(record, run, abort.signal)
      .then((event) => {
        if (abort.signal.aborted) return;
        this.#looks.delete(run.jobId);
        run.dispatch(event);
      })
      .catch((error) => {
        if (!abort.signal.aborted) this.means.report(error);
      });
    this.#looks.set(run.jobId, { abort, done });
  }

  /** Whether the Sparks are being asked about it still. */
  isLookingInto(jobId: string): boolean {
    return this.#looks.has(jobId);
  }

  /** Ends one that nobody could tell anything of yet, and touches nothing. */
  giveUp(run: Taken): void {
    this.#looks.get(run.jobId)?.abort.abort(new Error("the swap was cancelled"));
    this.#looks.delete(run.jobId);
    run.dispatch({ type: "overtaken", failure: notAsked });
  }

  async close(): Promise<void> {
    const looks = [...this.#looks.values()];
    for (const { abort } of looks) abort.abort(new Error("the controller is shutting down"));
    await Promise.all(looks.map(({ done }) => done));
  }

  async #look(
    { job, machine, order, restored = 0 }: SwapRecord,
    run: Pick<Taken, "log">,
    signal: AbortSignal,
  ): Promise<MachineEvent> {
    const { control } = this.means;
    const { model, launchId } = attemptOf(order, job.job_id, machine.leg);
    const nodes = order.slot.nodes.slice(0, model.nodes).flatMap((name) => this.#node(name, order.nodes) ?? []);
    for (const node of nodes) {
      const { foreign, generation } = await this.#answer(() => control.fence(node, signal), run, signal);
      if (foreign !== null) return { type: "overtaken", failure: othersNow(node.name, foreign) };
      if (generation > restored) return { type: "overtaken", failure: overtaken(node.name, generation, restored) };
    }
    if (machine.state !== "stopping" && machine.state !== "launching") return { type: "resume" };
    // Not launched when the backup was made; if it was launched right afterwards, that is the last thing that happened there.
    const [head] = nodes;
    const launch = head && (await this.#answer(() => control.readJob(head, launchId, 0, 1, signal), run, signal));
    if (!launch || launch.state === "absent" || machine.ending) return { type: "overtaken", failure: notBegun };
    return machine.state === "stopping" ? { type: "stopped" } : { type: "resume" };
  }

  #node(name: string, frozen: SwapRecord["order"]["nodes"]): Node | undefined {
    return usableNode(this.means.topology(), name) ?? frozen?.find((each) => each.name === name);
  }

  /** Asks until there is an answer; until then the log says who gives none. */
  async #answer<T>(ask: () => Promise<T>, run: Pick<Taken, "log">, signal: AbortSignal): Promise<T> {
    let said = "";
    while (true) {
      try {
        return await ask();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Fault)) throw error;
        if (error.message !== said) run.log(`It waits for an answer: ${error.message}`);
        said = error.message;
        await pause(this.means.timing.followMs * 5, signal);
      }
    }
  }
}

/** What ran before that swap is not loaded again long after it, should its load turn out to have failed. */
const withoutWayBack = (record: SwapRecord): SwapRecord => ({
  ...record,
  machine: { ...record.machine, canRollBack: false },
});

const LOOK_AGAIN = "The slot shows what really runs. Swap again if another model is wanted.";

const notBegun = failure(
  "restored",
  "These data were restored from a backup; what this swap had not done yet is not done now.",
  null,
  LOOK_AGAIN,
);

const notAsked = failure(
  "restored",
  "Given up before the Sparks could be asked: these data were restored from a backup.",
  null,
  LOOK_AGAIN,
);

const othersNow = (node: string, instance: string): Failure =>
  failure("fenced", `${node} obeys another Spark Control.`, `${node}: fenced instance ${instance}`, LOOK_AGAIN);

const overtaken = (node: string, seen: number, known: number): Failure =>
  failure(
    "restored",
    "These data were restored from a backup, and the Spark has been used since: this swap ended long ago.",
    `${node} remembers generation ${seen}, the backup ${known}`,
    LOOK_AGAIN,
  );
