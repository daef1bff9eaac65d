/** A load that stands still, in words. Pure. */
import type { SwapJob } from "../api.ts";
import { duration, plural } from "../format.ts";

const NOTABLE_STALL_SECONDS = 60;

export const isStalled = ({ quiet_seconds: seconds }: SwapJob): boolean => (seconds ?? 0) > NOTABLE_STALL_SECONDS;

/** "No progress for 4 minutes. …"; null while the load goes on. @param limit seconds after which it is given up */
export function stallOf({ quiet_seconds: seconds }: SwapJob, limit: number | null): string | null {
  if (seconds == null || seconds <= NOTABLE_STALL_SECONDS) return null;
  const end = limit === null ? "" : `; Spark Control gives up after ${duration(limit)}`;
  return `No progress for ${plural(Math.floor(seconds / 60), "minute")}. Loads of this size sometimes pause${end}.`;
}

/** What helps, beside waiting. */
export const STALL_ADVICE =
  "The last lines of the log tell what it is doing. If they stay as they are, cancel the swap and start it again.";
