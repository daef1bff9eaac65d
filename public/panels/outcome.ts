/** How a swap ended, as a state. */
import type { SwapJob } from "../api.ts";
import { modelName } from "../state.ts";
import { wordOf } from "./phases.ts";
import type { Tone } from "./pill.ts";

export interface Outcome {
  readonly tone: Tone;
  readonly word: string;
}

export function outcomeOf(job: SwapJob): Outcome {
  switch (job.state) {
    case "ready":
      return job.died ? { tone: "bad", word: "Ended after it was ready" } : { tone: "ok", word: "Ready" };
    case "failed":
      return { tone: "bad", word: "Failed" };
    case "cancelled":
      return { tone: "off", word: "Cancelled" };
    case "unknown":
      return { tone: "unknown", word: "Unknown" };
    default:
      return { tone: "move", word: wordOf(job) };
  }
}

export function outcomeSentence(job: SwapJob): string {
  if (job.died) return job.reason ?? job.died.failure.message;
  if (job.ended_at === null || job.state === "ready") return "";
  const reason = job.state === "cancelled" ? "" : (job.reason ?? "The outcome is not known.");
  const back = job.rolled_back_to === null ? "" : `${modelName(job.rolled_back_to)} was put back.`;
  return [reason, back].filter((part) => part !== "").join(" ");
}
