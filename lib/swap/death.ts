/**
 * Why a model ended right after it was ready, read from what it left behind. Pure.
 *
 * A vLLM that ends by itself leaves an exit code of its own, or its container for a while, or where neither is known words. One that was
 * killed together with its container was stopped from outside (`docker stop` by hand): it did not die.
 */
import type { Model } from "../catalog/catalog.ts";
import type { JobReading } from "./cluster.ts";
import type { Sighting } from "./difference.ts";
import { explainLog, failure, lastTelling, SIGKILLED, tellsOfError } from "./failure.ts";
import type { Failure } from "./swap.ts";

export interface Gone {
  /** What shows it. */
  readonly line: string;
  /** All of its containers run on without it. */
  readonly containerRuns: boolean;
  /** Name of a node whose kernel has killed it for memory, as far as docker says so. */
  readonly killedOn: string | null;
}

/**
 * Whether a model that has answered runs no more. With Ray a worker's processes may never be called vLLM: there the container tells.
 * @param views of its Sparks, head first @returns null: it runs
 */
export function whatIsGone(container: string, views: readonly Sighting[]): Gone | null {
  const lines = views.flatMap(({ node, view }, at) => {
    if (!view.container?.running) return [`docker inspect ${container} on ${node} finds no container that runs`];
    return at === 0 && view.vllm.length === 0 ? [`docker top ${container} on ${node} shows no vLLM`] : [];
  });
  if (lines.length === 0) return null;
  const containerRuns = views.every(({ view }) => view.container?.running === true);
  const killedOn = views.find(({ view }) => view.container?.outOfMemory)?.node ?? null;
  return { line: lines.join("; "), containerRuns, killedOn };
}

export interface Death {
  /** What shows that it has ended. */
  readonly gone: string;
  /** Its container was seen to run on without it. */
  readonly outlived: boolean;
  readonly launcher: Pick<JobReading, "state" | "exitCode">;
  /** Name of a node that was restarted since the launch. */
  readonly rebooted: string | null;
  /** What shows that the kernel has killed it for memory; null: nothing does. */
  readonly killedOn: string | null;
  /** What was written since it got ready. */
  readonly lines: readonly string[];
}

/** @param seconds since it was ready @returns null: it was stopped from outside */
export function deathOf({ name }: Model, seconds: number, death: Death): Failure | null {
  const { gone, outlived, launcher, rebooted, killedOn, lines } = death;
  const known = explainLog(lines);
  const wasKilled = launcher.exitCode === SIGKILLED;
  const ownEnd = launcher.exitCode !== null && !wasKilled && launcher.exitCode !== 0;
  // What is killed together with its container was stopped, whatever was said meanwhile: by a server that lost its engine an instant
  // before, by docker of a container that is gone, by the other Spark. A vLLM that ends with an error has an exit code of its own.
  const hasWords = !wasKilled && tellsOfError(lines);
  if (!outlived && !ownEnd && rebooted === null && killedOn === null && !hasWords) return null;
  const isGeneral = known === null || known.code === "engine_failed";
  const last = known?.evidence ?? lastTelling(lines);
  const why = [
    [rebooted !== null, ` ${rebooted} was restarted.`],
    [known?.code === "out_of_memory" || (killedOn !== null && isGeneral), " Memory ran out."],
    [known !== null, " Its log says why."],
    [wasKilled, " It was killed."],
  ].find(([applies]) => applies)?.[1];
  const evidence = [
    last === null ? [] : `last words: ${last}`,
    launcher.exitCode === null ? [] : `exit code ${launcher.exitCode}${wasKilled ? " (SIGKILL)" : ""}`,
    killedOn ?? [],
    rebooted === null ? gone : `${rebooted}: another boot id than at the launch`,
  ].flat();
  return failure(
    "died_after_ready",
    `${name} ended ${seconds === 1 ? "1 second" : `${seconds} seconds`} after it was ready.${why ?? ""}`,
    evidence.join("; "),
    (isGeneral && killedOn !== null ? null : known?.advice) ??
      (wasKilled || killedOn !== null
        ? "Look at the kernel's log on the Spark (dmesg): it kills what takes the last memory. Lower gpu_memory_utilization of this model."
        : "Read the end of its log in the history, then load it again."),
  );
}
