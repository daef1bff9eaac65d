/** Why a load has ended, read from what it left behind. Pure. */
import type { JobReading } from "./cluster.ts";
import { explainEnd, explainLog, failure, killedForMemory, oomKilled } from "./failure.ts";
import type { Failure } from "./swap.ts";

export interface LoadEnd {
  /** What shows that its vLLM is gone; null: it may still run. */
  readonly dead: string | null;
  readonly launcher: Pick<JobReading, "state" | "exitCode">;
  /** Name of a node that was restarted since the launch. */
  readonly rebooted: string | null;
  /** Name of a node whose kernel has killed it for memory, as far as docker has said so. */
  readonly killedOn: string | null;
  /** The last ones of its log. */
  readonly lines: readonly string[];
}

/**
 * What may still run is not explained from its log: what got ready may have complained before of what it can do without.
 * @param container its name
 * @returns null: it may still run
 */
export function endOfLoad(container: string, { dead, launcher, rebooted, killedOn, lines }: LoadEnd): Failure | null {
  if (rebooted !== null)
    return failure(
      "host_rebooted",
      `${rebooted} restarted while the model was loading.`,
      `${rebooted}: another boot id than at the launch`,
      "Check its power and its log, then swap again.",
    );
  if (dead === null) return null;
  if (killedOn !== null) return killedForMemory(lines, killedOn, oomKilled(container, killedOn));
  const { state, exitCode } = launcher;
  if (state !== "running" && state !== "prepared") return explainEnd(exitCode, lines);
  return (
    explainLog(lines) ??
    failure(
      "model_died",
      "vLLM ended without a word while it was loading.",
      dead,
      "Read the log, and the kernel's log on the Spark: the process may have been killed for memory.",
    )
  );
}
