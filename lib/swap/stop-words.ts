/** Why a swap ends, in words: what is told beside its first failure, where that is not all. Pure. */
import { beside } from "./failure.ts";
import type { MachineState } from "./machine.ts";
import type { SwapOrder } from "./order.ts";
import type { Failure, SwapJob } from "./swap.ts";

/** And why nobody knows how, and what it has left of what ran before where its stop was not verified. */
export function whyItEnds(
  { state, ending, stopLeft, alsoGone = [], rolledBack, cleanUpFailure }: MachineState,
  { model, previous }: Pick<SwapOrder, "model" | "previous">,
  { previous_model }: Pick<SwapJob, "previous_model">,
): Failure | null {
  const first = ending?.failure ?? null;
  const isToldWhy = state === "unknown" && cleanUpFailure && cleanUpFailure.message !== first?.message;
  const why = first && isToldWhy ? beside(first, cleanUpFailure) : first;
  if (!why || !stopLeft) return why;
  const before = previous?.name ?? previous_model;
  const others = alsoGone.length > 0 ? ` Nothing runs in ${alsoGone.join(" and ")} any more.` : "";
  const words = {
    untouched: "Nothing was stopped.",
    unproven: `Whether ${before ?? "what ran before"} still runs is not known, and ${model.name} was not launched.`,
    stays: `${before ?? "What ran before"} still runs, and ${model.name} was not launched.`,
    gone: before === null ? `${model.name} was not launched.` : ended(before, model.name, rolledBack === true),
  };
  return { ...why, message: `${why.message} ${words[stopLeft]}${others}` };
}

function ended(before: string, wanted: string, isBack: boolean): string {
  return isBack
    ? `${before} was no longer running then, and ${wanted} was not launched.`
    : `${before} is no longer running, and ${wanted} was not launched.`;
}
