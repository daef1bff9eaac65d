/** A stop that was half done: what is left is looked at, the model before comes back where that was asked for, and people are told. */
import { expect, test } from "bun:test";
import type { MachineEvent } from "../../../lib/swap/machine.ts";
import { until } from "../../support/until.ts";
import { EngineBench, GLM, QWEN } from "./_engine-bench.ts";
import { aSlot, aTopology } from "./_fixtures.ts";

const failed = (code: string): MachineEvent => ({
  type: "failed",
  failure: { code, message: "What ran before did not stop.", evidence: "spark-2: still there", advice: null },
});
const gone: MachineEvent = { type: "looked", left: "gone", alsoGone: [] };
const stays: MachineEvent = { type: "looked", left: "stays", alsoGone: [] };

/** QWEN serves; the stop of a swap to GLM has told it to stop, and fails. */
async function halfStopped(bench: EngineBench, rollback = true) {
  await bench.load(QWEN);
  const { job_id } = bench.start(GLM, { rollback });
  const settled = bench.engine.settled(job_id);
  const stop = await bench.effects.until("stop", job_id);
  stop.run.telling();
  expect(bench.store.find(job_id)?.machine.stopLeft).toBe("unproven");
  stop.report(failed("stop_unverified"));
  return { job_id, settled, look: await bench.effects.next("look", job_id) };
}
const believed = (bench: EngineBench) => bench.engine.beliefs().map(({ model }) => model.key);

test("while it is looked at, the job says that nobody knows whether the model before still runs", async () => {
  await using bench = new EngineBench();
  const { job_id } = await halfStopped(bench);
  expect(bench.engine.get(job_id)).toMatchObject({
    state: "stopping",
    phase: "looking",
    reason: `What ran before did not stop. Whether ${QWEN.name} still runs is not known, and ${GLM.name} was not launched.`,
    ended_at: null,
  });
  expect(believed(bench)).toEqual([QWEN.key]);
});

test("the model before is gone, and no way back was asked for: said so, and no longer believed", async () => {
  await using bench = new EngineBench();
  const { settled, look } = await halfStopped(bench, false);
  look.report(gone);
  expect(await settled).toMatchObject({
    state: "failed",
    reason: `What ran before did not stop. ${QWEN.key} is no longer running, and ${GLM.name} was not launched.`,
    failure: { code: "stop_unverified", evidence: "spark-2: still there" },
    rolled_back_to: null,
  });
  expect(believed(bench)).toEqual([]);
});

test("the model before is gone: it is loaded again where that was asked for", async () => {
  await using bench = new EngineBench();
  const { job_id, settled, look } = await halfStopped(bench);
  look.report(gone);
  const launch = await bench.effects.next("launch", job_id);
  expect(launch.leg).toBe("rollback");
  expect(bench.engine.get(job_id).reason).toContain(`${QWEN.name} is no longer running`);
  launch.report({ type: "launched" });
  (await bench.effects.next("follow", job_id)).report({ type: "answering" });
  (await bench.effects.next("verify", job_id)).report({ type: "verified" });
  expect(await settled).toMatchObject({
    state: "failed",
    reason: expect.stringContaining(`${QWEN.name} was no longer running then`),
    rolled_back_to: QWEN.key,
  });
  expect(believed(bench)).toEqual([QWEN.key]);
});

test("the model before still runs after all: it stays, is believed in, and nothing is loaded", async () => {
  await using bench = new EngineBench();
  const { settled, look } = await halfStopped(bench);
  look.report(stays);
  expect(await settled).toMatchObject({
    state: "failed",
    reason: expect.stringContaining(`${QWEN.name} still runs, and ${GLM.name} was not launched.`),
  });
  expect(believed(bench)).toEqual([QWEN.key]);
});

test("nothing was told to stop: said so, and nothing is looked at", async () => {
  await using bench = new EngineBench();
  await bench.load(QWEN);
  const { job_id } = bench.start(GLM);
  const settled = bench.engine.settled(job_id);
  (await bench.effects.until("stop", job_id)).report(failed("ssh_network"));
  expect(await settled).toMatchObject({
    state: "failed",
    reason: "What ran before did not stop. Nothing was stopped.",
  });
  expect(bench.effects.names).not.toContain("look");
});

test("the Sparks are silent: unknown, and looked at until they answer", async () => {
  await using bench = new EngineBench();
  const { job_id, settled, look } = await halfStopped(bench, false);
  look.report(failed("ssh_network"));
  expect(await settled).toMatchObject({
    state: "unknown",
    reason: expect.stringContaining(`Whether ${QWEN.key} still runs is not known`),
  });
  bench.engine.resolveUnknown();
  (await bench.effects.next("look", job_id)).report(gone);
  await until("it is known", () => bench.engine.get(job_id).state === "failed");
  expect(believed(bench)).toEqual([]);
});

test("a newer swap that has stopped what is left ends it, and it says what is known by then", async () => {
  await using bench = new EngineBench();
  const { job_id, settled, look } = await halfStopped(bench, false);
  look.report(failed("ssh_network"));
  await settled;
  await bench.load(GLM);
  expect(bench.engine.get(job_id)).toMatchObject({
    state: "failed",
    reason: expect.stringContaining(`${QWEN.key} is no longer running`),
  });
});

test("what was to make room in another slot, and is gone, is told and no longer believed", async () => {
  const second = aSlot({ name: "second", nodes: ["spark-1"], port: 8889, container: "vllm_second" });
  const topology = aTopology({ slots: [aSlot(), second] });
  const big = { ...GLM, gpu_memory_utilization: 0.9 };
  await using bench = new EngineBench({ topology, models: [QWEN, big] });
  await bench.load(QWEN, "second");
  const { job_id } = bench.start(big);
  const settled = bench.engine.settled(job_id);
  const stop = await bench.effects.until("stop", job_id);
  stop.run.telling();
  stop.report(failed("stop_unverified"));
  (await bench.effects.next("look", job_id)).report({ type: "looked", left: "gone", alsoGone: ["second"] });
  expect(await settled).toMatchObject({
    reason: `What ran before did not stop. ${GLM.name} was not launched. Nothing runs in second any more.`,
  });
  expect(believed(bench)).toEqual([]);
});
