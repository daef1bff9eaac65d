/**
 * How long a load takes. From that model's past loads where there are any (the median of the last five, phase by
 * phase), else from its size: weights stream at about 0.3 GB/s per node from NVMe into unified memory, and the rest
 * (engine, compilation, graphs) takes about two minutes. Both figures are the middle of what two-Spark users report
 * (134 to 550 s for the weights of large models, 8 minutes in all).
 */
import { LOAD_PHASES, type LoadPhase, type LoadProgress } from "./phases.ts";

/** Seconds per phase of one finished load. */
export type PhaseSeconds = Readonly<Record<LoadPhase, number>>;

export interface LoadEstimate {
  readonly phases: PhaseSeconds;
  readonly totalSeconds: number;
  /** Past loads that it rests on. */
  readonly learntFrom: number;
}

const PAST_LOADS = 5;
const WEIGHT_GB_PER_SECOND = 0.3;
const DEFAULT_WEIGHTS_SECONDS = 240;
const FIXED: Omit<Record<LoadPhase, number>, "weights"> = {
  containers: 6,
  engine: 14,
  compile: 45,
  kv_cache: 5,
  graphs: 25,
  warmup: 10,
  serving: 4,
};

/**
 * @param past newest first
 * @param timeScale factor for what is not learnt: 1, less on a simulated cluster that runs faster
 */
export function estimateLoad(
  past: readonly PhaseSeconds[],
  sizeGb: number | null,
  nodes: number,
  timeScale: number,
): LoadEstimate {
  const recent = past.slice(0, PAST_LOADS);
  const weights = sizeGb === null ? DEFAULT_WEIGHTS_SECONDS : sizeGb / nodes / WEIGHT_GB_PER_SECOND;
  const phases = Object.fromEntries(
    LOAD_PHASES.map((phase) => [
      phase,
      recent.length > 0
        ? median(recent.map((load) => load[phase]))
        : timeScale * (phase === "weights" ? weights : FIXED[phase]),
    ]),
  ) as Record<LoadPhase, number>;
  return { phases, totalSeconds: sum(Object.values(phases)), learntFrom: recent.length };
}

export interface Remaining {
  /** 0..1 of the whole load. */
  readonly progress: number;
  readonly etaSeconds: number;
}

/**
 * @param secondsInPhase since the present phase began
 * @param unmeasured     how many of these have passed since its percents last grew
 */
export function remaining(estimate: LoadEstimate, at: LoadProgress, secondsInPhase: number, unmeasured = 0): Remaining {
  const index = LOAD_PHASES.indexOf(at.phase);
  const before = sum(LOAD_PHASES.slice(0, index).map((phase) => estimate.phases[phase]));
  const here = estimate.phases[at.phase];
  const after = sum(LOAD_PHASES.slice(index + 1).map((phase) => estimate.phases[phase]));
  // Measured progress within the phase beats the clock; the clock alone never claims that a phase is over.
  const part = at.part ?? Math.min(secondsInPhase / Math.max(here, 0.001), 0.95);
  // A phase that reports percents also tells its own speed. A pause says nothing of it: the guess does not grow with it.
  const moving = Math.max(secondsInPhase - unmeasured, 0);
  const left =
    at.part !== null && at.part > 0.05
      ? Math.max((moving / at.part) * (1 - at.part) - unmeasured, 0)
      : here * (1 - part);
  const total = Math.max(estimate.totalSeconds, 0.001);
  return { progress: Math.min((before + here * part) / total, 0.99), etaSeconds: Math.max(left + after, 0) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
