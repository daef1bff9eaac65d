import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../../lib/fault.ts";
import { checkWhen, runsAfter } from "../../../lib/schedule/runs.ts";

const when = (given: { at?: string; cron?: string; timezone?: string }) => ({
  at: given.at ?? null,
  cron: given.cron ?? null,
  timezone: given.timezone ?? "UTC",
});
const runs = (cron: string, timezone: string, after: string, most: number) =>
  runsAfter(when({ cron, timezone }), Date.parse(after), { most }).map((at) => new Date(at).toISOString().slice(0, 16));
const once = (at: string, timezone: string) =>
  runsAfter(when({ at, timezone }), 0, { most: 1 }).map((moment) => new Date(moment).toISOString().slice(0, 16));
const refusal = (given: Parameters<typeof when>[0]): string => {
  try {
    checkWhen(when(given));
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return "none";
};

describe("daylight saving", () => {
  test("a time that does not exist runs at the first moment after the gap, once", () => {
    // 29 March 2026: 02:00 to 03:00 is missing in Berlin; 03:00 there is 01:00 UTC.
    expect(runs("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3)).toEqual([
      "2026-03-28T01:30",
      "2026-03-29T01:00",
      "2026-03-30T00:30",
    ]);
  });

  test("a time that exists twice runs once, at the first", () => {
    expect(runs("30 2 * * *", "Europe/Berlin", "2026-10-23T12:00:00Z", 3)).toEqual([
      "2026-10-24T00:30",
      "2026-10-25T00:30",
      "2026-10-26T01:30",
    ]);
    expect(runs("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2)).toEqual([
      "2026-11-01T05:30",
      "2026-11-02T06:30",
    ]);
  });

  test("what runs every half hour keeps to half an hour, through the gap and through the hour that comes twice", () => {
    for (const day of ["2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z"]) {
      const starts = runsAfter(when({ cron: "*/30 * * * *", timezone: "Europe/Berlin" }), Date.parse(day), {
        most: 24,
      });
      const distances = starts.slice(1).map((at, index) => at - starts[index]!);
      expect(new Set(distances)).toEqual(new Set([1_800_000]));
    }
  });

  test("a change of half an hour is known too (Lord Howe)", () => {
    expect(runs("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2)).toEqual([
      "2026-10-03T15:30",
      "2026-10-04T15:15",
    ]);
  });

  test("one time without an offset is local time; with one it is that moment", () => {
    expect(once("2026-07-01T03:00:00", "Europe/Berlin")).toEqual(["2026-07-01T01:00"]);
    expect(once("2026-01-01T03:00", "Europe/Berlin")).toEqual(["2026-01-01T02:00"]);
    expect(once("2026-07-01T03:00:00+09:00", "Europe/Berlin")).toEqual(["2026-06-30T18:00"]);
    expect(once("2026-10-25T02:30:00", "Europe/Berlin")).toEqual(["2026-10-25T00:30"]);
    // Skipped by the gap: as far behind it as it would have been.
    expect(once("2026-03-29T02:30:00", "Europe/Berlin")).toEqual(["2026-03-29T01:30"]);
  });
});

describe("crontab", () => {
  test("day of month or weekday, when both are given", () => {
    expect(runs("0 0 13 * 5", "UTC", "2026-01-01T00:00:00Z", 3)).toEqual([
      "2026-01-02T00:00",
      "2026-01-09T00:00",
      "2026-01-13T00:00",
    ]);
  });

  test("names of days, lists and ranges", () => {
    expect(runs("0 9 * * mon-fri", "UTC", "2026-01-02T10:00:00Z", 2)).toEqual(["2026-01-05T09:00", "2026-01-06T09:00"]);
    expect(runs("0,30 6 1 1,7 *", "UTC", "2026-01-02T00:00:00Z", 2)).toEqual(["2026-07-01T06:00", "2026-07-01T06:30"]);
  });

  test("runs rise, lie after the moment asked for, and are the same from wherever one looks", () => {
    const field = (low: number, high: number) =>
      fc.oneof(
        fc.constant("*"),
        fc.integer({ min: low, max: high }).map(String),
        fc.integer({ min: 2, max: 15 }).map((n) => `*/${n}`),
      );
    fc.assert(
      fc.property(
        field(0, 59),
        field(0, 23),
        fc.constantFrom("UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"),
        fc.date({ min: new Date("2026-01-01"), max: new Date("2027-12-31"), noInvalidDate: true }),
        (minute, hour, timezone, from) => {
          const entry = when({ cron: `${minute} ${hour} * * *`, timezone });
          const all = runsAfter(entry, from.getTime(), { most: 6 });

          expect(all).toHaveLength(6);
          for (const [index, at] of all.entries()) expect(at).toBeGreaterThan(all[index - 1] ?? from.getTime());
          expect(runsAfter(entry, all[2]!, { most: 3 })).toEqual(all.slice(3));
          expect(runsAfter(entry, from.getTime(), { most: 6, until: all[4]! })).toEqual(all.slice(0, 4));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("what cannot be used is refused with its reason", () => {
  test.each([
    [{}, "at_or_cron"],
    [{ at: "2026-07-01T03:00:00Z", cron: "0 3 * * *" }, "at_or_cron"],
    [{ at: "2026-02-31T03:00:00" }, "unusable_time"],
    [{ at: "tomorrow at three" }, "unusable_time"],
    [{ at: "2026-13-01T03:00:00Z" }, "unusable_time"],
    [{ cron: "0 3 * *" }, "unusable_cron"],
    [{ cron: "0 0 3 * * *" }, "unusable_cron"],
    [{ cron: "61 3 * * *" }, "unusable_cron"],
    [{ cron: "0 0 30 2 *" }, "unusable_cron"],
    [{ cron: "@daily" }, "unusable_cron"],
    [{ cron: "* * * * *" }, "too_often"],
    [{ cron: "0,3 4 * * *" }, "too_often"],
    [{ at: "2026-02-31T03:00:00Z" }, "unusable_time"],
    [{ cron: "$(reboot) * * * *" }, "unusable_cron"],
    [{ cron: "0 3 * * *", timezone: "Mars/Phobos" }, "unknown_timezone"],
  ])("%j: %s", (given, code) => {
    expect(refusal(given)).toBe(code);
  });

  test.each([
    { at: "2026-07-01" },
    { at: "2026-07-01T03:00:00Z" },
    { cron: "0 3 * * *" },
    { cron: "*/5 0-4 1,15 jan-mar sun" },
  ])("%j is not", (given) => {
    expect(refusal(given)).toBe("none");
  });
});
