/** What a job shows after a step of its machine. Pure. */
import { UNMEASURED } from "./load-meter.ts";
import { isOver, type MachineState } from "./machine.ts";
import type { SwapOrder } from "./order.ts";
import { nextPhases } from "./phase-spans.ts";
import { whyItEnds } from "./stop-words.ts";
import type { SwapJob } from "./swap.ts";

/** @param at ISO 8601 @returns how far it is left as it was, unless it has ended */
export function jobAfter(
  job: SwapJob,
  order: SwapOrder,
  before: MachineState,
  state: MachineState,
  at: string,
): SwapJob {
  const ended = isOver(state);
  const moved = before.phase !== state.phase || before.leg !== state.leg || before.state !== state.state;
  const failure = whyItEnds(state, order, job);
  const cancelled = state.ending?.as === "cancelled" ? "Cancelled." : null;
  const after: SwapJob = {
    ...job,
    state: state.state,
    phase: state.phase,
    leg: state.leg,
    reason: failure?.message ?? cancelled,
    failure,
    rolled_back_to: state.rolledBack ? (order.previous?.key ?? null) : null,
    rollback_failure: state.rollbackFailure ?? null,
    updated_at: at,
    ended_at: ended ? at : null,
    phases: moved ? nextPhases(job, state, at, ended) : job.phases,
  };
  if (!ended) return after;
  return { ...after, ...(state.state === "ready" ? { progress: 1 } : {}), eta_seconds: null, ...UNMEASURED };
}
