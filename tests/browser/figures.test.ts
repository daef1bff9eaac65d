/** What the page computes by itself, without a browser: figures, steps of a swap, signals. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { SwapJob } from "../../lib/swap/swap.ts";
import {
  about,
  clockSeconds,
  dayMonth,
  duration,
  forHow,
  grouped,
  hourMinute,
  plural,
  shortWeekday,
  size,
  weekday,
} from "../../public/format.ts";
import { plannedSeconds, stepsOf, wordOf } from "../../public/panels/phases.ts";
import { stallOf } from "../../public/panels/stall.ts";
import { effect, gently, signal } from "../../public/store.ts";

describe("figures", () => {
  test.each([
    [-3, "0 s"],
    [59.4, "59 s"],
    [60, "1 min"],
    [412, "6 min 52 s"],
    [3_600, "1 h"],
    [11_640, "3 h 14 min"],
    [49 * 3_600, "2 days"],
  ])("%p seconds are %p", (seconds, words) => expect(duration(seconds)).toBe(words));

  test("a guess does not pretend to be exact", () => {
    expect([3, 17, 57, 200].map(about)).toEqual(["a few seconds", "about 20 s", "about 1 min", "about 3 min"]);
  });

  test("sizes have no more digits than tell them apart", () => {
    expect([0, 11_900, 999_600, 3_400_000, 205e6, 999.6e6, 13.8e9, 124e9].map(size)).toEqual([
      ...["0 B", "12 KB", "1.0 MB", "3.4 MB", "205 MB", "1.0 GB", "13.8 GB", "124 GB"],
    ]);
  });

  test("since when does not tick by the second", () => {
    expect([30, 119, 11_699].map(forHow)).toEqual(["less than a minute", "1 min", "3 h 14 min"]);
  });

  test("counts agree with their word", () => {
    expect([plural(1, "line"), plural(2_000, "line")]).toEqual(["1 line", "2,000 lines"]);
  });

  test("times and numbers are written as British English has them", () => {
    const by = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat("en-GB", options);
    const formats = [
      [hourMinute, by({ hour: "2-digit", minute: "2-digit" })],
      [clockSeconds, by({ hour: "2-digit", minute: "2-digit", second: "2-digit" })],
      [dayMonth, by({ day: "numeric", month: "short" })],
      [weekday, by({ weekday: "long" })],
      [shortWeekday, by({ weekday: "short" })],
    ] as const;
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), (date) => {
        for (const [own, standard] of formats)
          expect((own as (date: Date) => string)(date)).toBe(standard.format(date));
      }),
    );
    const standard = new Intl.NumberFormat("en-GB");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer(),
          fc.integer({ min: -9e6, max: 9e6 }).map((n) => n / 1_000),
        ),
        (figure) => {
          expect(grouped(figure)).toBe(standard.format(figure));
        },
      ),
    );
  });

  test("what is no time is a dash", () => {
    expect([hourMinute, dayMonth, weekday, shortWeekday].map((write) => write(new Date("soon")))).toEqual([
      "–",
      "–",
      "–",
      "–",
    ]);
    expect(clockSeconds("soon")).toBe("–");
  });
});

const at = (seconds: number) => new Date(seconds * 1_000).toISOString();

function job(over: Partial<SwapJob>): SwapJob {
  return {
    job_id: "1",
    slot: "main",
    nodes: ["spark-1"],
    model: "small",
    model_name: "Small",
    previous_model: null,
    state: "loading",
    phase: "weights",
    leg: "forward",
    progress: 0.4,
    eta_seconds: 60,
    reason: null,
    failure: null,
    rollback: true,
    rolled_back_to: null,
    rollback_failure: null,
    generation: 1,
    requested_by: "test",
    created_at: at(0),
    updated_at: at(0),
    ended_at: null,
    phases: [],
    ...over,
  };
}

describe("the steps of a swap", () => {
  test("finer phases add up, what goes on is timed until now, the rest is still to come", () => {
    const phases = [
      { name: "launching", started_at: at(0), ended_at: at(2) },
      { name: "containers", started_at: at(2), ended_at: at(5) },
      { name: "weights", started_at: at(5), ended_at: null },
    ];

    const steps = stepsOf(job({ phases }), 15_000);

    expect(steps.find(({ name }) => name === "Start")).toMatchObject({ name: "Start", state: "done", seconds: 5 });
    expect(steps.find(({ name }) => name === "Load weights")).toMatchObject({
      name: "Load weights",
      state: "now",
      seconds: 10,
    });
    expect(steps.filter(({ state }) => state === "todo").map(({ name }) => name)).toEqual(["Warm up", "Test"]);
  });

  test("where the log tells percents, they fill the step, however long it takes", () => {
    const phases = [{ name: "weights", started_at: at(0), ended_at: null }];
    const filled = (part: number | null) =>
      [10, 1_000].map((seconds) => stepsOf(job({ phases, part }), seconds * 1_000, { "Load weights": 20 })[4]?.done);

    expect(filled(0.4)).toEqual([0.4, 0.4]);
    expect(filled(null)).toEqual([0.5, 0.95]);
  });

  test("the steps of a plan add up to what the plan says of all of them", () => {
    const names = ["stopping", "containers", "engine", "weights", "compile", "kv_cache", "graphs", "warmup", "serving"];
    const seconds = plannedSeconds(names.map((name, index) => ({ name, seconds: index + 1 })));

    expect(seconds).toEqual({ Stop: 1, Start: 5, "Load weights": 4, "Warm up": 26, Test: 9 });
  });

  test("a load that stands still is called so after a minute, with when it is given up", () => {
    expect(stallOf(job({}), 600)).toBeNull();
    expect(stallOf(job({ quiet_seconds: 60 }), 600)).toBeNull();
    expect(stallOf(job({ quiet_seconds: 250 }), 600)).toBe(
      "No progress for 4 minutes. Loads of this size sometimes pause; Spark Control gives up after 10 min.",
    );
  });

  test("on the way back only the way back counts", () => {
    const phases = [
      { name: "weights", started_at: at(0), ended_at: at(90) },
      { name: "rollback_rolling_back", started_at: at(90), ended_at: at(91) },
      { name: "rollback_weights", started_at: at(91), ended_at: null },
    ];

    const steps = stepsOf(job({ leg: "rollback", phases }), 95_000);

    expect(steps.map(({ name, seconds }) => [name, seconds])).toEqual([
      ["Start", 1],
      ["Load weights", 4],
      ["Warm up", null],
      ["Test", null],
    ]);
  });

  test("cleaning up takes the place of the steps that will not come", () => {
    const cleaning = job({ phase: "cleaning_up", phases: [{ name: "weights", started_at: at(0), ended_at: at(1) }] });

    expect(wordOf(cleaning)).toBe("Cleaning up");
    expect(stepsOf(cleaning, 2_000).map(({ name, state }) => [name, state])).toEqual([
      ["Load weights", "done"],
      ["Cleaning up", "now"],
    ]);
  });
});

describe("a signal", () => {
  test("runs what read it once per turn, and only when it changed", async () => {
    const count = signal(1);
    const seen: number[] = [];
    const stop = effect(() => void seen.push(count.value));

    count.value = 2;
    count.value = 3;
    await Promise.resolve();
    count.value = 3;
    await Promise.resolve();
    stop();
    count.value = 4;
    await Promise.resolve();

    expect(seen).toEqual([1, 3]);
  });

  test("that changes gently runs each reader in a turn of its own, once, and keeps nobody waiting who does not", async () => {
    const count = signal(1);
    const other = signal(1);
    const seen: string[] = [];
    const stops = ["a", "b", "c"].map((name) =>
      effect(() => void seen.push(`${name} ${count.value} ${name === "b" ? other.value : ""}`.trim())),
    );
    seen.length = 0;

    gently(() => {
      count.value = 2;
      count.value = 3;
    });
    await Promise.resolve();
    expect(seen).toEqual([]);

    other.value = 2;
    await Promise.resolve();
    expect(seen).toEqual(["b 3 2"]);
    stops[2]!();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen).toEqual(["b 3 2", "a 3"]);
    for (const stop of stops) stop();
  });
});
