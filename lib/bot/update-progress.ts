/** How an update goes on, from the lines of its job and from how the job ended. Pure. */
import { type BotUpdate, commandOf, STEPS, type StepName } from "./bot-update.ts";

export interface NewUpdate {
  readonly id: string;
  readonly service: string;
  readonly branch: string;
  readonly limitSeconds: number;
  readonly by: string;
  /** ISO 8601 UTC. */
  readonly at: string;
}

export function newUpdate({ id, service, branch, limitSeconds, by, at }: NewUpdate): BotUpdate {
  return {
    id,
    service,
    state: "running",
    steps: STEPS.map((name) => ({ name, command: commandOf(name, branch), state: "waiting" })),
    reason: null,
    branch,
    limit_seconds: limitSeconds,
    by,
    started_at: at,
    ended_at: null,
    last_seq: 0,
  };
}

/** Lines of the job's own: which step it is at, that one failed, that its time is over. */
const MARK = /^::(?:step (fetch|reset|build)|(failed) \d+|(timeout))$/;

export interface Mark {
  readonly step?: StepName;
  readonly isTimeout: boolean;
}

/** Null for a line of output. */
export function markIn(line: string): Mark | null {
  const match = MARK.exec(line);
  if (!match) return null;
  const step = match[1] as StepName | undefined;
  return { ...(step ? { step } : {}), isTimeout: match[3] !== undefined };
}

/** The steps before it are done, whatever was heard of them. */
export function atStep(update: BotUpdate, step: StepName): BotUpdate {
  const at = STEPS.indexOf(step);
  const state = (index: number) => (index < at ? "done" : index === at ? "running" : "waiting");
  return { ...update, steps: update.steps.map((each, index) => ({ ...each, state: state(index) })) };
}

export interface JobEnd {
  readonly state: "absent" | "prepared" | "exited" | "vanished" | "rebooted";
  readonly exitCode: number | null;
  /** It said that its time was over. */
  readonly timedOut: boolean;
  /** Somebody asked for its end. */
  readonly cancelled: boolean;
  /** Its last words. */
  readonly lastLine: string | null;
}

export function ended(update: BotUpdate, end: JobEnd, at: string): BotUpdate {
  const isGood = end.state === "exited" && end.exitCode === 0;
  const current = update.steps.find(({ state }) => state === "running");
  return {
    ...update,
    state: stateOf(end, isGood),
    reason: isGood ? null : reasonOf(update, end, current?.command ?? null),
    ended_at: at,
    steps: update.steps.map((step) =>
      isGood ? { ...step, state: "done" } : step.state === "running" ? { ...step, state: "failed" } : step,
    ),
  };
}

function stateOf(end: JobEnd, isGood: boolean): BotUpdate["state"] {
  if (isGood) return "succeeded";
  if (end.cancelled) return "cancelled";
  return end.timedOut ? "timed_out" : "failed";
}

function reasonOf({ limit_seconds }: BotUpdate, end: JobEnd, command: string | null): string {
  const what = command ?? "The update";
  if (end.cancelled) return "It was cancelled.";
  if (end.timedOut) return `${what} was not done when the ${timeOf(limit_seconds)} were over, and was ended.`;
  if (end.state === "exited") {
    const said = end.lastLine === null ? "" : ` ${end.lastLine}`;
    return `${what} failed with exit code ${end.exitCode}.${said}`;
  }
  if (end.state === "rebooted") return `The Spark was restarted during ${what}.`;
  return end.state === "vanished" ? `${what} was killed.` : "It could not be begun.";
}

const timeOf = (seconds: number) => (seconds % 60 === 0 ? `${seconds / 60} minutes` : `${seconds} seconds`);
