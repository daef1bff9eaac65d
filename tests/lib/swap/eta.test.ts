import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { estimateLoad, type PhaseSeconds, remaining } from "../../../lib/swap/eta.ts";
import { LOAD_PHASES, type LoadPhase } from "../../../lib/swap/phases.ts";
import { aLoad } from "./_fixtures.ts";

describe("an estimate without past loads", () => {
  test("grows with the size of the weights on each node", () => {
    const solo = estimateLoad([], 30, 1, 1);
    const large = estimateLoad([], 120, 1, 1);
    const shared = estimateLoad([], 120, 2, 1);

    expect(solo.phases.weights).toBeCloseTo(100);
    expect(large.phases.weights).toBeCloseTo(400);
    expect(shared.phases.weights).toBeCloseTo(200);
    expect(solo.learntFrom).toBe(0);
  });

  test("takes four minutes for weights of unknown size", () => {
    expect(estimateLoad([], null, 2, 1).phases.weights).toBe(240);
  });

  test("is shorter on a cluster whose time runs faster", () => {
    const real = estimateLoad([], 30, 1, 1);
    const fast = estimateLoad([], 30, 1, 1 / 20);

    expect(fast.totalSeconds).toBeCloseTo(real.totalSeconds / 20);
  });
});

describe("an estimate from past loads", () => {
  test("is the median, phase by phase, whatever the size and the speed of the cluster", () => {
    const past = [aLoad(2, { weights: 100 }), aLoad(4, { weights: 900 }), aLoad(6, { weights: 120 })];

    const estimate = estimateLoad(past, 30, 1, 1 / 20);

    expect(estimate.phases).toEqual(aLoad(4, { weights: 120 }));
    expect(estimate).toMatchObject({ totalSeconds: 148, learntFrom: 3 });
  });

  test("takes the mean of the middle two of an even number", () => {
    expect(estimateLoad([aLoad(10), aLoad(20)], null, 1, 1).phases.engine).toBe(15);
  });

  test("rests on the five newest", () => {
    const past = [1, 2, 3, 4, 5, 1_000, 1_000, 1_000].map((seconds) => aLoad(seconds));

    expect(estimateLoad(past, null, 1, 1)).toMatchObject({ learntFrom: 5, phases: { weights: 3 } });
  });
});

describe("what remains", () => {
  const estimate = estimateLoad([aLoad(10, { weights: 100 })], null, 1, 1); // 170 s in all

  test("is everything at the beginning", () => {
    expect(remaining(estimate, { phase: "containers", part: null }, 0)).toEqual({ progress: 0, etaSeconds: 170 });
  });

  test("is told by the clock where a phase reports nothing", () => {
    const { progress, etaSeconds } = remaining(estimate, { phase: "engine", part: null }, 5);

    expect(progress).toBeCloseTo(15 / 170);
    expect(etaSeconds).toBeCloseTo(155);
  });

  test("is told by the percents where a phase reports them, and by the speed that they show", () => {
    const { progress, etaSeconds } = remaining(estimate, { phase: "weights", part: 0.25 }, 100);

    expect(progress).toBeCloseTo((20 + 25) / 170);
    expect(etaSeconds).toBeCloseTo(300 + 50);
  });

  test("does not grow while the percents pause", () => {
    const at = { phase: "weights", part: 0.25 } as const;
    const paused = [0, 60, 500].map((pause) => remaining(estimate, at, 100 + pause, pause));

    expect(paused.map(({ etaSeconds }) => Math.round(etaSeconds))).toEqual([350, 290, 50]);
    expect(new Set(paused.map(({ progress }) => progress)).size).toBe(1);
  });

  test("never claims that a phase is over by the clock alone", () => {
    const late = remaining(estimate, { phase: "engine", part: null }, 10_000);

    expect(late.progress).toBeLessThan(20 / 170);
    expect(late.etaSeconds).toBeGreaterThan(150);
  });
});

const anyLoad: fc.Arbitrary<PhaseSeconds> = fc
  .array(fc.double({ min: 0, max: 2_000, noNaN: true }), {
    minLength: LOAD_PHASES.length,
    maxLength: LOAD_PHASES.length,
  })
  .map(
    (seconds) =>
      Object.fromEntries(LOAD_PHASES.map((phase, index) => [phase, seconds[index]])) as unknown as PhaseSeconds,
  );
const anyEstimate = fc
  .tuple(
    fc.array(anyLoad, { maxLength: 7 }),
    fc.option(fc.double({ min: 0.1, max: 800, noNaN: true })),
    fc.constantFrom(1, 2),
  )
  .map(([past, sizeGb, nodes]) => estimateLoad(past, sizeGb, nodes, 1));
const anyPhase = fc.constantFrom<LoadPhase>(...LOAD_PHASES);
const anySeconds = fc.double({ min: 0, max: 100_000, noNaN: true });
const anyPart = fc.double({ min: 0, max: 1, noNaN: true });

test("property: the progress is within 0 and 0.99, the time left is a number and not below 0", () => {
  fc.assert(
    fc.property(anyEstimate, anyPhase, fc.option(anyPart), anySeconds, (estimate, phase, part, seconds) => {
      const { progress, etaSeconds } = remaining(estimate, { phase, part }, seconds);

      expect(progress).toBeGreaterThanOrEqual(0);
      expect(progress).toBeLessThanOrEqual(0.99);
      expect(Number.isFinite(etaSeconds) && etaSeconds >= 0).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("property: time, percents and phases only move the progress forward", () => {
  const tolerance = 1e-9;
  fc.assert(
    fc.property(anyEstimate, anyPhase, anySeconds, anySeconds, anyPart, anyPart, (estimate, phase, t1, t2, p1, p2) => {
      const by = (part: number | null, seconds: number) => remaining(estimate, { phase, part }, seconds).progress;
      const next = LOAD_PHASES[LOAD_PHASES.indexOf(phase) + 1] ?? phase;

      expect(by(null, Math.max(t1, t2))).toBeGreaterThanOrEqual(by(null, Math.min(t1, t2)));
      expect(by(Math.max(p1, p2), t1)).toBeGreaterThanOrEqual(by(Math.min(p1, p2), t2));
      if (next !== phase)
        expect(remaining(estimate, { phase: next, part: null }, 0).progress).toBeGreaterThanOrEqual(
          by(p1, t1) - tolerance,
        );
    }),
    { numRuns: 2_000 },
  );
});
