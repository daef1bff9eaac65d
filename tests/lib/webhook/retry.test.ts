import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { afterAttempt, LONGEST_RETRY_AFTER_MS, RETRY_DELAYS_MS, retryAfterMs } from "../../../lib/webhook/retry.ts";

const refused = { status: 500, error: "status", retryAfterMs: null } as const;

describe("the schedule", () => {
  test("goes on for about a day, dense at first", () => {
    const hours = RETRY_DELAYS_MS.reduce((sum, delay) => sum + delay, 0) / 3_600_000;

    expect(RETRY_DELAYS_MS[0]).toBeLessThanOrEqual(5_000);
    expect([...RETRY_DELAYS_MS].sort((a, b) => a - b)).toEqual([...RETRY_DELAYS_MS]);
    expect(hours).toBeGreaterThan(23);
    expect(hours).toBeLessThan(25);
  });

  test("an accepted delivery is over, whatever came before", () => {
    expect(afterAttempt({ status: 204, error: null, retryAfterMs: null }, 99, 0)).toEqual({ state: "delivered" });
  });

  test("after the last try it is dead, and not before", () => {
    const states = [...RETRY_DELAYS_MS, 0].map((_, at) => afterAttempt(refused, at + 1, 0.5).state);

    expect(states.pop()).toBe("dead");
    expect(new Set(states)).toEqual(new Set(["pending"]));
  });

  test("a receiver that is gone (410) is not asked again", () => {
    expect(afterAttempt({ ...refused, status: 410 }, 1, 0)).toEqual({ state: "dead" });
  });

  test.each([
    [0, 4_000],
    [0.25, 4_500],
    [0.5, 5_000],
    [0.75, 5_500],
  ])("many that failed in one moment come back apart from each other: by chance of %p after %p ms", (random, inMs) => {
    expect(afterAttempt(refused, 1, random)).toEqual({ state: "pending", inMs });
  });

  test("each wait stays within its jitter, and waits at least as long as the receiver asks", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: RETRY_DELAYS_MS.length }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.option(fc.integer({ min: 0, max: LONGEST_RETRY_AFTER_MS })),
        (tries, random, asked) => {
          const next = afterAttempt({ ...refused, retryAfterMs: asked }, tries, random);
          const delay = RETRY_DELAYS_MS[tries - 1]!;

          if (next.state !== "pending") throw new Error(`is ${next.state}`);
          expect(next.inMs).toBeGreaterThanOrEqual(Math.max(Math.round(delay * 0.8), asked ?? 0));
          expect(next.inMs).toBeLessThanOrEqual(Math.max(Math.round(delay * 1.2), asked ?? 0));
        },
      ),
    );
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-01-31T12:00:00Z");

  test.each([
    ["120", 120_000],
    [" 0 ", 0],
    ["Sat, 31 Jan 2026 12:00:30 GMT", 30_000],
    ["Sat, 31 Jan 2026 11:00:00 GMT", 0],
    ["99999999999", LONGEST_RETRY_AFTER_MS],
    ["soon", null],
    ["", null],
    [null, null],
  ])("%p is %p ms", (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });
});
