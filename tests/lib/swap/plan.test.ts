import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failure } from "../../../lib/swap/failure.ts";
import { makePlan, type Occupant, type PlanFacts } from "../../../lib/swap/plan.ts";
import { aLoad, aModel, aSlot, aView, GIB, TOTAL_BYTES } from "./_fixtures.ts";

const qwen = aModel(); // claims 64 GB
const glm = aModel({ key: "glm", name: "GLM 4.5 Air", gpu_memory_utilization: 0.6 });

function occupant(given: Partial<Occupant> = {}): Occupant {
  return { slot: aSlot(), model: glm, name: "GLM 4.5 Air", nodes: ["spark-1"], runs: true, memory: 0.6, ...given };
}

/** A swap to Qwen3 14B on an idle spark-1, with a past load of 80 s, but for what is given. */
function facts(given: Partial<PlanFacts> = {}): PlanFacts {
  return {
    model: qwen,
    slot: aSlot(),
    nodes: ["spark-1"],
    views: new Map([["spark-1", aView()]]),
    unreachable: new Map(),
    occupants: [],
    pastLoads: [aLoad(10)],
    timeScale: 1,
    rollbackWanted: true,
    memoryReserveGib: 4,
    drain: { requests: 0, seconds: 60, on_timeout: "ask" },
    download: null,
    blockers: [],
    warnings: [],
    commands: [],
    ...given,
  };
}

const withFree = (availableBytes: number) => aView({ memory: { totalBytes: TOTAL_BYTES, availableBytes } });

describe("a swap that fits", () => {
  test("on an idle Spark says so, with the room that is left", () => {
    const plan = makePlan(facts());

    expect(plan).toMatchObject({ slot: "main", nodes: ["spark-1"], fits: true, stops: [], blockers: [], warnings: [] });
    expect(plan.starts).toEqual({ model: "qwen3-14b", name: "Qwen3 14B" });
    expect(plan.memory).toEqual([
      {
        node: "spark-1",
        total_bytes: TOTAL_BYTES,
        available_bytes: 120e9,
        available_after_stop_bytes: 120e9,
        needed_bytes: 64e9,
        weights_bytes: 30e9,
        fits: true,
        spare_bytes: 56e9,
      },
    ]);
    expect(plan.summary).toEqual([
      "Nothing runs there now. Qwen3 14B answers in about 80 seconds.",
      "It fits, with 56 GB to spare on spark-1.",
    ]);
  });

  test("in the place of another model names what stops, for how long, and the way back", () => {
    const plan = makePlan(facts({ views: new Map([["spark-1", withFree(40e9)]]), occupants: [occupant()] }));

    expect(plan).toMatchObject({
      fits: true,
      stops: [{ slot: "main", model: "glm", name: "GLM 4.5 Air", nodes: ["spark-1"] }],
      load_seconds: 80,
      downtime_seconds: 95,
      learnt_from: 1,
      rollback_to: "glm",
    });
    expect(plan.memory[0]).toMatchObject({ available_bytes: 40e9, available_after_stop_bytes: 116.8e9 });
    expect(plan.summary).toEqual([
      "GLM 4.5 Air stops answering. Qwen3 14B answers after about 2 minutes.",
      "It fits, with 53 GB to spare on spark-1.",
      "If it fails, GLM 4.5 Air is loaded again.",
    ]);
  });

  test("in the place of a model that the catalog does not know counts the memory that it gives back", () => {
    const unknown = occupant({ model: null, name: "acme/secret-70b", memory: 0.9 });

    const plan = makePlan(facts({ views: new Map([["spark-1", withFree(10e9)]]), occupants: [unknown] }));

    expect(plan).toMatchObject({
      fits: true,
      blockers: [],
      rollback_to: null,
      stops: [{ model: null, name: "acme/secret-70b" }],
    });
  });

  test("in the place of one that has ended says so, and still knows the way back", () => {
    const ended = occupant({ runs: false, memory: 0 });

    const plan = makePlan(facts({ views: new Map([["spark-1", withFree(120e9)]]), occupants: [ended] }));

    expect(plan.summary).toEqual([
      "GLM 4.5 Air has ended. Qwen3 14B answers in about 80 seconds.",
      "It fits, with 56 GB to spare on spark-1.",
      "If it fails, GLM 4.5 Air is loaded again.",
    ]);
  });

  test("never counts more memory as free than the Spark has", () => {
    const plan = makePlan(facts({ views: new Map([["spark-1", withFree(100e9)]]), occupants: [occupant()] }));

    expect(plan.memory[0]?.available_after_stop_bytes).toBe(TOTAL_BYTES);
  });

  test("tightly is warned of", () => {
    const plan = makePlan(facts({ views: new Map([["spark-1", withFree(64e9 + 3 * GIB)]]) }));

    expect(plan).toMatchObject({ fits: true, blockers: [], warnings: [{ code: "tight" }] });
    expect(plan.summary).toEqual([
      "Nothing runs there now. Qwen3 14B answers in about 80 seconds.",
      "It fits, with 3 GB to spare on spark-1.",
      "Tight: only 3 GB would be left on spark-1.",
    ]);
  });

  test("exactly, to the byte, fits", () => {
    expect(makePlan(facts({ views: new Map([["spark-1", withFree(64e9)]]) })).fits).toBe(true);
    expect(makePlan(facts({ views: new Map([["spark-1", withFree(64e9 - 1)]]) })).fits).toBe(false);
  });

  test("on two Sparks is judged on each; the summary tells of the tighter one", () => {
    const model = aModel({ nodes: 2, size_gb: 100 });
    const views = new Map([
      ["spark-1", withFree(110e9)],
      ["spark-2", withFree(90e9)],
    ]);

    const plan = makePlan(facts({ model, nodes: ["spark-1", "spark-2"], views }));

    expect(plan.memory.map(({ weights_bytes }) => weights_bytes)).toEqual([50e9, 50e9]);
    expect(plan.summary[1]).toBe("It fits, with 26 GB to spare on spark-2.");
  });
});

describe("a swap that does not fit", () => {
  test("because too little memory would be free", () => {
    const plan = makePlan(facts({ views: new Map([["spark-1", withFree(50e9)]]) }));

    expect(plan).toMatchObject({ fits: false, blockers: [{ code: "does_not_fit" }] });
    expect(plan.blockers[0]?.evidence).toBe("spark-1: MemTotal 128000000000 bytes, MemAvailable 50000000000 bytes");
    expect(plan.summary).toEqual([
      "Nothing runs there now. Qwen3 14B answers in about 80 seconds.",
      "Does not fit on spark-1: vLLM would claim 64 GB, 50 GB of 128 GB would be free.",
    ]);
  });

  test("because the weights leave no room in what vLLM may claim", () => {
    const plan = makePlan(facts({ model: aModel({ size_gb: 63 }) }));

    expect(plan.fits).toBe(false);
    expect(plan.summary).toEqual([
      "Nothing runs there now. Qwen3 14B answers in about 80 seconds.",
      "Does not fit on spark-1: the weights take 63 GB and vLLM may claim 64 GB in all.",
    ]);
  });

  test("on one of two Sparks, though the other could not be asked", () => {
    const plan = makePlan(
      facts({
        model: aModel({ nodes: 2 }),
        nodes: ["spark-1", "spark-2"],
        views: new Map([["spark-1", withFree(50e9)]]),
        unreachable: new Map([["spark-2", failure("ssh_network", "spark-2 does not answer.")]]),
      }),
    );

    expect(plan.fits).toBe(false);
    expect(plan.blockers.map(({ code }) => code)).toEqual(["ssh_network", "does_not_fit"]);
  });

  test("beside a model of another slot that stays", () => {
    const other = aSlot({ name: "second", port: 8889, container: "second" });
    const stays = makePlan(facts({ views: new Map([["spark-1", withFree(50e9)]]), occupants: [] }));
    const goes = makePlan(
      facts({ views: new Map([["spark-1", withFree(50e9)]]), occupants: [occupant({ slot: other })] }),
    );

    expect(stays.fits).toBe(false);
    expect(goes.fits).toBe(true);
  });
});

describe("what is not known", () => {
  test("a Spark that could not be asked: whether it fits is open, and the swap cannot start", () => {
    const reason = failure("ssh_network", "spark-1 does not answer.", "connect ETIMEDOUT", "Look whether it is on.");

    const plan = makePlan(facts({ views: new Map(), unreachable: new Map([["spark-1", reason]]) }));

    expect(plan).toMatchObject({ fits: null, memory: [], blockers: [reason] });
    expect(plan.summary).toEqual([
      "Nothing runs there now. Qwen3 14B answers in about 80 seconds.",
      "Whether it fits is not known, because not every Spark could be asked.",
      "spark-1 does not answer.",
    ]);
  });

  test("the size of a model: only the memory that vLLM claims is judged", () => {
    const plan = makePlan(facts({ model: aModel({ size_gb: null }), pastLoads: [] }));

    expect(plan).toMatchObject({ fits: true, learnt_from: 0 });
    expect(plan.memory[0]?.weights_bytes).toBeNull();
  });

  test("a clock that differs by more than five seconds is told, in its direction", () => {
    const skewed = (clockSkewSeconds: number) =>
      makePlan(facts({ views: new Map([["spark-1", aView({ clockSkewSeconds })]]) })).warnings.map(
        ({ message }) => message,
      );

    expect(skewed(90.4)).toEqual(["The clock of spark-1 is 90 s ahead. Times shown here are the controller's."]);
    expect(skewed(-7)).toEqual(["The clock of spark-1 is 7 s behind. Times shown here are the controller's."]);
    expect(skewed(5)).toEqual([]);
  });
});

describe("the way back", () => {
  const other = aSlot({ name: "second", port: 8889, container: "second" });

  test("is the model of the own slot, not that of another one that stops as well", () => {
    const occupants = [occupant({ slot: other, model: qwen, name: "Qwen3 14B" }), occupant()];

    expect(makePlan(facts({ model: aModel({ key: "new" }), occupants })).rollback_to).toBe("glm");
  });

  test("is none for what makes room in another slot, and each of them is told, whether a way back was wished or not", () => {
    const left = aSlot({ ...other, name: "left" });
    const ended = occupant({ slot: left, name: "Ended", runs: false });
    const occupants = [occupant({ slot: other, model: qwen, name: "Qwen3 14B" }), occupant(), ended];
    const told = "Qwen3 14B makes room in slot second: Spark Control does not load it again by itself if this fails.";

    for (const rollbackWanted of [true, false]) {
      const plan = makePlan(facts({ occupants, rollbackWanted, memoryReserveGib: 0 }));
      expect(plan.warnings).toMatchObject([{ code: "makes_room", message: told }]);
      expect(plan.summary.at(-1)).toBe(told);
    }
  });

  test("is none when it is not wanted, when nothing runs, or when what runs is not in the catalog", () => {
    expect(makePlan(facts({ occupants: [occupant()], rollbackWanted: false })).rollback_to).toBeNull();
    expect(makePlan(facts()).rollback_to).toBeNull();
    expect(makePlan(facts({ occupants: [occupant({ model: null, name: "x" })] })).rollback_to).toBeNull();
  });
});

describe("the words", () => {
  const named = (...names: string[]) =>
    names.map((name, index) => occupant({ slot: aSlot({ name: `slot-${index}` }), name }));

  test.each([
    [["A"], "A stops answering."],
    [["A", "B"], "A and B stop answering."],
    [["A", "B", "C"], "A, B and C stop answering."],
  ])("for %p", (names, sentence) => {
    expect(makePlan(facts({ occupants: named(...names) })).summary[0]).toStartWith(sentence);
  });

  test.each([
    [0.1, "about 5 seconds"],
    [9, "about 70 seconds"],
    [15, "about 2 minutes"],
    [60, "about 8 minutes"],
  ])("for a load of eight times %d seconds", (each, words) => {
    expect(makePlan(facts({ pastLoads: [aLoad(each)] })).summary[0]).toEndWith(`answers in ${words}.`);
  });

  test("blockers and warnings known before come first", () => {
    const plan = makePlan(facts({ blockers: [failure("a", "First.")], warnings: [failure("b", "Second.")] }));

    expect(plan.summary.slice(-2)).toEqual(["First.", "Second."]);
  });
});

test("property: it fits exactly when nothing of the memory blocks it, and never with less than nothing to spare", () => {
  const bytes = fc.integer({ min: 0, max: TOTAL_BYTES });
  fc.assert(
    fc.property(
      fc.double({ min: 0.05, max: 0.98, noNaN: true }),
      fc.option(fc.double({ min: 0.1, max: 300, noNaN: true })),
      bytes,
      bytes,
      fc.boolean(),
      (share, sizeGb, one, two, occupied) => {
        const plan = makePlan(
          facts({
            model: aModel({ nodes: 2, gpu_memory_utilization: share, size_gb: sizeGb }),
            nodes: ["spark-1", "spark-2"],
            views: new Map([
              ["spark-1", withFree(one)],
              ["spark-2", withFree(two)],
            ]),
            occupants: occupied ? [occupant()] : [],
          }),
        );

        expect(plan.fits).toBe(!plan.blockers.some(({ code }) => code === "does_not_fit"));
        for (const node of plan.memory) {
          if (node.fits) expect(node.spare_bytes).toBeGreaterThanOrEqual(0);
          expect(node.available_after_stop_bytes).toBeLessThanOrEqual(node.total_bytes);
        }
      },
    ),
  );
});

describe("a model that is not on the disk", () => {
  test.each([
    [{ nodes: ["spark-1"], begun: false, bytes: 20e9 }, "It is not on spark-1 yet: vLLM downloads about 20 GB first,"],
    [{ nodes: ["spark-1"], begun: true, bytes: 6e9 }, "It is only partly on spark-1: vLLM downloads about 6 GB first,"],
    [
      { nodes: ["spark-1", "spark-2"], begun: false, bytes: null },
      "It is not on spark-1 and spark-2 yet: vLLM downloads it on each first,",
    ],
  ])("is warned of, and the download comes on top of the usual time (%#)", (download, words) => {
    const plan = makePlan(facts({ download }));

    expect(plan.download).toEqual(download);
    expect(plan.warnings).toMatchObject([{ code: "needs_download", message: `${words} which may take long.` }]);
    expect(plan.summary[0]).toEndWith("answers in about 80 seconds plus the download.");
    expect(makePlan(facts({ download, occupants: [occupant()] })).summary[0]).toEndWith("plus the download.");
  });
});

test("the phases of a plan add up to its downtime", () => {
  for (const given of [{}, { occupants: [occupant()] }, { pastLoads: [], occupants: [occupant()] }]) {
    const { phases, downtime_seconds } = makePlan(facts(given));

    expect(Math.round(phases.reduce((sum, { seconds }) => sum + seconds, 0))).toBe(downtime_seconds);
  }
});
