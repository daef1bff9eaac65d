/** A swap's phases as the page shows them: seven steps, made of the finer ones that the controller reports. */
import type { SwapJob } from "../api.ts";
import { secondsBetween } from "../format.ts";

export interface Step {
  readonly name: string;
  readonly state: "done" | "now" | "todo";
  /** Null when the step has not begun, or was not needed. */
  readonly seconds: number | null;
}

const STEPS: readonly { readonly name: string; readonly phases: readonly string[] }[] = [
  { name: "Check", phases: ["planned", "checking"] },
  { name: "Finish requests", phases: ["draining"] },
  { name: "Stop", phases: ["stopping"] },
  { name: "Start", phases: ["rolling_back", "launching", "loading", "containers", "engine"] },
  { name: "Load weights", phases: ["weights"] },
  { name: "Warm up", phases: ["compile", "kv_cache", "graphs", "warmup", "serving"] },
  { name: "Test", phases: ["verifying"] },
];
const FIRST_STEP_OF_ROLLBACK = 3;
const ROLLBACK = "rollback_";

/** @param now milliseconds since 1970; times what is still going on */
export function stepsOf(job: SwapJob, now: number): Step[] {
  const back = job.leg === "rollback";
  const spans = job.phases
    .filter((span) => span.name.startsWith(ROLLBACK) === back)
    .map((span) => ({ ...span, name: back ? span.name.slice(ROLLBACK.length) : span.name }));
  const at = STEPS.findIndex((step) => step.phases.includes(job.phase));
  const steps = STEPS.map((step, index): Step => {
    const own = spans.filter((span) => step.phases.includes(span.name));
    const seconds = own.reduce((sum, span) => sum + secondsBetween(span.started_at, span.ended_at ?? now), 0);
    const state = at < 0 ? (own.length > 0 ? "done" : "todo") : index < at ? "done" : index === at ? "now" : "todo";
    return { name: step.name, state, seconds: own.length > 0 ? seconds : null };
  });
  const shown = back ? steps.slice(FIRST_STEP_OF_ROLLBACK) : steps;
  // Cleaning up is not one of the steps towards ready: it takes their place.
  if (at >= 0) return shown;
  return [...shown.filter((step) => step.state === "done"), { name: wordOf(job), state: "now", seconds: null }];
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
  if (job.leg === "rollback") return "Going back";
  return WORDS[job.state] ?? job.state;
}
