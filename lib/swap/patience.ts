/** A question to a Spark that has to be answered before a swap may go on. */
import { Fault } from "../fault.ts";
import type { Node } from "../topology/topology.ts";
import { failureOf } from "./facts.ts";
import type { Run } from "./run.ts";
import { pause } from "./run.ts";
import type { Failure } from "./swap.ts";
import type { Timing } from "./timing.ts";

/** A Spark has not answered for as long as a load in progress waits for one. */
export class GivenUp extends Error {
  constructor(
    readonly node: string,
    readonly last: Failure,
  ) {
    super(last.message);
  }
}

/**
 * Asks until there is an answer, for as long as a load waits for a Spark; meanwhile the job says who gives none, and why.
 * @throws GivenUp
 */
export async function answerOf<T>(
  node: Node,
  ask: () => Promise<T>,
  run: Pick<Run, "log" | "waitsFor">,
  { followMs, contactDeadlineMs }: Pick<Timing, "followMs" | "contactDeadlineMs">,
  signal: AbortSignal,
): Promise<T> {
  const betweenMs = followMs * 5;
  // In rounds: the clock of a machine that has just started may be set meanwhile.
  for (let silentMs = 0, said = ""; ; ) {
    const asked = performance.now();
    try {
      const answer = await ask();
      run.waitsFor(null);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
      const why = failureOf(error);
      if (silentMs >= contactDeadlineMs) throw new GivenUp(node.name, why);
      run.waitsFor(why);
      if (why.message !== said) run.log(`It waits for an answer: ${why.message}`);
      said = why.message;
      await pause(betweenMs, signal);
      silentMs += performance.now() - asked;
    }
  }
}
