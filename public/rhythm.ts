/** How often a plan comes again, in words. Pure. */
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/**
 * "every day at 18:00 (UTC)", "every Monday at 06:30 (UTC)"; the expression itself where it says more than that.
 *
 * @param cron     five fields
 * @param timezone that they are meant in
 */
export function rhythmOf(cron: string, timezone: string): string {
  const [minute = "", hour = "", date, month, day = "", ...rest] = cron.trim().split(/\s+/);
  const isSimple = /^\d+$/.test(minute) && /^\d+$/.test(hour) && date === "*" && month === "*" && rest.length === 0;
  const on =
    day === "*" ? "every day" : day === "1-5" ? "on weekdays" : DAYS[Number(day)] && `every ${DAYS[Number(day)]}`;
  if (!isSimple || !on) return `again and again (${cron}, ${timezone})`;
  return `${on} at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")} (${timezone})`;
}
