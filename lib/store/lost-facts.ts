/**
 * A folder that has been used and whose facts are gone: who had reserved the GPUs is not known any more, and "nobody" would be
 * a guess. Pure but for looking at the folder.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

export const FACTS_FILE = "facts.db";
/** What only a controller that ran here leaves; configuration and keys may be put there before the first start. */
const TRACES = ["facts.db-wal", "telemetry.db", "lock.json", "known_hosts.json", "backup/facts.db"];

/**
 * To be asked before this process leaves traces of its own. It counts only if the facts then turn out to be empty.
 * @returns what was found and what is lost, in words; null: nobody was here
 */
export function usedBefore(dataDir: string): string | null {
  const facts = join(dataDir, FACTS_FILE);
  const traces = TRACES.filter((name) => existsSync(join(dataDir, name)));
  const isThere = existsSync(facts);
  if (!isThere && traces.length === 0) return null;
  const state = !isThere ? "is missing" : statSync(facts).size === 0 ? "is empty (0 bytes)" : "holds nothing";
  const found = traces.length === 0 ? "" : `, though this data folder was in use: it has ${traces.join(", ")}`;
  return (
    `${FACTS_FILE} ${state}${found}. Lost are who had reserved the GPUs, the history of swaps, webhooks, schedule, audit log and ` +
    "this controller's id, so that the Sparks ask for a take-over. Until a person forces its release, or a day has passed, everything " +
    "counts as reserved. A backup brings back the rest."
  );
}
