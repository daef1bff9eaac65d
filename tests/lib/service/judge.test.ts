/** From what was seen to what is shown: each state with its reason, and what holds for all that can be seen. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Answer, type Facts, judge, type Seen, type SeenContainer, SLOW_MS } from "../../../lib/service/judge.ts";

const NOW = Date.parse("2026-01-31T12:00:00Z");
const START_MS = 180_000;
const ago = (ms: number) => new Date(NOW - ms).toISOString();

function container(given: Partial<SeenContainer> = {}): SeenContainer {
  return {
    name: "kokoro",
    status: "running",
    running: true,
    startedAt: ago(3_600_000),
    exitCode: 0,
    outOfMemory: false,
    health: null,
    ...given,
  };
}

const looked = (given: Partial<SeenContainer> | null = {}): Seen => ({
  how: "looked",
  container: given && container(given),
});
const answered = (status = 200, ms = 12): Answer => ({ kind: "answered", status, ms });
const silent: Answer = { kind: "silent", afterMs: 5_000 };
const refused: Answer = { kind: "refused" };

function verdict(given: Partial<Facts>) {
  const { state, reason, certain } = judge({
    name: "kokoro",
    configured: true,
    node: "spark-2",
    port: 8880,
    seen: looked(),
    answer: answered(),
    busy: null,
    stoppedHere: false,
    wasThere: true,
    deepFailure: null,
    now: NOW,
    startMs: START_MS,
    ...given,
  });
  return [state, reason, certain];
}

const BUSY = "The GPU is busy: main works on 2 requests.";

describe("a service that answers", () => {
  test("is healthy, whatever docker says of it", () => {
    expect(verdict({})).toEqual(["healthy", null, true]);
    expect(verdict({ answer: answered(404) })).toEqual(["healthy", null, true]);
    expect(verdict({ seen: looked(null) })).toEqual(["healthy", null, true]);
    expect(verdict({ seen: { how: "failed", reason: "no docker" } })).toEqual(["healthy", null, true]);
  });

  test("slowly is busy while the GPU works, and healthy with a word otherwise", () => {
    expect(verdict({ answer: answered(200, SLOW_MS + 500), busy: BUSY })).toEqual(["busy", BUSY, true]);
    expect(verdict({ answer: answered(200, SLOW_MS + 500) })).toEqual(["healthy", "It answers slowly: 2.5 s.", true]);
    expect(verdict({ answer: answered(200, SLOW_MS), busy: BUSY })).toEqual(["healthy", null, true]);
  });

  test("but fails at its work is unhealthy, unless the GPU is busy", () => {
    expect(verdict({ deepFailure: "It said nothing." })).toEqual(["unhealthy", "It said nothing.", true]);
    expect(verdict({ deepFailure: "It said nothing.", busy: BUSY })).toEqual(["busy", BUSY, true]);
  });
});

describe("a service that gives no answer", () => {
  test("is busy while the GPU works: slow is not broken", () => {
    expect(verdict({ answer: silent, busy: BUSY })).toEqual(["busy", BUSY, true]);
    // A refused connection is not slow.
    expect(verdict({ answer: refused, busy: BUSY })[0]).toBe("unhealthy");
  });

  test("is starting for as long as a start may take", () => {
    const isNew = looked({ startedAt: ago(START_MS - 1_000) });
    const isOld = looked({ startedAt: ago(START_MS + 1_000) });
    expect(verdict({ seen: isNew, answer: refused })[0]).toBe("starting");
    expect(verdict({ seen: isNew, answer: silent })[0]).toBe("starting");
    expect(verdict({ seen: isNew, answer: answered(503) })[0]).toBe("starting");
    expect(verdict({ seen: isOld, answer: refused })).toEqual([
      "unhealthy",
      "Its container runs, but nothing answers on port 8880.",
      false,
    ]);
    expect(verdict({ seen: isOld, answer: silent })).toEqual(["unhealthy", "It gave no answer within 5.0 s.", false]);
    expect(verdict({ seen: isOld, answer: answered(503) })).toEqual([
      "unhealthy",
      "It answers with status 503.",
      false,
    ]);
  });

  test("whose container has stopped is unhealthy at once, and says how it ended", () => {
    const dead = { running: false, status: "exited", exitCode: 137 };
    expect(verdict({ seen: looked(dead), answer: refused })).toEqual([
      "unhealthy",
      "Its container has stopped: exit code 137.",
      true,
    ]);
    expect(verdict({ seen: looked({ ...dead, outOfMemory: true }), answer: refused })[1]).toBe(
      "Its container has stopped: it ran out of memory.",
    );
    expect(verdict({ seen: looked({ ...dead, status: "paused" }), answer: refused })[1]).toBe(
      "Its container is paused.",
    );
    expect(verdict({ seen: looked(dead), answer: refused, stoppedHere: true })).toEqual([
      "stopped",
      "It was stopped from here.",
      true,
    ]);
  });

  test("whose container is not there has gone, or was never set up", () => {
    expect(verdict({ seen: looked(null), answer: refused })).toEqual([
      "unhealthy",
      "Its container has gone from spark-2.",
      true,
    ]);
    expect(verdict({ seen: looked(null), answer: refused, wasThere: false })).toEqual([
      "not_configured",
      "There is no container of its name on spark-2, and nothing answers on port 8880.",
      true,
    ]);
  });

  test("whose Spark cannot be asked is unreachable, with the Spark's own reason", () => {
    const seen: Seen = { how: "failed", reason: "spark-2: does not answer." };
    expect(verdict({ seen, answer: refused })).toEqual(["unreachable", "spark-2: does not answer.", false]);
  });

  test("on a machine that is no Spark is unreachable", () => {
    expect(verdict({ seen: { how: "none" }, answer: refused, node: null })[0]).toBe("unreachable");
  });
});

test("nobody has said where it is", () => {
  expect(verdict({ configured: false })[0]).toBe("not_configured");
});

test("a bot is told by docker alone", () => {
  const bot = { answer: { kind: "none" } as const, port: null };
  expect(verdict(bot)).toEqual(["healthy", null, true]);
  expect(verdict({ ...bot, seen: looked({ health: "starting" }) })[0]).toBe("starting");
  expect(verdict({ ...bot, seen: looked({ health: "unhealthy" }) })[0]).toBe("unhealthy");
  expect(verdict({ ...bot, seen: looked({ running: false, status: "exited" }) })[0]).toBe("unhealthy");
});

const anySeen: fc.Arbitrary<Seen> = fc.oneof(
  fc.record({ how: fc.constant("failed" as const), reason: fc.constant("spark-2: away.") }),
  fc.constant({ how: "none" as const }),
  fc.record({
    how: fc.constant("looked" as const),
    container: fc.option(
      fc
        .record({
          status: fc.constantFrom("created", "running", "paused", "restarting", "exited", "dead"),
          agoMs: fc.integer({ min: 0, max: 1_000_000 }),
          exitCode: fc.option(fc.integer({ min: 0, max: 255 })),
          outOfMemory: fc.boolean(),
          health: fc.constantFrom(null, "starting", "healthy", "unhealthy"),
          started: fc.boolean(),
        })
        .map(({ status, agoMs, started, ...more }) =>
          container({ status, running: status === "running", startedAt: started ? ago(agoMs) : null, ...more }),
        ),
    ),
  }),
);
const anyAnswer: fc.Arbitrary<Answer> = fc.oneof(
  fc.constant(refused),
  fc.constant(silent),
  fc.constant({ kind: "none" as const }),
  fc
    .record({ status: fc.integer({ min: 100, max: 599 }), ms: fc.integer({ min: 0, max: 5_000 }) })
    .map(({ status, ms }) => answered(status, ms)),
);
const anyFacts = fc.record({
  configured: fc.boolean(),
  seen: anySeen,
  answer: anyAnswer,
  busy: fc.constantFrom(null, BUSY),
  stoppedHere: fc.boolean(),
  wasThere: fc.boolean(),
  deepFailure: fc.constantFrom(null, "It said nothing."),
});

test("whatever is seen: only a plainly healthy service has no reason, and a busy one needs somebody who works", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const [state, reason, certain] = verdict(facts);
      if (reason === null) expect(state).toBe("healthy");
      else expect(String(reason)).toMatch(/^[A-Zs].*\.$/);
      if (state === "busy") expect(facts.busy).not.toBeNull();
      if (state === "healthy" || state === "busy") expect(certain).toBe(true);
      if (state === "stopped") expect(facts.stoppedHere).toBe(true);
      const gone = facts.configured && facts.seen.how === "looked" && facts.seen.container?.running === false;
      const isAnswering = facts.answer.kind === "answered" && facts.answer.status < 500;
      if (gone && !isAnswering && !facts.stoppedHere) expect(state).toBe("unhealthy");
    }),
    { numRuns: 2_000 },
  );
});
