/** How a script that has ended left the Sparks. Pure. The exit code alone is not believed: the files tell. */
import type { Download } from "./download.ts";
import { explain } from "./script-log.ts";
import type { JobSeen } from "./sparks.ts";

/** Of what is on the first Spark, a copy has at least this share: file systems count folders differently. */
export const COPIED = 0.99;

export interface Verdict {
  readonly state: "done" | "failed";
  readonly reason: string | null;
  readonly advice: string | null;
}

const failed = (reason: string, advice: string): Verdict => ({ state: "failed", reason, advice });

/** @param lines the end of the script's log */
export function verdictOf(
  { nodes, repo, on_disk }: Pick<Download, "nodes" | "repo" | "on_disk">,
  { state, exitCode }: Pick<JobSeen, "state" | "exitCode">,
  lines: readonly string[],
): Verdict {
  const [head = "", ...copies] = nodes;
  const again = "Start it again: it goes on where it stopped.";
  if (state === "absent") return failed(`The download was not started on ${head}.`, "Start it again.");
  if (state === "rebooted") return failed(`${head} was restarted in the middle of it.`, again);
  if (state !== "exited" || exitCode !== 0) {
    const { reason, advice } = explain(lines, state === "exited" ? exitCode : null, { head, copies, repo });
    return failed(reason, advice);
  }
  const bytesOn = (name: string) => on_disk.find(({ node }) => node === name)?.bytes ?? 0;
  if (bytesOn(head) === 0) return failed(`The script ended well, but nothing of ${repo} is on ${head}.`, again);
  const short = copies.filter((name) => bytesOn(name) < bytesOn(head) * COPIED);
  if (short.length > 0) return failed(`The script ended well, but ${short.join(" and ")} has not all of it.`, again);
  return { state: "done", reason: null, advice: null };
}
