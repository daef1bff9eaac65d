/** The gateway for half an hour: is its memory flat, does its event loop stay awake, is nothing left behind. */
import { soak as runSoak, soakTable } from "../support/soak/soak.ts";
import type { Campaign } from "./campaign.ts";

const MOST_MB_PER_MINUTE = 1;
const MOST_P99_MS = 50;

export const soak: Campaign = {
  name: "soak",
  /** Minutes. */
  defaultRounds: 30,
  async run(minutes, next) {
    const report = await runSoak(minutes * 60, Math.floor(next() * 2 ** 31));
    console.log(soakTable(report));
    const isFlat = report.slopeMbPerMinute < MOST_MB_PER_MINUTE;
    const isAwake = report.loopP99Ms < MOST_P99_MS;
    if (!isFlat) console.log(`memory grows by ${MOST_MB_PER_MINUTE} MB a minute or more`);
    if (!isAwake) console.log(`the event loop's p99 is ${MOST_P99_MS} ms or more`);
    return report.wrong.length === 0 && report.stuck === 0 && report.swaps > 0 && isFlat && isAwake;
  },
};
