/** Figures as people read them. */

export const BYTES_PER_GB = 1e9;
/** The browser's own formats take 40 ms to be made, before a page shows anything; British English is the one language here. */
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"] as const;

/** What is no time is a dash: a panel is not to break over one. */
const shown = (date: Date, text: (date: Date) => string): string => (Number.isNaN(date.getTime()) ? "–" : text(date));
const two = (figure: number): string => String(figure).padStart(2, "0");

/** "14:32" */
export const hourMinute = (date: Date): string =>
  shown(date, () => `${two(date.getHours())}:${two(date.getMinutes())}`);

/** "3 Oct" */
export const dayMonth = (date: Date): string => shown(date, () => `${date.getDate()} ${MONTHS[date.getMonth()]}`);

/** "Monday" */
export const weekday = (date: Date): string => shown(date, () => WEEKDAYS[date.getDay()] ?? "");

/** "Mon" */
export const shortWeekday = (date: Date): string => weekday(date).slice(0, 3);

/** "12,345", "0.125": three decimals at most. */
export function grouped(figure: number): string {
  const [whole = "", decimals] = String(Math.round(figure * 1_000) / 1_000).split(".");
  const thousands = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return decimals === undefined ? thousands : `${thousands}.${decimals}`;
}

/** "48 s", "6 min 52 s", "3 h 14 min", "2 days". @param seconds below 0 counts as 0 */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** A guess, rounded so that it does not pretend: "about 20 s", "about 3 min". */
export function about(seconds: number): string {
  if (seconds < 10) return "a few seconds";
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} s`;
  return `about ${Math.max(1, Math.round(seconds / 60))} min`;
}

/** How long something has been so, in steps that do not flicker: "less than a minute", "14 min". */
export function forHow(seconds: number): string {
  return seconds < 60 ? "less than a minute" : duration(Math.floor(seconds / 60) * 60);
}

/** "14:32"; with the day when it is not today. */
export function clockTime(iso: string | number, now: number): string {
  const date = new Date(iso);
  const time = hourMinute(date);
  if (date.toDateString() === new Date(now).toDateString()) return time;
  return `${dayMonth(date)}, ${time}`;
}

/** "14:32:08" */
export function clockSeconds(time: string | number): string {
  const date = new Date(time);
  return shown(date, () => `${hourMinute(date)}:${two(date.getSeconds())}`);
}

/** "12 ms", "1.4 s", "6 min 52 s". */
export function milliseconds(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : duration(ms / 1_000);
}

/** "0 B", "12 KB", "3.4 MB", "124 GB" (10^3, 10^6, 10^9 bytes): no more digits than tell it from the next. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} KB`;
  const [figure, unit] = bytes < 999.5e6 ? [bytes / 1e6, "MB"] : [bytes / BYTES_PER_GB, "GB"];
  return `${figure.toFixed(figure < 100 ? 1 : 0)} ${unit}`;
}

/** Whole GB (10^9 bytes), without the unit. */
export function gb(bytes: number): number {
  return Math.round(bytes / BYTES_PER_GB);
}

/** Whole GB of a figure in GiB (2^30 bytes). */
export function gbOfGib(gib: number): number {
  return gb(gib * 2 ** 30);
}

/** "4-bit AWQ, 65 GB". */
export function joined(...parts: (string | null | false | undefined)[]): string {
  return parts.filter((part) => typeof part === "string" && part !== "").join(", ");
}

/** "spark-1 and spark-2". */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** "Today 11:18", "Mon 22:04", "3 Oct, 09:12". */
export function dayTime(iso: string, now: number): string {
  const date = new Date(iso);
  const time = hourMinute(date);
  if (date.toDateString() === new Date(now).toDateString()) return `Today ${time}`;
  const days = (now - date.getTime()) / 86_400_000;
  if (days < 6) return `${shortWeekday(date)} ${time}`;
  return `${dayMonth(date)}, ${time}`;
}

export function secondsBetween(from: string | number, to: string | number): number {
  return (new Date(to).getTime() - new Date(from).getTime()) / 1000;
}

/** Of those who stand in line for a reservation. @param count above 0 */
export function waitingWords(count: number): string {
  return `${plural(count, "other")} ${count === 1 ? "is" : "are"} waiting for the GPUs.`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}
