/** Swaps of which nobody knows how they ended, and a disk that takes no more. */
import { describe, expect, test } from "bun:test";
import type { MachineEvent } from "../../../lib/swap/machine.ts";
import { until } from "../../support/until.ts";
import { EngineBench, GLM, QWEN } from "./_engine-bench.ts";
import { aSlot, aTopology } from "./_fixtures.ts";

const failed = (code: string): MachineEvent => ({
  type: "failed",
  failure: { code, message: `${code}.`, evidence: null, advice: null },
});

/** A swap to GLM that failed, and whose clean-up could not reach the Sparks. */
async function unknownSwap(bench: EngineBench, rollback: boolean): Promise<string> {
  const { job_id } = bench.start(GLM, { rollback });
  const settled = bench.engine.settled(job_id);
  (await bench.effects.until("follow", job_id)).report(failed("out_of_memory"));
  (await bench.effects.next("clean_up", job_id)).report(failed("ssh_network"));
  expect(await settled).toMatchObject({ state: "unknown", failure: { code: "out_of_memory" } });
  return job_id;
}

describe("an unknown end", () => {
  test("is looked into; once the clean-up is verified the swap has failed, with its first reason", async () => {
    await using bench = new EngineBench();
    const job_id = await unknownSwap(bench, false);

    bench.engine.resolveUnknown();
    expect(bench.engine.get(job_id)).toMatchObject({ state: "unknown", phase: "looking", ended_at: null });
    const settled = bench.engine.settled(job_id);
    (await bench.effects.next("clean_up", job_id)).report({ type: "cleaned" });

    expect(await settled).toMatchObject({ state: "failed", failure: { code: "out_of_memory" } });
    expect(bench.engine.active()).toEqual([]);
  });

  test("says beside its first reason why it is unknown, the last time it was looked into, until it is known", async () => {
    await using bench = new EngineBench();
    const job_id = await unknownSwap(bench, false);
    expect(bench.engine.get(job_id).reason).toBe("out_of_memory. ssh_network.");
    bench.engine.resolveUnknown();
    const full = { code: "disk_full", message: "It is full.", evidence: "no room", advice: "Make room." };
    (await bench.effects.next("clean_up", job_id)).report({ type: "failed", failure: full });
    await until("it has ended", () => bench.engine.get(job_id).ended_at !== null);
    expect(bench.engine.get(job_id)).toMatchObject({
      reason: "out_of_memory. It is full.",
      failure: { code: "out_of_memory", evidence: "no room", advice: "Make room." },
    });
    bench.engine.resolveUnknown();
    const settled = bench.engine.settled(job_id);
    (await bench.effects.next("clean_up", job_id)).report({ type: "cleaned" });

    expect(await settled).toMatchObject({ reason: "out_of_memory.", failure: { evidence: null, advice: null } });
  });

  test("stays unknown while the Sparks are silent, and is looked into again", async () => {
    await using bench = new EngineBench();
    const job_id = await unknownSwap(bench, false);
    bench.engine.resolveUnknown();
    (await bench.effects.next("clean_up", job_id)).report(failed("ssh_network"));
    await until("it has ended", () => bench.engine.get(job_id).ended_at !== null);
    expect(bench.engine.get(job_id)).toMatchObject({ state: "unknown", failure: { code: "out_of_memory" } });

    bench.engine.resolveUnknown();

    expect((await bench.effects.next("clean_up", job_id)).run.jobId).toBe(job_id);
  });

  test("goes back to the previous model where that was wanted", async () => {
    await using bench = new EngineBench();
    await bench.load(QWEN);
    const job_id = await unknownSwap(bench, true);

    bench.engine.resolveUnknown();
    const settled = bench.engine.settled(job_id);
    (await bench.effects.next("clean_up", job_id)).report({ type: "cleaned" });
    for (const [name, report] of [
      ["launch", { type: "launched" }],
      ["follow", { type: "answering" }],
      ["verify", { type: "verified" }],
    ] as const) {
      const begun = await bench.effects.next(name, job_id);
      expect(begun.leg).toBe("rollback");
      begun.report(report);
    }

    expect(await settled).toMatchObject({ state: "failed", rolled_back_to: QWEN.key });
    expect(bench.engine.beliefs().map(({ model }) => model.key)).toEqual([QWEN.key]);
  });

  test("owns its slot while it is looked into, and is overtaken by a newer swap once that has stopped what is there", async () => {
    await using bench = new EngineBench();
    const first = await unknownSwap(bench, false);
    bench.engine.resolveUnknown();
    expect(() => bench.start()).toThrow("is running");
    (await bench.effects.next("clean_up", first)).report(failed("ssh_network"));
    await until("it has ended", () => bench.engine.get(first).ended_at !== null);

    const { job_id } = bench.start();
    const stop = await bench.effects.until("stop", job_id);
    bench.engine.resolveUnknown();
    expect(bench.engine.get(first).state).toBe("unknown");
    stop.report({ type: "stopped" });
    await bench.effects.next("launch", job_id);

    expect(bench.engine.get(first).state).toBe("failed");
    expect(bench.effects.names.filter((name) => name === "clean_up")).toHaveLength(2);
  });
});

describe("an unknown end beside a newer swap of another slot on the same Sparks", () => {
  const left = aSlot({ name: "left", nodes: ["spark-1"], port: 8889, container: "vllm_left" });
  const both = aSlot({ name: "both", nodes: ["spark-1", "spark-2"] });
  const topology = aTopology({ slots: [left, both] });
  const BIG = { ...GLM, key: "big", gpu_memory_utilization: 0.9 };
  const SMALL = { ...GLM, key: "small", gpu_memory_utilization: 0.2 };

  /** Unknown in `left`, where QWEN served before; then another one loads in `both`, and the unknown one is looked into. */
  async function after(newer: typeof GLM) {
    const bench = new EngineBench({ topology, models: [QWEN, GLM, BIG, SMALL] });
    await bench.load(QWEN, "left");
    const { job_id } = bench.start(GLM, { slot: "left" });
    const unknown = bench.engine.settled(job_id);
    (await bench.effects.until("follow", job_id)).report(failed("out_of_memory"));
    (await bench.effects.next("clean_up", job_id)).report(failed("ssh_network"));
    expect((await unknown).state).toBe("unknown");
    await bench.load(newer, "both");
    bench.engine.resolveUnknown();
    const settled = bench.engine.settled(job_id);
    (await bench.effects.next("clean_up", job_id)).report({ type: "cleaned" });
    return { bench, job_id, settled };
  }

  test("is cleaned up, and does not go back to what would be in its way", async () => {
    const { bench, job_id, settled } = await after(BIG);
    await using _ = bench;
    expect(await settled).toMatchObject({ state: "failed", leg: "forward", rolled_back_to: null });
    expect(bench.effects.begun.filter(({ run, leg }) => run.jobId === job_id && leg === "rollback")).toEqual([]);
  });

  test("goes back where both have room", async () => {
    const { bench, job_id } = await after(SMALL);
    await using _ = bench;
    await until("it goes back", () => bench.engine.get(job_id).leg === "rollback");
  });
});

describe("a disk that takes no more", () => {
  test("refuses a new swap plainly, and nothing is started", async () => {
    await using bench = new EngineBench();
    writable(bench, false);

    expect(() => bench.start()).toThrow("full or cannot be written");
    expect(bench.effects.names).toEqual([]);
  });

  test("holds a swap where it is; with room again it goes on, and nothing that happened is lost", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const follow = await bench.effects.until("follow");
    writable(bench, false);
    follow.report(failed("out_of_memory"));
    await until("the job says what it waits for", () => bench.engine.get(job_id).reason !== null);
    expect(bench.engine.get(job_id)).toMatchObject({
      state: "loading",
      reason: expect.stringMatching(/^Waits: .*disk of Spark Control is full/),
    });
    expect(bench.changes.at(-1)?.job.reason).toContain("Make room");
    expect(bench.effects.names).not.toContain("clean_up");

    writable(bench, true);
    const settled = bench.engine.settled(job_id);
    const cleanUp = await bench.effects.next("clean_up");
    expect(bench.engine.get(job_id).reason).not.toContain("Waits");
    cleanUp.report({ type: "cleaned" });

    expect(await settled).toMatchObject({ state: "failed", failure: { code: "out_of_memory" } });
    // It is no mistake of the controller's: nothing is reported as one.
    expect(bench.reported).toEqual([]);
  });
});

/** Every write is refused, as on a disk that is full or was mounted read-only. */
function writable(bench: EngineBench, is: boolean): void {
  bench.opened.facts.run(`PRAGMA query_only = ${is ? "OFF" : "ON"}`);
}
