import { afterEach, expect, setSystemTime, test } from "bun:test";
import { LoadClock, NOT_WATCHED } from "../../../lib/swap/load-clock.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number) => void setSystemTime(new Date(START + seconds * 1000));
afterEach(() => void setSystemTime());

test("counts what was watched, and how long it has been quiet", () => {
  at(0);
  const clock = new LoadClock(NOT_WATCHED);
  at(10);
  expect(clock.tick()).toEqual({ watchedMs: 10_000, quietMs: 10_000 });
  at(14);
  clock.heard();
  at(20);
  expect(clock.tick()).toEqual({ watchedMs: 20_000, quietMs: 6_000 });
});

test("goes on from what an earlier controller has counted; what passed in between does not count", () => {
  at(0);
  const clock = new LoadClock({ watchedMs: 3_000_000, quietMs: 500_000 });
  at(10);
  expect(clock.tick()).toEqual({ watchedMs: 3_010_000, quietMs: 510_000 });
});

test("a clock that is set counts as one long round at most, and never backwards", () => {
  at(0);
  const clock = new LoadClock(NOT_WATCHED);
  at(7_200);
  expect(clock.tick().watchedMs).toBe(60_000);
  at(-86_400);
  expect(clock.tick().watchedMs).toBe(60_000);
  at(-86_390);
  expect(clock.tick().watchedMs).toBe(70_000);
});
