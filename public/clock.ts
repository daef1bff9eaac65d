/** One timer for everything on the page that says how long. */
import { signal } from "./store.ts";

const MINUTE_MS = 60_000;

/** Milliseconds since 1970 by the browser's clock, every second. */
export const second = signal(Date.now());
/** The same, rounded down to 15 s: for what does not have to tick. */
export const quarterMinute = signal(Date.now());

export function startClock(): void {
  setInterval(() => {
    second.value = Date.now();
    quarterMinute.value = second.value - (second.value % (MINUTE_MS / 4));
  }, 1_000);
}
