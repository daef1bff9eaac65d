/** A swap that waits for requests in flight: how many remain, what happens then, and the question when they take too long. */
import { answerDrain, type SwapJob, sentenceOf } from "../api.ts";
import { type Child, h, picture } from "../dom.ts";
import { clockSeconds, duration, plural } from "../format.ts";
import { connection, isReservedForAnother, ownToken } from "../state.ts";
import { signal } from "../store.ts";
import { refusal } from "./sheet.ts";

type Drain = NonNullable<SwapJob["drain"]>;

/** Why the last answer was refused, and of which swap. */
const refused = signal<{ readonly jobId: string; readonly sentence: string } | null>(null);

const THEN: Readonly<Record<Drain["on_timeout"], string>> = {
  ask: "you are asked whether to cut off what still runs",
  fail: "the swap fails, and nothing is stopped",
  cut_off: "what still runs is cut off",
};

/** Null when the swap does not wait for requests. The same frame while it waits and when it asks. Reads signals. */
export function drainNote(job: SwapJob): Child {
  const { drain } = job;
  if (job.state !== "draining" || !drain || (drain.remaining === 0 && !drain.figures_missing)) return null;
  const { remaining, asks } = drain;
  const obstacle = obstacleOf(job);
  const why = `drain-why-${job.job_id}`;
  const refusedNow = refused.value;
  const button = (act: string, word: string, look = "") =>
    h(
      "button",
      {
        class: `btn ${look}`.trim(),
        type: "button",
        "data-act": act,
        "data-job": job.job_id,
        "data-key": act,
        disabled: obstacle !== null,
        "aria-describedby": obstacle === null ? null : why,
      },
      word,
    );
  return h(
    "div",
    { class: "differs", "data-tone": asks ? "warn" : "busy", "data-key": "drain" },
    picture(asks ? "g-warn" : "g-busy"),
    h(
      "div",
      { class: "asks" },
      h("p", { role: "status" }, asks ? question(drain) : patience(drain)),
      h("p", { class: "dim", id: why }, obstacle ?? forecast(drain)),
      refusedNow?.jobId === job.job_id && refusal(refusedNow.sentence),
      h(
        "div",
        { class: "asks-do" },
        asks && button("keep-waiting", "Keep waiting"),
        button("cut-off", remaining === 0 ? "Go on" : `Cut off ${plural(remaining, "request")}`, asks ? "danger" : ""),
      ),
    ),
  );
}

/** A click on one of the answers. @returns whether it was one */
export function answeredDrain(name: string, jobId: string | undefined): boolean {
  if (jobId === undefined || (name !== "keep-waiting" && name !== "cut-off")) return false;
  refused.value = null;
  answerDrain(jobId, name === "cut-off" ? "cut_off" : "keep_waiting", ownToken()).catch((error) => {
    refused.value = { jobId, sentence: sentenceOf(error) };
  });
  return true;
}

/** A model's server that gives no figures may work for others, unseen. */
const still = ({ remaining, figures_missing }: Drain) =>
  `${plural(remaining, "request")} ${remaining === 1 ? "is" : "are"} still running${figures_missing ? ", perhaps others too" : ""}`;

function patience(drain: Drain): string {
  if (drain.remaining === 0)
    return "The model gives no figures: requests that went straight to it may still run, and get time to finish.";
  return `${still(drain)}; ${drain.remaining === 1 ? "it finishes" : "they finish"} first.`;
}

function question(drain: Drain): string {
  const { remaining, waited_seconds } = drain;
  if (remaining === 0)
    return `After ${duration(waited_seconds)} it is still not known whether requests are running. Wait longer, go on and cut off any that are, or cancel the swap?`;
  return `${still(drain)} after ${duration(waited_seconds)}. Wait for ${remaining === 1 ? "it, cut it" : "them, cut them"} off, or cancel the swap?`;
}

function forecast({ asks, on_timeout, until }: Drain): string {
  const at = clockSeconds(until);
  if (asks) return `Without an answer the swap fails at ${at}, and nothing is stopped.`;
  return `At ${at} ${THEN[on_timeout]}.`;
}

function obstacleOf(job: SwapJob): string | null {
  if (connection.value.state === "lost") return "No connection, so nothing can be answered.";
  return isReservedForAnother(job.slot) ? "Only whoever has reserved the GPUs can answer now." : null;
}
