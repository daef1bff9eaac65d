/** Services in words. Pure. */
import type { Slot } from "../api.ts";
import type { Tone } from "../panels/pill.ts";
import type { BotUpdate, Service, ServiceAction } from "./calls.ts";

export const STATES: Readonly<Record<Service["state"], readonly [Tone, string]>> = {
  healthy: ["ok", "Healthy"],
  busy: ["busy", "Busy"],
  starting: ["move", "Starting"],
  stopped: ["off", "Stopped"],
  unhealthy: ["bad", "Unhealthy"],
  unreachable: ["bad", "Unreachable"],
  not_configured: ["off", "Not configured"],
  unknown: ["unknown", "Not looked at yet"],
};

/** What needs somebody first. What is not configured is no part of a summary. */
export const SUMMARY_ORDER: readonly Service["state"][] = [
  "unhealthy",
  "unreachable",
  "unknown",
  "starting",
  "stopped",
  "busy",
  "healthy",
];

/** The services wait for a second look before one counts as down; beside a slot that is, its own word holds at once. */
export function asSlotsSay(all: readonly Service[], slots: readonly Slot[]): readonly Service[] {
  return all.map((service) => {
    const slot = slots.find(({ name }) => service.is_slot && name === service.name);
    if (slot?.state !== "not_answering" || service.state !== "healthy") return service;
    const { since, message } = slot.difference ?? { since: service.checked_at, message: null };
    const reason = message ?? "Its model does not answer.";
    return { ...service, state: "unhealthy", since: since ?? service.since, reason };
  });
}

/** "7 healthy, 1 busy, 1 unhealthy" */
export function countsOf(all: readonly Pick<Service, "state">[]): string {
  return SUMMARY_ORDER.toReversed()
    .map((state) => [all.filter((service) => service.state === state).length, STATES[state][1].toLowerCase()] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
}

/** What a service is for, as a person would say it. */
export const PURPOSES: Readonly<Record<Service["kind"], string>> = {
  vllm: "Chat model",
  asr: "Transcription",
  diarizer: "Speaker labels",
  tts: "Speech",
  embeddings: "Embeddings",
  reranker: "Reranker",
  qdrant: "Search",
  http: "Web service",
  bot: "Bot",
};

/** First what it is for, then the name that files and logs use; where its kind tells little, the name is first. */
export function namesOf({ name, kind }: Pick<Service, "name" | "kind">): readonly [title: string, second: string] {
  const purpose = PURPOSES[kind];
  return kind === "http" || kind === "bot" ? [name, purpose.toLowerCase()] : [purpose, name];
}

export const ACTION_WORDS: Readonly<Record<ServiceAction | "update", readonly [verb: string, doing: string]>> = {
  start: ["Start", "It is being started"],
  stop: ["Stop", "It is being stopped"],
  restart: ["Restart", "It is being restarted"],
  update: ["Update", "It is being updated"],
};

/** What an action means, before it is confirmed. */
export function consequence({ is_slot, in_flight, kind }: Service, action: ServiceAction): string {
  const running = in_flight === 0 ? "" : ` ${in_flight} of its requests are running now.`;
  if (is_slot)
    return action === "stop"
      ? `The model is stopped once its running requests have ended, and its memory is freed.${running}`
      : `Its model is loaded ${action === "start" ? "" : "again "}as in a swap, which takes minutes.${running}`;
  if (action === "start") return "Its container is started, and looked at until it answers or has ended.";
  const pause = kind === "bot" ? "It says and hears nothing meanwhile." : "Whoever uses it gets errors meanwhile.";
  return action === "stop"
    ? `Its container is stopped, and stays so until somebody starts it. ${pause}${running}`
    : `Its container is restarted, which takes seconds to a few minutes. ${pause}${running}`;
}

export const UPDATE_STATES: Readonly<Record<BotUpdate["state"], readonly [Tone, string]>> = {
  running: ["move", "Updating"],
  succeeded: ["ok", "Updated"],
  failed: ["bad", "Update failed"],
  timed_out: ["bad", "Update took too long"],
  cancelled: ["off", "Update cancelled"],
  unknown: ["unknown", "How the update ended is not known"],
};

type Step = BotUpdate["steps"][number];

/** What a step does, and what helps when it fails. */
export const UPDATE_STEPS: Readonly<Record<Step["name"], readonly [does: string, help: string]>> = {
  fetch: [
    "Fetch the newest version",
    "Check that the Spark reaches the internet, and that the bot's key may read its repository.",
  ],
  reset: ["Put it in place", "Check in Settings, under Services, that the branch and the folder are right."],
  build: [
    "Build and start it",
    "Its last words are below. If the bot has stopped, Restart brings back what was built last.",
  ],
};

const STEP_WORDS: Readonly<Record<Step["state"], readonly [Tone, string]>> = {
  waiting: ["off", "Waits"],
  running: ["move", "Now"],
  done: ["ok", "Done"],
  failed: ["bad", "Failed"],
};

/** @param isOver the update has ended: what waits still is not done any more */
export function stepState(state: Step["state"], isOver: boolean): readonly [Tone, string] {
  return isOver && state === "waiting" ? ["off", "Not done"] : STEP_WORDS[state];
}

export const DEEP_OUTCOMES: Readonly<Record<NonNullable<Service["deep_check"]>["outcome"], readonly [Tone, string]>> = {
  passed: ["ok", "did its work"],
  failed: ["bad", "failed at its work"],
  busy: ["busy", "too slow while the GPU works, which says nothing"],
  skipped: ["off", "nothing to check"],
};

/** What the end of the log means when nothing comes any more; null while the container runs, or nobody knows. */
export function logEnd(container: Service["container"]): string | null {
  if (container === null) return null;
  const { status, exit_code } = container;
  const code = exit_code === null ? "" : ` with exit code ${exit_code}`;
  if (status === "exited" || status === "dead")
    return `Its container has ended${code}. These are its last lines; the log goes on once it is started.`;
  if (status === "restarting") return `Its container has ended${code}, and docker starts it again.`;
  if (status === "paused") return "Its container is paused, so nothing comes.";
  return status === "missing" ? "Its container is gone, and its log with it." : null;
}
