/** What is remembered from look to look: two looks for a failure, since when, and the budget of restarts. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isoTime } from "../../../lib/ids.ts";
import {
  afterLook,
  type Condition,
  chooseRestart,
  deepFailure,
  firstCondition,
  MOST_RESTARTS,
  RESTART_WINDOW_MS,
  upOrDown,
} from "../../../lib/service/condition.ts";
import type { Verdict } from "../../../lib/service/judge.ts";
import type { ServiceState } from "../../../lib/service/service.ts";

const NOW = Date.parse("2026-01-31T12:00:00Z");
const at = (seconds: number) => isoTime(NOW + seconds * 1000);
const healthy: Verdict = { state: "healthy", reason: null, certain: true };
const busy: Verdict = { state: "busy", reason: "The GPU is busy.", certain: true };
const maybeDown: Verdict = { state: "unhealthy", reason: "No answer.", certain: false };
const dead: Verdict = { state: "unhealthy", reason: "Its container has stopped.", certain: true };
const stopped: Verdict = { state: "stopped", reason: "It was stopped from here.", certain: true };

/** Looks at 0, 10, 20 … seconds. */
function after(...verdicts: Verdict[]): Condition {
  return verdicts.reduce(
    (before, verdict, index) => afterLook(before, verdict, at(index * 10)),
    firstCondition(at(-10)),
  );
}

describe("a look", () => {
  test("that fails once is not believed of a service that was well; the second one is", () => {
    expect(after(healthy, maybeDown)).toMatchObject({ state: "healthy", since: at(0), suspected: "unhealthy" });
    expect(after(healthy, maybeDown, maybeDown)).toMatchObject({ state: "unhealthy", since: at(20), suspected: null });
    expect(after(healthy, maybeDown, healthy, maybeDown)).toMatchObject({ state: "healthy", since: at(0) });
    expect(after(busy, maybeDown, busy, maybeDown, maybeDown)).toMatchObject({ state: "unhealthy", since: at(40) });
  });

  test("at a container that has stopped is believed at once", () => {
    expect(after(healthy, dead)).toMatchObject({ state: "unhealthy", since: at(10) });
  });

  test("keeps since when, while the reason may change", () => {
    expect(after(healthy, dead, { ...dead, reason: "Other." })).toMatchObject({ since: at(10), reason: "Other." });
  });

  test("that finds it well again forgets that it was stopped, and that it was left alone", () => {
    const before = { ...after(stopped), stopped: { at: at(0), by: "dashboard" }, givenUp: "Left alone." };
    expect(afterLook(before, stopped, at(10))).toMatchObject({ stopped: before.stopped, givenUp: "Left alone." });
    expect(afterLook(before, healthy, at(10))).toMatchObject({ stopped: null, givenUp: null });
  });

  test("that finds it busy keeps it left alone: it may still fail at all that it is asked", () => {
    const before = { ...after(healthy, dead), givenUp: "Left alone." };
    expect(afterLook(before, busy, at(20)).givenUp).toBe("Left alone.");
  });
});

describe("a restart by itself", () => {
  const failing = (given: Partial<Condition> = {}): Condition => ({ ...after(healthy, dead), ...given });
  const choose = (condition: Condition, given: Partial<Parameters<typeof chooseRestart>[1]> = {}) =>
    chooseRestart(condition, { enabled: true, possible: true, now: NOW, ...given }).what;

  test("comes when it has failed for sure, and only where it is wanted and possible", () => {
    expect(choose(failing())).toBe("restart");
    expect(choose(failing(), { enabled: false })).toBe("nothing");
    expect(choose(failing(), { possible: false })).toBe("nothing");
    expect(choose(after(healthy, maybeDown))).toBe("nothing");
    expect(choose(failing({ stopped: { at: at(0), by: "dashboard" } }))).toBe("nothing");
  });

  test("comes three times within 30 minutes; then it is left alone with a message", () => {
    expect([MOST_RESTARTS, RESTART_WINDOW_MS]).toEqual([3, 30 * 60_000]);
    const restarts = [NOW - 60_000, NOW - 30_000];
    expect(choose(failing({ restarts }))).toBe("restart");
    expect(choose(failing({ restarts: [...restarts, NOW - 10_000] }))).toBe("give_up");
    expect(choose(failing({ restarts: [NOW - RESTART_WINDOW_MS, ...restarts] }))).toBe("restart");
    expect(choose(failing({ givenUp: "Left alone." }))).toBe("nothing");
    const choice = chooseRestart(failing({ restarts: [NOW, NOW, NOW] }), { enabled: true, possible: true, now: NOW });
    expect(choice).toMatchObject({ why: expect.stringContaining("restarted 3 times within 30 minutes") });
  });

  test("never comes more than three times in any 30 minutes, whatever happens to the service", () => {
    const step = fc.record({
      verdict: fc.constantFrom(healthy, busy, maybeDown, dead, stopped),
      seconds: fc.integer({ min: 1, max: 900 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let condition = firstCondition(at(0));
        let now = NOW;
        const restarts: number[] = [];
        for (const { verdict, seconds } of steps) {
          now += seconds * 1000;
          condition = afterLook(condition, verdict, isoTime(now));
          const choice = chooseRestart(condition, { enabled: true, possible: true, now });
          if (choice.what === "restart") {
            restarts.push(now);
            condition = { ...condition, state: "starting", restarts: [...condition.restarts, now] };
          }
          if (choice.what === "give_up") condition = { ...condition, givenUp: choice.why };
          const within = restarts.filter((one) => now - one < RESTART_WINDOW_MS);
          expect(within.length).toBeLessThanOrEqual(MOST_RESTARTS);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("a failed deep check says something only of what runs still, and of what answered then", () => {
  const deep = { service: "kokoro", outcome: "failed", detail: "Silent.", seconds: 1, at: at(0) } as const;
  const condition = { ...after(healthy), deep, deepCounts: true };
  expect(deepFailure(condition, at(-100))).toBe("Silent.");
  expect(deepFailure(condition, null)).toBe("Silent.");
  expect(deepFailure(condition, at(100))).toBeNull();
  expect(deepFailure({ ...condition, deepCounts: false }, null)).toBeNull();
  expect(deepFailure({ ...condition, deep: { ...deep, outcome: "passed" } }, null)).toBeNull();
});

test("outsiders are told up and down, and nothing of what was wanted so", () => {
  const told = (states: ServiceState[]) => states.map(upOrDown);
  expect(told(["healthy", "busy"])).toEqual(["up", "up"]);
  expect(told(["unhealthy", "unreachable"])).toEqual(["down", "down"]);
  expect(told(["starting", "stopped", "not_configured", "unknown"])).toEqual([null, null, null, null]);
});
