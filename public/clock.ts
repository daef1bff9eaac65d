/**
 * One clock for everything on the page that says when or how long. It is the server's, because times are told by that one: the
 * browser's may be wrong by hours. Until the server has spoken it is the browser's.
 */
import { signal } from "./store.ts";

const MINUTE_MS = 60_000;
/** Messages take their time: a smaller difference says nothing of the clocks. */
const APART_MS = 1_000;

/** What the server's clock is ahead of the page's steady one, which nobody can set. Milliseconds. */
let ahead = Date.now() - performance.now();

/** Milliseconds since 1970 by the server's clock. */
export const serverNow = (): number => ahead + performance.now();

/** The same, every second. */
export const second = signal(serverNow());
/** The same, rounded down to 15 s: for what does not have to tick. */
export const quarterMinute = signal(serverNow());

export function startClock(): void {
  setInterval(tick, 1_000);
}

/** @param now what the server's clock showed when it said so, ISO 8601 */
export function setClock(now: string): void {
  const told = Date.parse(now);
  if (Math.abs(told - serverNow()) < APART_MS) return;
  ahead = told - performance.now();
  tick();
}

function tick(): void {
  second.value = serverNow();
  quarterMinute.value = second.value - (second.value % (MINUTE_MS / 4));
}
