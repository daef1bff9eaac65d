/**
 * The swap machine: pure, synchronous, total. `step` takes a state and an event and gives the next state and the
 * effects to start. It decides everything; engine.ts only carries out.
 *
 * Invariants (tests/lib/swap/machine.test.ts):
 * - At most one effect of an attempt is running; a new effect is started only after its predecessor reported.
 * - After `launch` has been asked for, no end is reached without `verified` or a completed `clean_up`:
 *   nothing half running is left behind. Only what was overtaken, or is another controller's, is not ours to clean up.
 * - `ready` is reached only through `verified`.
 * - A settled state accepts no event.
 */
import { beside } from "./failure.ts";
import { type Failure, SETTLED, type SwapState } from "./swap.ts";

export type Leg = "forward" | "rollback";

/**
 * What a stop has left of what ran before: nothing was told to stop, or it was and nobody has seen yet what became of it, or a
 * look has shown that it is gone, or that it still runs.
 */
export type StopLeft = "untouched" | "unproven" | "gone" | "stays";

export interface MachineState {
  readonly state: SwapState;
  readonly leg: Leg;
  readonly phase: string;
  /** Set as soon as the swap can no longer become ready: where it will end, once cleaned up and rolled back. */
  readonly ending: { readonly as: "failed" | "cancelled"; readonly failure: Failure | null } | null;
  /** True while an effect that must not be interrupted half-way is being undone. */
  readonly cleaning: boolean;
  /** A model to return to, and the wish to do so. */
  readonly canRollBack: boolean;
  /** The previous model was asked to stop: from here on an end means rolling back, if wanted. */
  readonly stopBegun: boolean;
  /** Of a stop that was not verified; left out before it and once it is. */
  readonly stopLeft?: StopLeft;
  /** Other slots that were found empty then. */
  readonly alsoGone?: readonly string[];
  /** Outcome of the rollback leg, once known. */
  readonly rolledBack: boolean | null;
  /** Why the rollback leg failed. Records of earlier versions have none. */
  readonly rollbackFailure?: Failure | null;
  /** Why the last clean-up could not be verified: while the end is unknown it is told why. */
  readonly cleanUpFailure?: Failure;
}

export type MachineEvent =
  | { readonly type: "begin" }
  /** @param wayBack false: what runs there now cannot be loaded again, because it was started by hand */
  | { readonly type: "prepared"; readonly wayBack?: boolean }
  | { readonly type: "drained" }
  /** From here on what ran before may be gone. */
  | { readonly type: "telling" }
  | { readonly type: "stopped" }
  /** What a stop that failed has left in the swap's own slot. @param alsoGone other slots that were to make room, and are empty */
  | { readonly type: "looked"; readonly left: "gone" | "stays"; readonly alsoGone: readonly string[] }
  | { readonly type: "launched" }
  | { readonly type: "progress"; readonly phase: string }
  | { readonly type: "answering" }
  | { readonly type: "verified" }
  | { readonly type: "cleaned" }
  /** The running effect failed. `fenced`: a node obeys another controller; what runs there is not ours to touch. */
  | { readonly type: "failed"; readonly failure: Failure; readonly fenced?: boolean }
  | { readonly type: "cancel" }
  /** An unknown end is looked into: what is left is cleaned up, once the Sparks answer again. */
  | { readonly type: "resolve" }
  /** These data are old, and what they say was under way has ended since: it ends here too, and nothing is touched. */
  | { readonly type: "overtaken"; readonly failure: Failure }
  /** The controller was restarted: the effect of the present state has to be taken up again. */
  | { readonly type: "resume" };

export type Effect =
  /** Everything that can be known before anything is touched: reachable, fits, script, image, port. */
  | { readonly type: "prepare" }
  | { readonly type: "drain" }
  | { readonly type: "stop" }
  | { readonly type: "launch"; readonly leg: Leg }
  | { readonly type: "follow"; readonly leg: Leg }
  | { readonly type: "verify"; readonly leg: Leg }
  | { readonly type: "clean_up"; readonly leg: Leg }
  /** What has a stop left that failed? What is half stopped is stopped for good. */
  | { readonly type: "look" }
  /** Give up the effect that is running; its report no longer counts. */
  | { readonly type: "abort" };

export interface Step {
  readonly state: MachineState;
  readonly effects: readonly Effect[];
}

export function initialState(canRollBack: boolean): MachineState {
  return {
    state: "planned",
    leg: "forward",
    phase: "planned",
    ending: null,
    cleaning: false,
    canRollBack,
    stopBegun: false,
    rolledBack: null,
  };
}

/** Nothing happens any more of itself. `unknown` is over until it is looked into. */
export function isOver(state: MachineState): boolean {
  return SETTLED.has(state.state) && !state.cleaning;
}

export function step(state: MachineState, event: MachineEvent): Step {
  if (state.state === "unknown" && event.type === "resolve") return cleanUp(state, "looking");
  if (event.type === "overtaken" && (state.state === "unknown" || !isOver(state)))
    return overtaken(state, event.failure);
  if (isOver(state)) return stay(state);
  if (event.type === "resume") return resume(state);
  if (event.type === "cancel") return cancel(state);
  if (state.cleaning) return whileCleaning(state, event);
  if (event.type === "failed") return fail(state, event.failure, event.fenced ?? false);
  switch (state.state) {
    case "planned":
      if (event.type === "begin") return { state: { ...state, phase: "checking" }, effects: [{ type: "prepare" }] };
      if (event.type !== "prepared") return stay(state);
      return to({ ...state, canRollBack: state.canRollBack && event.wayBack !== false }, "draining", { type: "drain" });
    case "draining":
      return event.type === "drained" ? to({ ...state, stopBegun: true }, "stopping", { type: "stop" }) : stay(state);
    case "stopping":
      if (event.type === "telling" && !state.stopLeft)
        return { state: { ...state, stopLeft: "unproven" }, effects: [] };
      return event.type === "stopped" ? afterStop(proven(state)) : stay(state);
    case "launching":
      return event.type === "launched" ? to(state, "loading", { type: "follow", leg: state.leg }) : stay(state);
    case "loading":
      if (event.type === "progress") return { state: { ...state, phase: event.phase }, effects: [] };
      return event.type === "answering" ? to(state, "verifying", { type: "verify", leg: state.leg }) : stay(state);
    case "verifying":
      return event.type === "verified" ? afterVerified(state) : stay(state);
    default:
      return stay(state);
  }
}

const stay = (state: MachineState): Step => ({ state, effects: [] });

const to = (state: MachineState, name: SwapState, ...effects: Effect[]): Step => ({
  state: { ...state, state: name, phase: name },
  effects,
});

function proven({ stopLeft: _, ...state }: MachineState): MachineState {
  return state;
}

/** A cancel that came while the previous model was being stopped waits for the stop, then goes back. */
function afterStop(state: MachineState): Step {
  return state.ending ? rollBackOrEnd(state) : to(state, "launching", { type: "launch", leg: state.leg });
}

function afterVerified(state: MachineState): Step {
  return state.leg === "forward" ? to(state, "ready") : end({ ...state, rolledBack: true });
}

function fail(state: MachineState, failure: Failure, fenced: boolean): Step {
  // The rollback failed too: the first failure stays the reason, the second is told beside it, and the swap ends once this
  // attempt is cleaned up.
  const stops = state.state === "stopping";
  const ending = state.ending && !stops ? state.ending : { as: state.ending?.as ?? ("failed" as const), failure };
  const alsoFailed = state.leg === "rollback" ? { rolledBack: false, rollbackFailure: failure } : {};
  const next: MachineState = { ...state, ending, ...alsoFailed };
  // Nothing is launched beside what may still run, and nothing is rolled back to, before it is known what is left.
  if (stops && !state.stopLeft) return end({ ...next, stopLeft: "untouched" });
  if (fenced) return end({ ...next, rolledBack: null });
  switch (state.state) {
    case "planned":
    case "draining":
      return end(next);
    default:
      return cleanUp(next, "cleaning_up");
  }
}

function cancel(state: MachineState): Step {
  if (state.leg === "rollback" || state.ending?.as === "cancelled") return cancelRollback(state);
  const ending = state.ending ?? { as: "cancelled" as const, failure: null };
  const next: MachineState = { ...state, ending };
  switch (state.state) {
    case "planned":
    case "draining":
      return { state: end(next).state, effects: [{ type: "abort" }] };
    case "stopping":
      return state.cleaning ? stay(state) : { state: { ...next, phase: "cancelling" }, effects: [] };
    default: {
      if (state.cleaning) return stay(state);
      const cleaned = cleanUp(next, "cancelling");
      return { state: cleaned.state, effects: [{ type: "abort" }, ...cleaned.effects] };
    }
  }
}

/** A cancel that is repeated changes nothing; one during the return to the previous model leaves the slot empty. */
function cancelRollback(state: MachineState): Step {
  if (state.leg !== "rollback" || state.cleaning) return stay(state);
  const cleaned = cleanUp({ ...state, rolledBack: false }, "cancelling");
  return { state: cleaned.state, effects: [{ type: "abort" }, ...cleaned.effects] };
}

function cleanUp(state: MachineState, phase: string): Step {
  const shown = state.stopLeft === "unproven" ? "looking" : phase;
  return { state: { ...state, cleaning: true, phase: shown }, effects: [undoing(state)] };
}

function undoing({ stopLeft, leg }: MachineState): Effect {
  return stopLeft === "unproven" ? { type: "look" } : { type: "clean_up", leg };
}

function whileCleaning(state: MachineState, event: MachineEvent): Step {
  if (event.type === "failed" && event.fenced) return end(refused(state, event.failure));
  if (event.type === "failed") {
    const known: MachineState = { ...state, cleaning: false, cleanUpFailure: event.failure };
    return settle(known, "unknown", state.ending?.failure ?? event.failure);
  }
  if (event.type === "looked") {
    const known: MachineState = { ...state, cleaning: false, stopLeft: event.left, alsoGone: event.alsoGone };
    return event.left === "gone" ? rollBackOrEnd(known) : end(known);
  }
  if (event.type !== "cleaned") return stay(state);
  return state.leg === "forward" ? rollBackOrEnd({ ...state, cleaning: false }) : end({ ...state, cleaning: false });
}

/** The Spark's words stand beside what failed first: what it obeys by now may be why. */
function refused(state: MachineState, refusal: Failure): MachineState {
  const first = state.ending?.failure;
  return { ...state, ending: { as: state.ending?.as ?? "failed", failure: first ? beside(first, refusal) : refusal } };
}

function rollBackOrEnd(state: MachineState): Step {
  if (!state.canRollBack || !state.stopBegun) return end(state);
  const rollback: MachineState = { ...state, leg: "rollback" };
  const launched = to(rollback, "launching", { type: "launch", leg: "rollback" });
  return { state: { ...launched.state, phase: "rolling_back" }, effects: launched.effects };
}

function end(state: MachineState): Step {
  const as = state.ending?.as ?? "failed";
  return { state: { ...state, state: as, phase: as, cleaning: false }, effects: [] };
}

function overtaken(state: MachineState, failure: Failure): Step {
  return end({ ...state, ending: state.ending ?? { as: "failed", failure }, rolledBack: null });
}

/** The truth cannot be told from here: said so, never guessed. */
function settle(state: MachineState, name: "unknown", failure: Failure): Step {
  return {
    state: { ...state, state: name, phase: name, ending: { as: state.ending?.as ?? "failed", failure } },
    effects: [],
  };
}

/** Every effect is idempotent, so taking it up again is the same as going on. */
function resume(state: MachineState): Step {
  if (state.cleaning) return { state, effects: [undoing(state)] };
  switch (state.state) {
    case "planned":
      return step(state, { type: "begin" });
    case "draining":
      return { state, effects: [{ type: "drain" }] };
    case "stopping":
      return { state, effects: [{ type: "stop" }] };
    case "launching":
      return { state, effects: [{ type: "launch", leg: state.leg }] };
    case "loading":
      return { state, effects: [{ type: "follow", leg: state.leg }] };
    default:
      return { state, effects: [{ type: "verify", leg: state.leg }] };
  }
}
