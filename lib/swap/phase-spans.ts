/** When each phase of a swap began and ended. */
import type { MachineState } from "./machine.ts";
import type { SwapJob } from "./swap.ts";

/** The spans of a job after a step to `state`: what was open is closed, and what begins is added unless the swap has ended. */
export function nextPhases(job: SwapJob, state: MachineState, at: string, ended: boolean): SwapJob["phases"] {
  const closed = job.phases.map((span) => (span.ended_at === null ? { ...span, ended_at: at } : span));
  const name = state.leg === "rollback" && !ended ? `rollback_${state.phase}` : state.phase;
  return ended ? closed : [...closed, { name, started_at: at, ended_at: null }];
}
