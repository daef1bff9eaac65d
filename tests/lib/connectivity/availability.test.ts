import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bucketsOf, percentUp, type Span, WINDOWS, type Window } from "../../../lib/connectivity/availability.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 31, 12, 7);

describe("a day", () => {
  test("has quarters of an hour on the clock; the last one is under way", () => {
    const buckets = bucketsOf("day", NOW, [{ from: 0, to: NOW }], []);

    expect(buckets).toHaveLength(96);
    expect(new Date(buckets.at(-1)!.from).toISOString()).toBe("2026-01-31T12:00:00.000Z");
    expect(buckets.at(-1)).toMatchObject({ upSeconds: 420, downSeconds: 0, unknownSeconds: 0 });
    expect(buckets[0]).toMatchObject({ upSeconds: 900, downSeconds: 0, unknownSeconds: 0 });
  });

  test("knows nothing of the time before somebody watched", () => {
    const buckets = bucketsOf("day", NOW, [{ from: NOW - 600_000, to: NOW }], []);

    expect(buckets.at(-2)).toMatchObject({ upSeconds: 180, downSeconds: 0, unknownSeconds: 720 });
    expect(percentUp(buckets)).toBe(100);
    expect(percentUp(bucketsOf("day", NOW, [], []))).toBeNull();
  });

  test("counts an outage that spans a restart as down all the time", () => {
    const watched = [
      { from: NOW - 3 * HOUR, to: NOW - 2 * HOUR },
      { from: NOW - HOUR, to: NOW },
    ];
    const buckets = bucketsOf("day", NOW, watched, [{ from: NOW - 2.5 * HOUR, to: NOW - 0.5 * HOUR }]);

    expect(buckets.reduce((sum, { downSeconds }) => sum + downSeconds, 0)).toBe(7_200);
    expect(percentUp(buckets)).toBeCloseTo(33.333, 3);
  });
});

test("no second is lost or counted twice, whatever the spans", () => {
  const spans = (length: number) =>
    fc
      .array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 400 })), { maxLength: 12 })
      .map((pairs) => {
        let at = NOW - length;
        return pairs.map(([gap, lasts]): Span => {
          const from = at + gap * 60_000;
          at = from + lasts * 60_000;
          return { from, to: at };
        });
      });
  fc.assert(
    fc.property(
      fc.constantFrom<Window>("day", "week", "month"),
      spans(30 * 86_400_000),
      spans(30 * 86_400_000),
      (window, watched, all) => {
        const outages = all.filter(({ to }) => to <= NOW);
        const buckets = bucketsOf(
          window,
          NOW,
          watched.filter(({ to }) => to <= NOW),
          outages,
        );
        const { bucketMs } = WINDOWS[window];
        const begin = buckets[0]!.from;
        for (const { from, upSeconds, downSeconds, unknownSeconds } of buckets) {
          const total = (Math.min(from + bucketMs, NOW) - from) / 1000;
          expect(Math.abs(upSeconds + downSeconds + unknownSeconds - total)).toBeLessThan(0.2);
          for (const part of [upSeconds, downSeconds, unknownSeconds]) expect(part).toBeGreaterThanOrEqual(0);
        }
        const down = outages.reduce((sum, { from, to }) => sum + Math.max(0, to - Math.max(from, begin)) / 1000, 0);
        expect(Math.abs(buckets.reduce((sum, { downSeconds }) => sum + downSeconds, 0) - down)).toBeLessThan(1);
      },
    ),
    { numRuns: 300 },
  );
});
