/** Does a model fit: what the list of models says before anybody asks for a plan. */
import { expect, test } from "bun:test";
import { type FitFacts, fitOf } from "../../../lib/swap/fit.ts";
import { aBelief, aModel, aSlot, TOTAL_BYTES } from "./_fixtures.ts";

const GIB = 2 ** 30;
const seen = (availableBytes: number) => ({
  reachable: true,
  failure: null,
  memory: { totalBytes: TOTAL_BYTES, availableBytes },
  clockSkewSeconds: 0,
  at: "2026-01-01T00:00:00.000+00:00",
});
const facts = (available: Readonly<Record<string, number>>, given: Partial<FitFacts> = {}): FitFacts => ({
  slots: [aSlot()],
  beliefs: [],
  node: (name) => (available[name] === undefined ? undefined : seen(available[name])),
  calm: () => undefined,
  reserveGib: 4,
  swapping: [],
  ...given,
});
const half = aModel({ gpu_memory_utilization: 0.5, size_gb: 30 });

test("it fits, with what would be left on the fullest of its Sparks", () => {
  const both = { ...half, nodes: 2 };
  const fit = fitOf(both, facts({ "spark-1": 120e9, "spark-2": 100e9 }));

  expect(fit).toEqual({
    verdict: "fits",
    leftGib: Math.round(36e9 / GIB),
    reason: null,
    nodes: ["spark-1", "spark-2"],
  });
});

test("what the model that is loaded there gives back counts", () => {
  const beliefs = [aBelief(aModel({ gpu_memory_utilization: 0.8 }))];

  expect(fitOf(half, facts({ "spark-1": 10e9 }, { beliefs }))).toMatchObject({ verdict: "fits" });
  expect(fitOf(half, facts({ "spark-1": 10e9 }))).toMatchObject({
    verdict: "does_not_fit",
    reason: "vLLM would claim 64 GB on spark-1, and 10 GB are free beside what else runs there.",
  });
});

test("tight, when less than the reserve would be left", () => {
  expect(fitOf(half, facts({ "spark-1": 66e9 }))).toMatchObject({ verdict: "tight", leftGib: 2 });
});

test("not, when its weights are more than vLLM may claim, or no slot has enough Sparks", () => {
  expect(fitOf(aModel({ size_gb: 300, nodes: 2 }), facts({ "spark-1": 120e9, "spark-2": 120e9 }))).toMatchObject({
    verdict: "does_not_fit",
    reason: "Its weights take 150 GB on each Spark, and vLLM may claim 64 GB.",
  });
  expect(fitOf({ ...half, nodes: 3 }, facts({}))).toEqual({
    verdict: "does_not_fit",
    leftGib: null,
    reason: "No slot has 3 Sparks.",
    nodes: [],
  });
});

test("unknown while a Spark that it needs has not told its memory, or a swap is under way there, or there is no slot", () => {
  expect(fitOf(half, facts({ "spark-1": 120e9 }, { swapping: ["spark-1"] }))).toMatchObject({ verdict: "unknown" });
  expect(fitOf(half, facts({ "spark-1": 120e9 }, { slots: [] }))).toMatchObject({ verdict: "unknown", nodes: [] });
  expect(fitOf({ ...half, nodes: 2 }, facts({ "spark-1": 120e9 }))).toMatchObject({
    verdict: "unknown",
    leftGib: null,
  });
});

test("while a swap is under way, as it was before: with what the model that was loaded then gives back", () => {
  const memory = { totalBytes: TOTAL_BYTES, availableBytes: 10e9 };
  const calm = () => ({ memory, beliefs: [aBelief(aModel({ gpu_memory_utilization: 0.8 }))] });

  const fit = fitOf(half, facts({ "spark-1": 60e9 }, { swapping: ["spark-1"], calm }));

  expect(fit).toEqual(
    fitOf(half, facts({ "spark-1": 10e9 }, { beliefs: [aBelief(aModel({ gpu_memory_utilization: 0.8 }))] })),
  );
  expect(fit.verdict).toBe("fits");
});

test("of several slots, the one where it fits counts, and one that cannot be reached comes last", () => {
  const slots = ["spark-1", "spark-2"].map((node) => aSlot({ name: node, nodes: [node] }));

  expect(fitOf(half, facts({ "spark-1": 10e9, "spark-2": 120e9 }, { slots }))).toMatchObject({
    verdict: "fits",
    nodes: ["spark-2"],
  });
  const away = { reachable: false, failure: null, memory: null, clockSkewSeconds: null, at: "" };
  const node = (name: string) => (name === "spark-1" ? away : seen(10e9));
  expect(fitOf(half, facts({}, { slots, node }))).toMatchObject({ verdict: "does_not_fit", nodes: ["spark-2"] });
});
