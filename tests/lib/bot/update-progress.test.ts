/** What the lines of an update and the end of its job mean. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { STEPS } from "../../../lib/bot/bot-update.ts";
import { atStep, ended, type JobEnd, markIn, newUpdate } from "../../../lib/bot/update-progress.ts";

const AT = "2026-01-31T12:00:00.000+00:00";
const fresh = (limitSeconds = 1500) =>
  newUpdate({ id: "id", service: "matrix-bridge", branch: "main", limitSeconds, by: "dashboard", at: AT });
const end = (given: Partial<JobEnd>): JobEnd => ({
  state: "exited",
  exitCode: 0,
  timedOut: false,
  cancelled: false,
  lastLine: null,
  ...given,
});
const states = ({ steps }: ReturnType<typeof fresh>) => steps.map(({ state }) => state);

test("its own lines are told from output", () => {
  expect(markIn("::step fetch")).toEqual({ step: "fetch", isTimeout: false });
  expect(markIn("::failed 128")).toEqual({ isTimeout: false });
  expect(markIn("::timeout")).toEqual({ isTimeout: true });
  for (const line of ["", "step fetch", " ::step fetch", "::step push", "::timeout now"])
    expect(markIn(line)).toBeNull();
});

describe("the end", () => {
  test("of all steps is a success, whatever was heard of them", () => {
    expect(ended(fresh(), end({}), AT)).toMatchObject({ state: "succeeded", reason: null, ended_at: AT });
    expect(states(ended(fresh(), end({}), AT))).toEqual(["done", "done", "done"]);
  });

  test("names the step that failed and its last words", () => {
    const failed = ended(atStep(fresh(), "reset"), end({ exitCode: 128, lastLine: "fatal: no such ref" }), AT);
    expect(failed.reason).toBe("git reset --hard origin/main failed with exit code 128. fatal: no such ref");
    expect(states(failed)).toEqual(["done", "failed", "waiting"]);
  });

  test("by its cap, by somebody, by a restart of the Spark, by a kill", () => {
    const at = atStep(fresh(90), "build");
    const gone = { state: "vanished", exitCode: null } as const;
    expect(ended(at, end({ ...gone, timedOut: true }), AT)).toMatchObject({
      state: "timed_out",
      reason: "docker compose up -d --build was not done when the 90 seconds were over, and was ended.",
    });
    expect(ended(at, end({ ...gone, cancelled: true }), AT)).toMatchObject({ state: "cancelled" });
    expect(ended(at, end({ ...gone, state: "rebooted" }), AT).reason).toContain("The Spark was restarted during");
    expect(ended(at, end(gone), AT)).toMatchObject({
      state: "failed",
      reason: "docker compose up -d --build was killed.",
    });
    expect(ended(fresh(), end({ state: "absent", exitCode: null }), AT).reason).toBe("It could not be begun.");
  });

  test("is a success with exit code 0 only, and always tells why else", () => {
    const anyEnd = fc.record({
      state: fc.constantFrom("absent", "prepared", "exited", "vanished", "rebooted" as const),
      exitCode: fc.option(fc.integer({ min: 0, max: 255 })),
      timedOut: fc.boolean(),
      cancelled: fc.boolean(),
      lastLine: fc.option(fc.string()),
    });
    fc.assert(
      fc.property(anyEnd, fc.option(fc.constantFrom(...STEPS)), (how, step) => {
        const update = ended(step ? atStep(fresh(), step) : fresh(), how as JobEnd, AT);
        const isGood = how.state === "exited" && how.exitCode === 0;
        expect(update.state === "succeeded").toBe(isGood);
        expect(update.reason === null).toBe(isGood);
        expect(states(update)).not.toContain("running");
      }),
    );
  });
});
