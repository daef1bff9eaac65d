import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Effect, initialState, type MachineEvent, type MachineState, step } from "../../../lib/swap/machine.ts";
import { SETTLED } from "../../../lib/swap/swap.ts";

const broken = { code: "out_of_memory", message: "Memory ran out.", evidence: "torch.OutOfMemoryError", advice: null };
const failed: MachineEvent = { type: "failed", failure: broken };
const telling: MachineEvent = { type: "telling" };

/** Runs events one after the other. @returns the last state and all effects in order */
function run(state: MachineState, ...events: MachineEvent[]): { state: MachineState; effects: Effect["type"][] } {
  const effects: Effect["type"][] = [];
  for (const event of events) {
    const next = step(state, event);
    state = next.state;
    effects.push(...next.effects.map((effect) => effect.type));
  }
  return { state, effects };
}

const UNTIL = {
  checking: [{ type: "begin" }],
  draining: [{ type: "begin" }, { type: "prepared" }],
  stopping: [{ type: "begin" }, { type: "prepared" }, { type: "drained" }],
  launching: [{ type: "begin" }, { type: "prepared" }, { type: "drained" }, { type: "stopped" }],
  loading: [{ type: "begin" }, { type: "prepared" }, { type: "drained" }, { type: "stopped" }, { type: "launched" }],
  verifying: [
    { type: "begin" },
    { type: "prepared" },
    { type: "drained" },
    { type: "stopped" },
    { type: "launched" },
    { type: "answering" },
  ],
} as const satisfies Record<string, readonly MachineEvent[]>;

const at = (place: keyof typeof UNTIL, canRollBack = false) => run(initialState(canRollBack), ...UNTIL[place]).state;

describe("the way to ready", () => {
  test("begin checks before anything is touched", () => {
    const { state, effects } = run(initialState(false), { type: "begin" });
    expect(state).toMatchObject({ state: "planned", phase: "checking" });
    expect(effects).toEqual(["prepare"]);
  });

  test("planned → draining → stopping → launching → loading → verifying → ready, one effect each", () => {
    const { state, effects } = run(initialState(true), ...UNTIL.verifying, { type: "verified" });
    expect(state).toMatchObject({ state: "ready", ending: null, leg: "forward" });
    expect(effects).toEqual(["prepare", "drain", "stop", "launch", "follow", "verify"]);
  });

  test("progress moves the phase and starts nothing", () => {
    const { state, effects } = run(at("loading"), { type: "progress", phase: "weights" });
    expect(state).toMatchObject({ state: "loading", phase: "weights" });
    expect(effects).toEqual([]);
  });
});

describe("data that were restored from a backup", () => {
  const overtaken: MachineEvent = { type: "overtaken", failure: { ...broken, code: "restored" } };

  test("what was overtaken ends wherever it was, and nothing is touched or rolled back to", () => {
    for (const place of Object.keys(UNTIL) as (keyof typeof UNTIL)[]) {
      const { state, effects } = run(at(place, true), overtaken);
      expect(state).toMatchObject({ state: "failed", ending: { failure: { code: "restored" } }, rolledBack: null });
      expect(effects).toEqual([]);
    }
  });

  test("an end that was certain, or was being tidied up after, keeps its reason", () => {
    const cancelled = run(at("loading", true), { type: "cancel" }, overtaken);
    expect(cancelled.state).toMatchObject({ state: "cancelled", cleaning: false, ending: { failure: null } });
    const unknown = run(at("loading"), failed, { ...failed, failure: { ...broken, code: "ssh_network" } });
    expect(unknown.state.state).toBe("unknown");
    const ended = run(unknown.state, overtaken);
    expect(ended.state).toMatchObject({ state: "failed", ending: { failure: broken } });
    expect([...cancelled.effects, ...ended.effects]).toEqual(["abort", "clean_up"]);
  });

  test("what is settled stays as it is", () => {
    const { state } = run(at("verifying"), { type: "verified" });
    expect(step(state, overtaken)).toEqual({ state, effects: [] });
  });
});

describe("failing", () => {
  test("before anything was touched: failed at once, nothing to clean up", () => {
    for (const place of ["checking", "draining"] as const) {
      const { state, effects } = run(at(place, true), failed);
      expect(state).toMatchObject({ state: "failed", ending: { as: "failed", failure: broken } });
      expect(effects).toEqual([]);
    }
  });

  test("a stop that had told nothing to stop ends the swap: nothing has changed, and nothing is rolled back to", () => {
    const { state, effects } = run(at("stopping", true), failed);
    expect(state).toMatchObject({ state: "failed", stopLeft: "untouched", rolledBack: null });
    expect(effects).toEqual([]);
  });

  test("from the launch on: cleaned up first, then failed", () => {
    for (const place of ["launching", "loading", "verifying"] as const) {
      const cleaning = run(at(place), failed);
      expect(cleaning.state).toMatchObject({ state: place, phase: "cleaning_up", cleaning: true });
      expect(cleaning.effects).toEqual(["clean_up"]);
      expect(run(cleaning.state, { type: "cleaned" }).state).toMatchObject({ state: "failed", cleaning: false });
    }
  });

  test("a clean-up that cannot be verified is unknown, with the first failure as the reason", () => {
    const other = { ...broken, code: "ssh_network" };
    const { state } = run(at("loading"), failed, { type: "failed", failure: other });
    expect(state).toMatchObject({ state: "unknown", cleaning: false, ending: { failure: broken } });
  });

  test("a node that obeys another controller: failed, and nothing there is touched", () => {
    const { state, effects } = run(at("launching", true), { ...failed, fenced: true });
    expect(state.state).toBe("failed");
    expect(effects).toEqual([]);
  });

  test("a node that refuses to be cleaned up: the refusal is quoted beside what failed first", () => {
    const refusal = { code: "fenced", message: "spark-1 obeys another.", evidence: "fenced instance b", advice: null };
    const refused: MachineEvent = { type: "failed", fenced: true, failure: refusal };

    expect(run(at("loading", true), failed, refused).state).toMatchObject({
      state: "failed",
      rolledBack: null,
      ending: {
        failure: {
          ...broken,
          message: `${broken.message} ${refusal.message}`,
          evidence: [...(broken.evidence === null ? [] : [broken.evidence]), refusal.evidence].join("; "),
        },
      },
    });
    expect(run(at("loading", true), { type: "cancel" }, refused).state).toMatchObject({
      state: "cancelled",
      ending: { failure: refusal },
    });
  });
});

describe("a stop that fails after something was told to stop", () => {
  const looking = run(at("stopping", true), telling, failed);
  const gone: MachineEvent = { type: "looked", left: "gone", alsoGone: ["second"] };

  test("is looked at: nothing is launched beside what may still run, and nothing is rolled back to", () => {
    expect(looking.state).toMatchObject({ state: "stopping", phase: "looking", cleaning: true, stopLeft: "unproven" });
    expect(looking.effects).toEqual(["look"]);
    expect(run(looking.state, { type: "cancel" })).toEqual({ state: looking.state, effects: [] });
  });

  test("and has left nothing: back to the previous model where there is one, else failed", () => {
    const back = run(looking.state, gone);
    expect(back.state).toMatchObject({ state: "launching", leg: "rollback", stopLeft: "gone", alsoGone: ["second"] });
    expect(back.effects).toEqual(["launch"]);
    const alone = run(at("stopping"), telling, failed, gone);
    expect(alone.state).toMatchObject({ state: "failed", stopLeft: "gone", ending: { failure: broken } });
  });

  test("and has stopped nothing after all: failed, and what runs stays", () => {
    const { state, effects } = run(looking.state, { type: "looked", left: "stays", alsoGone: [] });
    expect(state).toMatchObject({ state: "failed", leg: "forward", stopLeft: "stays", ending: { failure: broken } });
    expect(effects).toEqual([]);
  });

  test("and cannot be looked at yet: unknown, and looked at again later and after a restart", () => {
    const unknown = run(looking.state, failed).state;
    expect(unknown).toMatchObject({ state: "unknown", ending: { failure: broken } });
    const again = run(unknown, { type: "resolve" });
    expect([...again.effects, ...run(again.state, { type: "resume" }).effects]).toEqual(["look", "look"]);
    expect(run(again.state, gone).effects).toEqual(["launch"]);
  });

  test("in an earlier process is looked at as well, and a stop that came through is none", () => {
    const resumed = run(at("stopping"), telling, { type: "resume" }, failed);
    expect(resumed.effects).toEqual(["stop", "look"]);
    expect(run(at("stopping"), telling, { type: "stopped" }, failed).state.stopLeft).toBeUndefined();
  });
});

describe("returning to the previous model", () => {
  const back = run(at("loading", true), failed, { type: "cleaned" });

  test("begins once the failed launch is cleaned up", () => {
    expect(back.state).toMatchObject({ state: "launching", leg: "rollback", phase: "rolling_back" });
    expect(back.effects).toEqual(["clean_up", "launch"]);
  });

  test("ends as failed, with the previous model running and the first failure as the reason", () => {
    const { state, effects } = run(back.state, { type: "launched" }, { type: "answering" }, { type: "verified" });
    expect(state).toMatchObject({ state: "failed", rolledBack: true, ending: { failure: broken } });
    expect(effects).toEqual(["follow", "verify"]);
  });

  test("that fails as well: cleaned up, failed, not rolled back, no third attempt", () => {
    const again = { code: "model_died", message: "It died.", evidence: null, advice: null };
    const { state, effects } = run(
      back.state,
      { type: "launched" },
      { type: "failed", failure: again },
      { type: "cleaned" },
    );
    expect(state).toMatchObject({
      state: "failed",
      rolledBack: false,
      ending: { failure: broken },
      rollbackFailure: again,
    });
    expect(effects).toEqual(["follow", "clean_up"]);
  });

  test("is cancelled by a cancel, and the slot stays empty", () => {
    const { state, effects } = run(back.state, { type: "launched" }, { type: "cancel" }, { type: "cleaned" });
    expect(state).toMatchObject({ state: "failed", rolledBack: false });
    expect(effects).toEqual(["follow", "abort", "clean_up"]);
  });
});

describe("cancelling", () => {
  test("before the stop: at once, nothing has changed", () => {
    for (const place of ["checking", "draining"] as const) {
      const { state, effects } = run(at(place, true), { type: "cancel" });
      expect(state).toMatchObject({ state: "cancelled", ending: { as: "cancelled", failure: null } });
      expect(effects).toEqual(["abort"]);
    }
  });

  test("during the stop: the stop is finished, then the previous model is loaded again", () => {
    const cancelling = run(at("stopping", true), { type: "cancel" });
    expect(cancelling.state).toMatchObject({ state: "stopping", phase: "cancelling" });
    expect(cancelling.effects).toEqual([]);
    const { state, effects } = run(cancelling.state, { type: "stopped" });
    expect(state).toMatchObject({ state: "launching", leg: "rollback" });
    expect(effects).toEqual(["launch"]);
  });

  test("during the stop without a way back: cancelled once it is verified", () => {
    expect(run(at("stopping"), { type: "cancel" }, { type: "stopped" }).state.state).toBe("cancelled");
  });

  test("during a stop that then fails: at once where nothing was told to stop, else once it was looked at", () => {
    expect(run(at("stopping"), { type: "cancel" }, failed).state).toMatchObject({
      state: "cancelled",
      stopLeft: "untouched",
    });
    const looking = run(at("stopping"), telling, { type: "cancel" }, failed);
    expect(looking.effects).toEqual(["look"]);
    expect(run(looking.state, failed).state).toMatchObject({ state: "unknown", ending: { as: "cancelled" } });
    const { state } = run(looking.state, { type: "looked", left: "stays", alsoGone: [] });
    expect(state).toMatchObject({ state: "cancelled", stopLeft: "stays", ending: { failure: broken } });
  });

  test("from the launch on: the effect is given up, everything is cleaned up, then cancelled", () => {
    for (const place of ["launching", "loading", "verifying"] as const) {
      const cancelling = run(at(place), { type: "cancel" });
      expect(cancelling.state).toMatchObject({ phase: "cancelling", cleaning: true });
      expect(cancelling.effects).toEqual(["abort", "clean_up"]);
      expect(run(cancelling.state, { type: "cleaned" }).state.state).toBe("cancelled");
    }
  });

  test("during a clean-up changes nothing, and twice is as once: the previous model still comes back", () => {
    const cleaning = run(at("loading"), failed).state;
    expect(run(cleaning, { type: "cancel" })).toEqual({ state: cleaning, effects: [] });
    for (const place of ["stopping", "loading"] as const) {
      const cancelling = run(at(place, true), { type: "cancel" }).state;
      expect(run(cancelling, { type: "cancel" })).toEqual({ state: cancelling, effects: [] });
    }
  });
});

describe("the leg of each effect", () => {
  const legs = (state: MachineState, ...events: MachineEvent[]) => {
    const seen: string[] = [];
    for (const event of events) {
      const next = step(state, event);
      state = next.state;
      for (const effect of next.effects) if ("leg" in effect) seen.push(`${effect.type} ${effect.leg}`);
    }
    return seen;
  };
  const back = run(at("loading", true), failed, { type: "cleaned" }).state;

  test("is forward up to ready", () => {
    const way = legs(initialState(true), ...UNTIL.verifying);
    expect(way).toEqual(["launch forward", "follow forward", "verify forward"]);
    expect(legs(at("loading"), failed)).toEqual(["clean_up forward"]);
  });

  test("is rollback on the way back, its clean-up included", () => {
    const way = legs(at("loading", true), failed, { type: "cleaned" }, { type: "launched" }, { type: "answering" });
    expect(way).toEqual(["clean_up forward", "launch rollback", "follow rollback", "verify rollback"]);
    expect(legs(back, failed)).toEqual(["clean_up rollback"]);
    expect(legs(back, { type: "cancel" })).toEqual(["clean_up rollback"]);
    expect(legs(at("stopping", true), { type: "cancel" }, { type: "stopped" })).toEqual(["launch rollback"]);
  });

  test("is kept by a restart", () => {
    const loading = run(back, { type: "launched" }).state;
    const verifying = run(loading, { type: "answering" }).state;
    const cleaning = run(loading, failed).state;
    const taken = [back, loading, verifying, cleaning].flatMap((state) => legs(state, { type: "resume" }));
    expect(taken).toEqual(["launch rollback", "follow rollback", "verify rollback", "clean_up rollback"]);
  });
});

describe("an unknown end", () => {
  const unknown = run(at("loading", true), failed, failed).state;

  test("is looked into by cleaning up again", () => {
    const looking = run(unknown, { type: "resolve" });
    expect(looking.state).toMatchObject({ state: "unknown", phase: "looking", cleaning: true });
    expect(looking.effects).toEqual(["clean_up"]);
  });

  test("verified clean: back to the previous model where there is one, else failed", () => {
    const back = run(unknown, { type: "resolve" }, { type: "cleaned" });
    expect(back.state).toMatchObject({ state: "launching", leg: "rollback" });
    const alone = run({ ...unknown, canRollBack: false }, { type: "resolve" }, { type: "cleaned" });
    expect(alone.state).toMatchObject({ state: "failed", ending: { failure: broken } });
  });

  test("that cannot be told yet stays unknown", () => {
    expect(run(unknown, { type: "resolve" }, failed).state).toEqual(unknown);
  });

  test("on Sparks that another controller has taken over is over: nothing there is ours", () => {
    const { state, effects } = run(unknown, { type: "resolve" }, { ...failed, fenced: true });
    expect(state.state).toBe("failed");
    expect(effects).toEqual(["clean_up"]);
  });

  test("is taken up again after a restart while it was looked into", () => {
    expect(run(run(unknown, { type: "resolve" }).state, { type: "resume" }).effects).toEqual(["clean_up"]);
  });
});

describe("after a restart of the controller", () => {
  test("the effect of the present state is taken up again", () => {
    const expected = {
      checking: "prepare",
      draining: "drain",
      stopping: "stop",
      launching: "launch",
      loading: "follow",
      verifying: "verify",
    };
    for (const [place, effect] of Object.entries(expected))
      expect(run(at(place as keyof typeof UNTIL), { type: "resume" }).effects).toEqual([effect as Effect["type"]]);
    expect(run(run(at("loading"), failed).state, { type: "resume" }).effects).toEqual(["clean_up"]);
  });
});

describe("events out of place", () => {
  const events: MachineEvent[] = [
    { type: "begin" },
    { type: "prepared" },
    { type: "drained" },
    { type: "stopped" },
    { type: "launched" },
    { type: "progress", phase: "weights" },
    { type: "answering" },
    { type: "verified" },
    { type: "cleaned" },
    failed,
    { type: "cancel" },
    { type: "resume" },
  ];

  test("a settled swap accepts none", () => {
    for (const name of SETTLED) {
      const state = { ...initialState(true), state: name };
      for (const event of events) expect(step(state, event)).toEqual({ state, effects: [] });
    }
  });

  test("the report of another effect is ignored in every state", () => {
    const reports: Record<string, MachineEvent["type"]> = {
      checking: "prepared",
      draining: "drained",
      stopping: "stopped",
      launching: "launched",
      loading: "answering",
      verifying: "verified",
    };
    for (const [place, own] of Object.entries(reports))
      for (const event of events.filter(({ type }) => Object.values(reports).includes(type) && type !== own)) {
        const state = at(place as keyof typeof UNTIL);
        expect(step(state, event)).toEqual({ state, effects: [] });
      }
  });

  test("whatever happens: launched implies verified or cleaned up before an end, and ready only by verified", () => {
    // Half of the events are the one that the state waits for; otherwise few histories would get far.
    const next = (state: MachineState): MachineEvent => (state.cleaning ? { type: "cleaned" } : EXPECTED[state.state]);
    const history = fc.array(fc.oneof(fc.constant("expected" as const), fc.constantFrom(...events)), { maxLength: 40 });
    fc.assert(
      fc.property(fc.boolean(), history, (canRollBack, picks) => {
        let state = initialState(canRollBack);
        let launched = false;
        for (const pick of picks) {
          const event = pick === "expected" ? next(state) : pick;
          const before = state;
          const { state: after, effects } = step(state, event);
          state = after;
          if (before.cleaning && event.type === "cleaned") launched = false;
          if (effects.some(({ type }) => type === "launch")) launched = true;
          if (before.state === after.state) continue;
          if (after.state === "ready") expect(event.type).toBe("verified");
          if (launched && (after.state === "failed" || after.state === "cancelled"))
            expect(event.type).toBe("verified");
        }
      }),
      { numRuns: 20_000 },
    );
  });
});

const EXPECTED: Record<MachineState["state"], MachineEvent> = {
  planned: { type: "prepared" },
  draining: { type: "drained" },
  stopping: { type: "stopped" },
  launching: { type: "launched" },
  loading: { type: "answering" },
  verifying: { type: "verified" },
  ready: { type: "begin" },
  failed: { type: "begin" },
  cancelled: { type: "begin" },
  unknown: { type: "begin" },
};
