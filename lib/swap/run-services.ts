/** What the engine gives a run: its means, and how a step is made durable. */
import type { BeliefChange } from "./belief-change.ts";
import type { Effect } from "./machine.ts";
import type { EffectBody, Run } from "./run.ts";
import type { SwapJob } from "./swap.ts";
import type { SwapRecord } from "./swap-store.ts";

export type EffectBodies = Readonly<Record<Exclude<Effect["type"], "abort">, EffectBody>>;

/** What a run needs of the engine. */
export interface RunServices
  extends Omit<
    Run,
    | "jobId"
    | "generation"
    | "order"
    | "drainDesk"
    | "raiseGeneration"
    | "log"
    | "logRemote"
    | "tail"
    | "beginReading"
    | "progress"
    | "loadTimes"
    | "watched"
    | "waitsFor"
    | "telling"
    | "hasTold"
  > {
  readonly effects: EffectBodies;
  now(): string;
  /** @param readTo where it ends in the remote log of its source */
  writeLog(source: string, line: string, readTo?: number): void;
  /** Up to which byte the store has the log of each source. */
  readTo(): ReadonlyMap<string, number>;
  /**
   * Makes the step durable, together with what follows from it for the slot.
   * @param allow asked first, within the same transaction: throws when the step may not happen
   */
  save(record: SwapRecord, belief: BeliefChange, allow?: () => void): void;
  /** Makes it durable, and tells nobody: what is shown has not changed. */
  keep(record: SwapRecord): void;
  /** A generation above `seen` and above all that were given out, durable. */
  generationAbove(seen: number): number;
  /** Tells those who watch; nothing is written. */
  show(job: SwapJob): void;
  report(error: unknown): void;
}
