import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Fault } from "../../../lib/fault.ts";
import type { MachineEvent } from "../../../lib/swap/machine.ts";
import { EngineBench, GLM, QWEN } from "./_engine-bench.ts";
import { aSlot, aTopology } from "./_fixtures.ts";
import { everythingRan } from "./_scripted-effects.ts";

const outOfMemory = { code: "out_of_memory", message: "Memory ran out.", evidence: null, advice: null };
const failed: MachineEvent = { type: "failed", failure: outOfMemory };

describe("a swap that goes well", () => {
  test("runs one effect after the other and ends as ready", async () => {
    await using bench = new EngineBench();

    const job = await bench.load(QWEN);

    expect(bench.effects.names).toEqual(["prepare", "drain", "stop", "launch", "follow", "verify"]);
    expect(job).toMatchObject({ state: "ready", progress: 1, eta_seconds: null, reason: null, failure: null });
    expect(job.ended_at).not.toBeNull();
    expect(job.phases.map(({ name }) => name)).toEqual([
      "planned",
      "checking",
      "draining",
      "stopping",
      "launching",
      "loading",
      "verifying",
    ]);
    expect(job.phases.every(({ started_at, ended_at }) => ended_at !== null && ended_at >= started_at)).toBe(true);
    expect(bench.engine.active()).toEqual([]);
  });

  test("is believed to serve from the verification on, and no more from the stop on", async () => {
    await using bench = new EngineBench();
    await bench.load(QWEN);
    expect(bench.engine.beliefs()).toMatchObject([
      { slot: "main", model: QWEN, job_id: "job-1", nodes: ["spark-1"], launch_id: "job-1" },
    ]);

    bench.start(GLM);
    const stop = await bench.effects.until("stop", "job-2");
    expect(bench.engine.beliefs()).toHaveLength(1);
    stop.report({ type: "stopped" });
    await bench.effects.next("launch", "job-2");

    expect(bench.engine.beliefs()).toEqual([]);
  });

  test("has each step on disk before the effect of that step begins", async () => {
    const seen: [string, string][] = [];
    let file = "";
    await using bench = new EngineBench({
      onBegin: ({ type }) => {
        using other = new Database(file, { readonly: true });
        const row = other.query<{ state: string }, []>("SELECT state FROM swap").get();
        seen.push([type, row?.state ?? "nothing"]);
      },
    });
    file = join(bench.folder, "facts.db");

    await bench.load(QWEN);

    expect(seen).toEqual([
      ["prepare", "planned"],
      ["drain", "draining"],
      ["stop", "stopping"],
      ["launch", "launching"],
      ["follow", "loading"],
      ["verify", "verifying"],
    ]);
  });
});

describe("the generation of a swap", () => {
  const beside = aSlot({ name: "beside", port: 8889, container: "vllm_beside" });
  const topology = aTopology({ slots: [aSlot(), beside] });

  test("goes on above what another swap of this controller has shown, and above nobody else's", async () => {
    await using bench = new EngineBench({ topology });
    const { job_id } = bench.start(QWEN);
    const { run } = await bench.effects.until("stop", job_id);
    expect(run.generation).toBe(1);
    // Never given out here: it is someone else's, and the node refuses.
    run.raiseGeneration(2, "own");
    expect(run.generation).toBe(1);
    await bench.load(GLM, "beside");
    run.raiseGeneration(1, "own");
    run.raiseGeneration(3, "own");
    expect(run.generation).toBe(1);
    run.raiseGeneration(2, "own");
    expect([run.generation, bench.store.find(job_id)?.job.generation]).toEqual([3, 3]);
  });

  test("goes on above anyone's at the first contact: a restored backup counts on", async () => {
    await using bench = new EngineBench();
    bench.start();
    const { run } = await bench.effects.until("prepare");
    run.raiseGeneration(0, "anyone");
    expect(run.generation).toBe(1);
    run.raiseGeneration(40, "anyone");
    expect(run.generation).toBe(41);
  });
});

describe("progress", () => {
  test("of a new phase is durable, within a phase it is only shown", async () => {
    await using bench = new EngineBench();
    bench.start();
    const { run } = await bench.effects.until("follow");
    bench.changes.length = 0;

    run.progress({ phase: "weights", part: null });
    run.progress({ phase: "weights", part: 0.5 });

    const entered = bench.changes.find(({ durable }) => durable);
    const within = bench.changes.findLast(({ durable }) => !durable);
    expect(bench.changes.filter(({ durable }) => durable)).toHaveLength(1);
    expect([entered?.job.phase, within?.job.phase]).toEqual(["weights", "weights"]);
    expect(within?.job.progress).toBeGreaterThan(entered?.job.progress ?? 1);
    expect(bench.store.find("job-1")?.job.phase).toBe("weights");
  });

  test("never falls within a leg", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const follow = await bench.effects.until("follow");
    for (const part of [0.1, 0.6, 0.9]) follow.run.progress({ phase: "weights", part });
    follow.run.progress({ phase: "compile", part: null });
    follow.report({ type: "answering" });
    (await bench.effects.next("verify")).report({ type: "verified" });
    await bench.engine.settled(job_id);

    const shown = bench.changes.map(({ job }) => job.progress);

    expect(shown).toEqual(shown.toSorted((a, b) => a - b));
    expect(shown.at(-1)).toBe(1);
  });
});

describe("a failure", () => {
  test("that an effect reports is the reason, after the clean-up", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const settled = bench.engine.settled(job_id);
    (await bench.effects.until("follow")).report(failed);
    (await bench.effects.next("clean_up")).report({ type: "cleaned" });

    expect(await settled).toMatchObject({
      state: "failed",
      reason: "Memory ran out.",
      failure: outOfMemory,
      rolled_back_to: null,
    });
  });

  test("thrown as a Fault is the reason, with what it brought", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const settled = bench.engine.settled(job_id);
    const fault = new Fault("upstream", "ssh_network", "spark-1 does not answer.", { evidence: "ETIMEDOUT" });

    (await bench.effects.until("drain")).fail(fault);

    expect(await settled).toMatchObject({
      state: "failed",
      failure: { code: "ssh_network", message: "spark-1 does not answer.", evidence: "ETIMEDOUT" },
    });
    expect(bench.reported).toEqual([]);
  });

  test("thrown as any other error is `internal`: its message is for the log, not for the owner", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const settled = bench.engine.settled(job_id);
    const mistake = new TypeError("secret is not a function");

    (await bench.effects.until("prepare")).fail(mistake);

    const job = await settled;
    // Where it happened, which holds nobody's secret.
    expect(job.failure).toMatchObject({
      code: "internal",
      evidence: expect.stringMatching(/^TypeError in prepare, at tests\/lib\/swap\/swap-run\.test\.ts:\d+$/),
    });
    expect(JSON.stringify(job)).not.toContain("secret");
    expect(bench.reported).toEqual([mistake]);
  });

  test("because a node obeys another controller leaves everything as it is", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const settled = bench.engine.settled(job_id);

    (await bench.effects.until("launch")).fail(
      new Fault("conflict", "fenced", "spark-1: in use by another Spark Control."),
    );

    expect(await settled).toMatchObject({ state: "failed", failure: { code: "fenced" } });
    expect(bench.effects.names).not.toContain("clean_up");
  });

  test("leads back to the model before, whose belief returns", async () => {
    await using bench = new EngineBench();
    await bench.load(QWEN);
    const { job_id } = bench.start(GLM);
    const settled = bench.engine.settled(job_id);
    (await bench.effects.until("follow", job_id)).report(failed);
    (await bench.effects.next("clean_up", job_id)).report({ type: "cleaned" });

    const launch = await bench.effects.next("launch", job_id);
    expect(launch.leg).toBe("rollback");
    launch.report({ type: "launched" });
    (await bench.effects.next("follow", job_id)).report({ type: "answering" });
    (await bench.effects.next("verify", job_id)).report({ type: "verified" });

    expect(await settled).toMatchObject({
      state: "failed",
      leg: "rollback",
      failure: outOfMemory,
      rolled_back_to: "qwen3-14b",
    });
    expect(bench.engine.beliefs()).toMatchObject([{ model: QWEN, job_id, launch_id: `${job_id}-back` }]);
  });

  test("does not lead back when that is not wanted", async () => {
    await using bench = new EngineBench();
    await bench.load(QWEN);
    const { job_id } = bench.start(GLM, { rollback: false });
    const settled = bench.engine.settled(job_id);
    (await bench.effects.until("follow", job_id)).report(failed);
    (await bench.effects.next("clean_up", job_id)).report({ type: "cleaned" });

    expect(await settled).toMatchObject({
      state: "failed",
      leg: "forward",
      previous_model: "qwen3-14b",
      rolled_back_to: null,
    });
  });
});

describe("a cancel", () => {
  test("gives up the running effect; its late report counts no more, and the clean-up waits for it to let go", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const settled = bench.engine.settled(job_id);
    const follow = await bench.effects.until("follow");

    bench.engine.cancel(job_id);
    await everythingRan();

    expect(follow.signal.aborted).toBe(true);
    expect(bench.effects.names).not.toContain("clean_up");

    follow.report({ type: "answering" });
    const cleanUp = await bench.effects.next("clean_up");
    expect(bench.engine.get(job_id)).toMatchObject({ state: "loading", phase: "cancelling" });
    cleanUp.report({ type: "cleaned" });

    expect(await settled).toMatchObject({ state: "cancelled", reason: "Cancelled.", failure: null });
    expect(bench.effects.names).not.toContain("verify");
  });

  test("an effect that ends by throwing once it is given up is no failure", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const settled = bench.engine.settled(job_id);
    const follow = await bench.effects.until("follow");

    bench.engine.cancel(job_id);
    follow.fail(follow.signal.reason);
    (await bench.effects.next("clean_up")).report({ type: "cleaned" });

    expect(await settled).toMatchObject({ state: "cancelled", failure: null });
    expect(bench.reported).toEqual([]);
  });

  test("before anything was touched settles at once; the late report changes nothing", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const prepare = await bench.effects.until("prepare");

    expect(bench.engine.cancel(job_id)).toMatchObject({ state: "cancelled" });
    prepare.report({ type: "prepared" });
    await everythingRan();

    expect(bench.engine.get(job_id).state).toBe("cancelled");
    expect(bench.effects.names).toEqual(["prepare"]);
    expect(bench.start(GLM).state).toBe("planned");
  });

  test("during the stop lets the stop finish", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const settled = bench.engine.settled(job_id);
    const stop = await bench.effects.until("stop");

    bench.engine.cancel(job_id);

    expect(stop.signal.aborted).toBe(false);
    stop.report({ type: "stopped" });
    expect(await settled).toMatchObject({ state: "cancelled" });
  });
});
