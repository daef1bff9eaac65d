/** What a person is told of the model before, where its stop was not verified. Pure. */
import type { MachineState } from "./machine.ts";
import type { SwapOrder } from "./order.ts";
import type { Failure, SwapJob } from "./swap.ts";

/** Why a swap ends, and what it has left of what ran before. */
export function whyItEnds(
  { ending, stopLeft, alsoGone = [], rolledBack }: MachineState,
  { model, previous }: Pick<SwapOrder, "model" | "previous">,
  { previous_model }: Pick<SwapJob, "previous_model">,
): Failure | null {
  const why = ending?.failure ?? null;
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
