/** The cluster in one line: for the block on every page and the title of the document. */
import type { Slot } from "./api.ts";
import { quarterMinute } from "./clock.ts";
import { about, clockTime, plural } from "./format.ts";
import type { Tone } from "./panels/pill.ts";
import { isStalled } from "./panels/stall.ts";
import * as state from "./state.ts";
import { noneServing } from "./words.ts";

export interface ClusterNow {
  readonly tone: Tone;
  readonly name: string;
  readonly detail: string;
  /** For narrow windows. */
  readonly short: string;
  /** 0..1 while a swap runs. */
  readonly progress: number | null;
  /** The reservation, if one is held. */
  readonly held: string | null;
}

/** Null until the first snapshot. Reads signals. */
export function clusterNow(): ClusterNow | null {
  const { connection, controller, running, slots } = state;
  if (!controller.value) return null;
  const held = heldUntil();
  const line = (tone: Tone, name: string, detail: string, short = name, progress: number | null = null) => ({
    tone,
    name,
    detail,
    short,
    progress,
    held,
  });
  const [job] = running.value;
  const names = slots.value.filter(({ model_name }) => model_name !== null);
  if (connection.value.state === "lost")
    return line(
      "unknown",
      job?.model_name ?? nameOf(names),
      `Last seen ${clockTime(connection.value.since, quarterMinute.value)}`,
      "Not connected",
    );
  if (job) {
    const percent = `${Math.round(job.progress * 100)} %`;
    const isTimed = job.eta_seconds !== null && !isStalled(job);
    const left = isTimed ? `, ${about(job.eta_seconds ?? 0)} left` : "";
    const short = isTimed ? `${percent}, ${brief(job.eta_seconds ?? 0)} left` : percent;
    return line("move", job.model_name, percent + left, short, job.progress);
  }
  if (!controller.value.configured) return line("off", "No Spark yet", "Nothing is set up");
  const down = slots.value.find((slot) => slot.state === "not_answering");
  if (down) return line("bad", down.model_name ?? "A model", "Not answering", "Down");
  const serving = slots.value.filter((slot) => slot.state === "serving");
  const isUnseen = slots.value.some((slot) => slot.state === "unknown");
  if (serving.length === 0 && isUnseen) return line("unknown", nameOf(names), "Spark not reached");
  if (serving.length === 0) return line("off", nameOf([]), "Nothing is served");
  if (serving.some((slot) => slot.difference)) return line("warn", nameOf(serving), "Not as expected");
  return line("ok", nameOf(serving), `Ready${requestsOf(serving)}`);
}

/** A guess for where there is hardly room: "20 s", "3 min". */
const brief = (seconds: number): string =>
  seconds < 55 ? `${Math.max(1, Math.ceil(seconds / 5)) * 5} s` : `${Math.max(1, Math.round(seconds / 60))} min`;

function nameOf(slots: readonly Slot[]): string {
  const [only, ...more] = slots;
  return more.length > 0 ? plural(slots.length, "model") : (only?.model_name ?? noneServing());
}

function requestsOf(slots: readonly Slot[]): string {
  const counts = slots.flatMap(({ requests }) => (requests ? [requests.running + requests.waiting] : []));
  if (counts.length === 0) return "";
  return `, ${plural(
    counts.reduce((sum, each) => sum + each, 0),
    "request",
  )}`;
}

function heldUntil(): string | null {
  const lock = state.lock.value;
  return lock ? `Reserved until ${clockTime(lock.expires_at, quarterMinute.value)}` : null;
}
