/**
 * Swaps that were under way when a backup was made. After a restore nothing is believed of them before the Sparks were asked: a
 * load that goes on there undisturbed, or has got ready since, is taken up; everything else ends here, without a hand on what
 * runs now. A restore stops nothing and loads nothing by itself.
 */
import { type Node, type Topology, usableNode } from "../topology/topology.ts";
import type { SparkControl } from "./cluster.ts";
import { failure } from "./failure.ts";
import type { MachineEvent } from "./machine.ts";
import { LOOK_AGAIN, othersNow } from "./old-data.ts";
import { attemptOf } from "./order.ts";
import { answerOf, GivenUp } from "./patience.ts";
import type { Failure } from "./swap.ts";
import type { SwapRecord, SwapStore } from "./swap-store.ts";
import type { Timing } from "./timing.ts";

/** A run, as far as it is led here. */
export interface Taken {
  readonly jobId: string;
  log(line: string): void;
  /** Shown as the reason of the job; null: it has answered. */
  waitsFor(failure: Failure | null): void;
  dispatch(event: MachineEvent): void;
}

export interface RestoredMeans {
  readonly control: Pick<SparkControl, "fence" | "readJob">;
  readonly store: Pick<SwapStore, "unsettled" | "unknown">;
  readonly timing: Pick<Timing, "followMs" | "contactDeadlineMs">;
  topology(): Topology;
  report(error: unknown): void;
}

type Asker = Pick<Taken, "log" | "waitsFor">;

interface Look {
  readonly record: SwapRecord;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export class RestoredSwaps {
  readonly #looks = new Map<string, Look>();

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
      run.dispatch({ type: "overtaken", failure: notBegun(inBackup(record)) });
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
    this.#looks.set(run.jobId, { record, abort, done });
  }

  /** Whether the Sparks are being asked about it still. */
  isLookingInto(jobId: string): boolean {
    return this.#looks.has(jobId);
  }

  /** Ends one that nobody could tell anything of yet, and touches nothing. */
  giveUp(run: Taken): void {
    const look = this.#looks.get(run.jobId);
    look?.abort.abort(new Error("the swap was cancelled"));
    this.#looks.delete(run.jobId);
    run.dispatch({ type: "overtaken", failure: notAsked(look ? inBackup(look.record) : null) });
  }

  async close(): Promise<void> {
    const looks = [...this.#looks.values()];
    for (const { abort } of looks) abort.abort(new Error("the controller is shutting down"));
    await Promise.all(looks.map(({ done }) => done));
  }

  async #look(record: SwapRecord, run: Asker, signal: AbortSignal): Promise<MachineEvent> {
    try {
      return await this.#ask(record, run, signal);
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error;
      return { type: "overtaken", failure: silent(error) };
    }
  }

  async #ask(record: SwapRecord, run: Asker, signal: AbortSignal): Promise<MachineEvent> {
    const { job, machine, order, restored = 0 } = record;
    const { control, timing } = this.means;
    const { model, launchId } = attemptOf(order, job.job_id, machine.leg);
    const nodes = order.slot.nodes.slice(0, model.nodes).flatMap((name) => this.#node(name, order.nodes) ?? []);
    for (const node of nodes) {
      const { foreign, generation } = await answerOf(node, () => control.fence(node, signal), run, timing, signal);
      if (foreign !== null) return { type: "overtaken", failure: othersNow(node.name, foreign) };
      if (generation > restored) return { type: "overtaken", failure: overtaken(node.name, generation, restored) };
    }
    if (machine.state !== "stopping" && machine.state !== "launching") return { type: "resume" };
    // Not launched when the backup was made; if it was launched right afterwards, that is the last thing that happened there.
    const [head] = nodes;
    const launch =
      head && (await answerOf(head, () => control.readJob(head, launchId, 0, 1, signal), run, timing, signal));
    if (!launch || launch.state === "absent" || machine.ending) {
      const seen = head && launch?.state === "absent" ? `; ${head.name} has no launch ${launchId}` : "";
      return { type: "overtaken", failure: notBegun(`${inBackup(record)}${seen}`) };
    }
    return machine.state === "stopping" ? { type: "stopped" } : { type: "resume" };
  }

  #node(name: string, frozen: SwapRecord["order"]["nodes"]): Node | undefined {
    return usableNode(this.means.topology(), name) ?? frozen?.find((each) => each.name === name);
  }
}

/** What these data say of it. */
const inBackup = ({ job, restored = 0 }: SwapRecord): string =>
  `in the backup, which knew generation ${restored}, it was ${job.state} (${job.phase})`;

/** What ran before that swap is not loaded again long after it, should its load turn out to have failed. */
const withoutWayBack = (record: SwapRecord): SwapRecord => ({
  ...record,
  machine: { ...record.machine, canRollBack: false },
});

const notBegun = (evidence: string): Failure =>
  failure(
    "restored",
    "These data were restored from a backup; what this swap had not done yet is not done now.",
    evidence,
    LOOK_AGAIN,
  );

const notAsked = (evidence: string | null): Failure =>
  failure(
    "restored",
    "Given up before the Sparks could be asked: these data were restored from a backup.",
    evidence,
    LOOK_AGAIN,
  );

const silent = ({ node, last }: GivenUp): Failure =>
  failure(
    "restored",
    `These data were restored from a backup, and ${node} could not be asked whether this swap still goes on.`,
    last.evidence === null ? last.message : `${last.message} ${last.evidence}`,
    `A load that goes on there is shown once ${node} answers. ${last.advice ?? ""}`.trim(),
  );

const overtaken = (node: string, seen: number, known: number): Failure =>
  failure(
    "restored",
    "These data were restored from a backup, and the Spark has been used since: this swap ended long ago.",
    `${node} remembers generation ${seen}, the backup ${known}`,
    LOOK_AGAIN,
  );
