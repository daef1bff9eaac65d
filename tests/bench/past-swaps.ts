/** A history such as a controller in use has: finished swaps, each with its log. */
import { mkdirSync } from "node:fs";
import { openStore } from "../../lib/store/store.ts";
import { SwapLog } from "../../lib/swap/swap-log.ts";
import { SwapStore } from "../../lib/swap/swap-store.ts";
import { aRecord } from "../lib/swap/_fixtures.ts";

const LINES_A_SWAP = 500;
const FIRST = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

/** Writes them into a DATA_DIR that no controller holds. */
export function writePastSwaps(dataDir: string, count: number): void {
  mkdirSync(dataDir, { recursive: true });
  const store = openStore(dataDir);
  try {
    const swaps = new SwapStore(store.facts);
    for (let index = 1; index <= count; index++) {
      const at = new Date(FIRST + index * DAY_MS).toISOString().replace("Z", "+00:00");
      const log = new SwapLog(store.telemetry, () => at);
      const times = { created_at: at, updated_at: at, ended_at: at };
      const job_id = `past-${index}`;
      swaps.save(
        aRecord({ ...times, job_id, model: "gpt-oss-20b", state: "ready", phase: "ready", generation: index }),
      );
      for (let line = 1; line <= LINES_A_SWAP; line++) log.append(job_id, "launch", `line ${line} of a load`);
    }
  } finally {
    store.close();
  }
}
