import { describe, expect, test } from "bun:test";
import { Cron } from "croner";
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
    // Within the gap: the first moment after it.
    expect(once("2026-03-29T02:30:00", "Europe/Berlin")).toEqual(["2026-03-29T01:00"]);
  });
});

describe("every wall time of a pattern", () => {
  test("happens once, however many minutes, hours or steps name it", () => {
    // The gap of March, 02:00 to 03:00: both fall into it.
    expect(runs("15,45 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 3)).toEqual([
      ...["2026-03-29T01:00", "2026-03-30T00:15", "2026-03-30T00:45"],
    ]);
    // 02:00 to 03:00 comes twice in October.
    expect(runs("15,45 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 3)).toEqual([
      ...["2026-10-25T00:15", "2026-10-25T00:45", "2026-10-26T01:15"],
    ]);
    expect(runs("30 2,3 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 3)).toEqual([
      ...["2026-10-25T00:30", "2026-10-25T02:30", "2026-10-26T01:30"],
    ]);
    expect(runs("0 */2 * * *", "Europe/Berlin", "2026-03-28T22:30:00Z", 3)).toEqual([
      ...["2026-03-28T23:00", "2026-03-29T01:00", "2026-03-29T02:00"],
    ]);
    expect(runs("0 */2 * * *", "Europe/Berlin", "2026-10-24T21:30:00Z", 3)).toEqual([
      ...["2026-10-24T22:00", "2026-10-25T00:00", "2026-10-25T03:00"],
    ]);
  });

  /** What a clock on the wall shows, asked of Intl in another way than the code does. */
  const clockOf = (timezone: string) => {
    const format = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short", timeStyle: "short" });
    return (moment: number) => format.format(moment).replace(" ", "T");
  };

  /** Walks through real time minute by minute, with everything that it has seen on the wall. */
  function reference(minutes: number[], hours: number[] | null, timezone: string, from: number, to: number): number[] {
    const show = clockOf(timezone);
    const seen = new Set<string>();
    const found: number[] = [];
    const fits = (wall: string) =>
      minutes.includes(Number(wall.slice(14, 16))) && (hours?.includes(Number(wall.slice(11, 13))) ?? true);
    let before = show(from - 86_400_000 - 60_000);
    for (let at = from - 86_400_000; at <= to; at += 60_000) {
      const wall = show(at);
      // Wall times that the clock has jumped over.
      const skipped = [];
      for (let gap = Date.parse(`${before}Z`) + 60_000; gap < Date.parse(`${wall}Z`); gap += 60_000)
        skipped.push(new Date(gap).toISOString().slice(0, 16));
      const isRun = hours === null ? fits(wall) : (!seen.has(wall) && fits(wall)) || skipped.some(fits);
      seen.add(wall);
      if (isRun && at > from) found.push(at);
      before = wall;
    }
    return found;
  }

  test("is as a walk through real time finds it, around every change of a clock", () => {
    const CHANGES: readonly (readonly [string, string])[] = [
      ["Europe/Berlin", "2026-03-29T01:00Z"],
      ["Europe/Berlin", "2026-10-25T01:00Z"],
      ["America/New_York", "2026-03-08T07:00Z"],
      ["America/New_York", "2026-11-01T06:00Z"],
      ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
      ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
      ["Asia/Kolkata", "2026-03-29T01:00Z"],
      // A whole day was left out.
      ["Pacific/Apia", "2011-12-30T10:00Z"],
    ];
    const list = (most: number, length: number) => fc.uniqueArray(fc.nat(most), { minLength: 1, maxLength: length });
    fc.assert(
      fc.property(
        fc.constantFrom(...CHANGES),
        fc.integer({ min: -30 * 60, max: 6 * 60 }),
        list(11, 3).map((steps) => steps.map((step) => step * 5)),
        fc.option(list(23, 6), { nil: null }),
        ([timezone, change], offset, minutes, hours) => {
          const from = Date.parse(change) + offset * 60_000;
          const to = from + 36 * 3_600_000;
          const cron = `${minutes.join(",")} ${hours?.join(",") ?? "*"} * * *`;
          const found = runsAfter(when({ cron, timezone }), from, { most: 1_000, until: to + 1 });
          expect(found).toEqual(reference(minutes, hours, timezone, from, to));
        },
      ),
      { numRuns: 60 },
    );
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

  test("is read as croner reads it, whatever day, hour and minute it names", () => {
    const MINUTES = ["0", "7,52", "*/10", "55", "30-59/5", "?"];
    const HOURS = ["*", "0", "23", "0,12", "*/7", "22-23"];
    const DAYS = ["* * *", "1 * *", "L * *", "* 2 *", "13 * 5", "* * sun", "31 */2 *", "29 2 *"];
    fc.assert(
      fc.property(
        fc.constantFrom(...MINUTES),
        fc.constantFrom(...HOURS),
        fc.constantFrom(...DAYS),
        fc.date({ min: new Date("2026-01-01"), max: new Date("2027-12-31"), noInvalidDate: true }),
        (minute, hour, day, from) => {
          const cron = `${minute}  ${hour}\t${day}`;
          const croner = new Cron(cron, { timezone: "UTC", paused: true, mode: "5-part" });
          const found = runsAfter(when({ cron }), from.getTime(), { most: 40 });
          expect(found).toEqual(croner.nextRuns(40, from).map((run) => run.getTime()));
        },
      ),
      { numRuns: 60 },
    );
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
