/** Times in queries. */
import { Fault } from "../../lib/fault.ts";
import { isoTime } from "../../lib/ids.ts";

/** Any way of writing a time, as the logs write it. @throws Fault 422 a time that is none */
export function timeOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  // In a query a plus sign that was not escaped arrives as a space.
  const at = Date.parse(text.replace(/ (?=\d{2}:?\d{2}$)/, "+"));
  if (Number.isNaN(at))
    throw new Fault("invalid", "unusable_time", "`from` and `to` must be times such as 2026-01-31T12:00:00Z.");
  return isoTime(at);
}
