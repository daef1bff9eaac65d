/** A swap's phases as the page shows them: seven steps, made of the finer ones that the controller reports. Pure. */
import type { Plan, SwapJob } from "../api.ts";
import { secondsBetween } from "../format.ts";

export interface Step {
  readonly name: string;
  readonly state: "done" | "now" | "todo" | "failed";
  /** Null when the step has not begun, or was not needed. */
  readonly seconds: number | null;
  /** How long it usually takes, in seconds; what widths are made of. */
  readonly usual: number;
  /** 0..1 of this step. */
  readonly done: number;
}

const STEPS: readonly { readonly name: string; readonly phases: readonly string[]; readonly share: number }[] = [
  { name: "Check", phases: ["planned", "checking"], share: 0.01 },
  { name: "Finish requests", phases: ["draining"], share: 0.02 },
  { name: "Stop", phases: ["stopping"], share: 0.04 },
  { name: "Start", phases: ["rolling_back", "launching", "loading", "containers", "engine"], share: 0.08 },
  { name: "Load weights", phases: ["weights"], share: 0.55 },
  { name: "Warm up", phases: ["compile", "kv_cache", "graphs", "warmup", "serving"], share: 0.27 },
  { name: "Test", phases: ["verifying"], share: 0.03 },
];
export const STEP_NAMES: readonly string[] = STEPS.map(({ name }) => name);
const FIRST_STEP_OF_ROLLBACK = 3;
const ROLLBACK = "rollback_";
/** A swap of which nothing is known takes about this long. */
const USUAL_SWAP_SECONDS = 360;

/** Usual seconds of each step, by name. */
export type Usual = Readonly<Record<string, number>>;

/** The steps' usual lengths: the middle of past loads of that model where there are any, else shares of the whole. */
export function usualSteps(model: string, past: readonly SwapJob[], wholeSeconds: number | null): Usual {
  const loads = past.filter((job) => job.model === model && job.state === "ready" && job.leg === "forward").slice(0, 5);
  const whole = wholeSeconds ?? USUAL_SWAP_SECONDS;
  return Object.fromEntries(
    STEPS.map((step) => {
      const known = loads.map((job) => secondsOf(step.phases, job, false, 0)).filter((seconds) => seconds !== null);
      return [step.name, known.length > 0 ? median(known) : step.share * whole];
    }),
  );
}

/** Seconds of each step, by name, from a plan's phases; they add up to its downtime. The check is a step's end: "Test". */
export function plannedSeconds(phases: Plan["phases"]): Usual {
  const stepOf = (phase: string) =>
    STEPS.find((step) => step.phases.includes(phase === "serving" ? "verifying" : phase));
  const seconds: Record<string, number> = {};
  for (const phase of phases) {
    const name = stepOf(phase.name)?.name;
    if (name !== undefined) seconds[name] = (seconds[name] ?? 0) + phase.seconds;
  }
  return seconds;
}

/** @param now milliseconds since 1970; times what is still going on */
export function stepsOf(job: SwapJob, now: number, usual: Usual = usualSteps(job.model, [], null)): Step[] {
  const back = job.leg === "rollback";
  const at = STEPS.findIndex((step) => step.phases.includes(job.phase));
  const steps = STEPS.map((step, index): Step => {
    const seconds = secondsOf(step.phases, job, back, now);
    const state = at < 0 ? (seconds === null ? "todo" : "done") : index < at ? "done" : index === at ? "now" : "todo";
    const typical = Math.max(usual[step.name] ?? 0, 0.001);
    // What is measured counts. The clock is for steps that report nothing; it never claims that one is over.
    const part = step.phases.includes("weights") ? job.part : null;
    const done = state === "done" ? 1 : state === "now" ? (part ?? Math.min((seconds ?? 0) / typical, 0.95)) : 0;
    return { name: step.name, state, seconds, usual: typical, done };
  });
  const shown = back ? steps.slice(FIRST_STEP_OF_ROLLBACK) : steps;
  if (at >= 0) return shown;
  // Cleaning up is not one of the steps towards ready: it takes their place.
  const word = { name: wordOf(job), seconds: null, usual: 10 };
  const past = shown.filter((step) => step.state === "done");
  if (job.ended_at === null) return [...past, { ...word, state: "now", done: 0.5 }];
  return past;
}

/** The steps of a swap that has ended; the last one of a failed swap is where it failed. */
export function endedSteps(job: SwapJob): Step[] {
  const end = Date.parse(job.ended_at ?? job.updated_at);
  const steps = STEPS.flatMap(({ name, phases }): Step[] => {
    const seconds = secondsOf(phases, job, false, end);
    return seconds === null ? [] : [{ name, state: "done", seconds, usual: Math.max(seconds, 0.001), done: 1 }];
  });
  const last = steps.at(-1);
  if (job.state === "failed" && last) steps[steps.length - 1] = { ...last, state: "failed" };
  return steps;
}

export type BarKind = "drain" | "load" | "warm";

/** Seconds spent before, in and after the loading of the weights: for the bars of the history. */
export function barOf(job: SwapJob): { readonly kind: BarKind; readonly seconds: number }[] {
  const sums: Record<BarKind, number> = { drain: 0, load: 0, warm: 0 };
  for (const { name, seconds } of endedSteps(job)) {
    const at = STEP_NAMES.indexOf(name);
    sums[at < 3 ? "drain" : at < 5 ? "load" : "warm"] += seconds ?? 0;
  }
  return (["drain", "load", "warm"] as const).map((kind) => ({ kind, seconds: sums[kind] }));
}

function secondsOf(phases: readonly string[], job: SwapJob, back: boolean, now: number): number | null {
  const own = job.phases
    .filter((span) => span.name.startsWith(ROLLBACK) === back)
    .filter((span) => phases.includes(back ? span.name.slice(ROLLBACK.length) : span.name));
  if (own.length === 0) return null;
  return own.reduce((sum, span) => sum + secondsBetween(span.started_at, span.ended_at ?? now), 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

const WORDS: Readonly<Record<string, string>> = {
  planned: "Checking",
  draining: "Finishing requests",
  stopping: "Stopping",
  launching: "Starting",
  loading: "Loading",
  verifying: "Testing",
};

/** What goes on, in one word or two. */
export function wordOf(job: SwapJob): string {
  if (job.phase === "cancelling") return "Cancelling";
  if (job.phase === "cleaning_up") return "Cleaning up";
  if (job.phase === "looking") return "Looking";
  if (job.leg === "rollback") return "Going back";
  return WORDS[job.state] ?? job.state;
}
