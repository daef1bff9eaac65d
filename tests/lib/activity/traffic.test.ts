/** Requests at a glance: counts, medians, and what is forgotten. */
import { expect, test } from "bun:test";
import { type Passed, TrafficCount } from "../../../lib/activity/traffic.ts";

const MINUTE_MS = 60_000;
const NOW = Date.UTC(2026, 0, 31, 14, 2);
const SLOT = "slot:main";

const passed = (more: Partial<Passed> = {}): Passed => ({
  ...{ upstream: SLOT, outcome: "complete", status: 200, fault: null },
  ...{ firstByteSeconds: 0.4, seconds: 2.4, tokensOut: 101 },
  ...more,
});

function counted(...notes: readonly (readonly [minutesAgo: number, more?: Partial<Passed>])[]): TrafficCount {
  const traffic = new TrafficCount();
  for (const [minutesAgo, more] of notes) traffic.note(passed(more), NOW - minutesAgo * MINUTE_MS);
  return traffic;
}
const sinceMidnight = (traffic: TrafficCount, upstream = SLOT) => traffic.of(upstream, Date.UTC(2026, 0, 31), NOW);

test("an answer counts, a broken one as failed; what was refused or left counts as neither, and not elsewhere", () => {
  const traffic = counted(
    [0],
    [1],
    [2, { outcome: "failed", status: null }],
    [3, { outcome: "failed", status: 200 }],
    [4, { status: 503 }],
    [5, { status: 400 }],
    [6, { outcome: "left" }],
    [7, { outcome: "refused", upstream: null, status: 404 }],
    [8, { upstream: "service:kokoro" }],
  );

  expect(sinceMidnight(traffic)).toMatchObject({ upstream: SLOT, answered: 2, failed: 3 });
  expect(sinceMidnight(traffic, "service:kokoro")).toMatchObject({ answered: 1, failed: 0 });
  expect(sinceMidnight(traffic, "slot:never-asked")).toMatchObject({
    ...{ answered: 0, failed: 0, first_token_ms: null, tokens_per_second: null },
    last_hour: { answered: Array(12).fill(0), first_token_ms: Array(12).fill(null) },
  });
});

test("first word and speed are medians of the last quarter of an hour, of what was streamed", () => {
  const traffic = counted(
    [1, { firstByteSeconds: 0.2, seconds: 1.2, tokensOut: 51 }],
    [2, { firstByteSeconds: 0.4, seconds: 2.4, tokensOut: 101 }],
    [3, { firstByteSeconds: 9, seconds: 19, tokensOut: 11 }],
    // Complete at once: neither a first word nor a speed. Without a count of tokens: no speed.
    [4, { firstByteSeconds: 5, seconds: 5.01, tokensOut: 500 }],
    [4, { firstByteSeconds: 7, seconds: 70, tokensOut: null }],
    [4, { firstByteSeconds: 7, seconds: 70, tokensOut: 1 }],
    // Long ago.
    [40, { firstByteSeconds: 0.1, seconds: 10, tokensOut: 1_000 }],
  );

  expect(sinceMidnight(traffic)).toMatchObject({ first_token_ms: 400, tokens_per_second: 50 });
});

test("the hour has twelve pieces, the oldest first, and ends with the one under way", () => {
  const traffic = counted([0], [1], [6], [56], [70]);

  const { last_hour } = sinceMidnight(traffic);

  expect(last_hour.step_seconds).toBe(300);
  expect(last_hour.answered).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
  expect(last_hour.first_token_ms).toEqual([400, ...Array(9).fill(null), 400, 400]);
  expect(last_hour.tokens_per_second.at(-1)).toBe(50);
});

test("it counts from the piece of five minutes in which the asked time lies, and a day at most", () => {
  const traffic = counted([0], [12], [17], [23 * 60], [26 * 60]);

  expect(traffic.of(SLOT, NOW - 12 * MINUTE_MS, NOW)).toMatchObject({
    from: "2026-01-31T13:50:00.000+00:00",
    answered: 2,
  });
  expect(traffic.of(SLOT, NOW - 24 * 60 * MINUTE_MS, NOW).answered).toBe(4);
  expect(traffic.of(SLOT, 0, NOW).answered).toBe(4);
});

test("a month of requests takes no more room than a day", () => {
  const traffic = new TrafficCount();
  for (let at = NOW - 30 * 86_400_000; at <= NOW; at += MINUTE_MS) traffic.note(passed(), at);

  expect(traffic.pieces).toBe(301);
  expect(traffic.of(SLOT, 0, NOW).answered).toBe(300 * 5 + 3);
});
