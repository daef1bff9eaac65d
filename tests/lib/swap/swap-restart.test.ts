import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { MachineEvent } from "../../../lib/swap/machine.ts";
import { EngineBench, GLM, QWEN } from "./_engine-bench.ts";

const failed: MachineEvent = {
  type: "failed",
  failure: { code: "out_of_memory", message: "Memory ran out.", evidence: null, advice: null },
};

describe("a restart of the controller", () => {
  test("leaves the record as it is and takes the swap up where it was", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const follow = await bench.effects.until("follow");
    const before = bench.store.find(job_id);

    const closed = bench.engine.close();
    expect(follow.signal.aborted).toBe(true);
    follow.report({ type: "answering" });
    await closed;
    expect(bench.store.find(job_id)).toEqual(before);

    bench.restart();
    bench.engine.resume();
    const settled = bench.engine.settled(job_id);
    (await bench.effects.next("follow")).report({ type: "answering" });
    (await bench.effects.next("verify")).report({ type: "verified" });

    expect(await settled).toMatchObject({ state: "ready", job_id });
    expect(bench.effects.names).toEqual(["follow", "verify"]);
  });

  test("counts on how long a load was watched; the next load begins anew", async () => {
    await using bench = new EngineBench();
    await bench.load(QWEN);
    const { job_id } = bench.start(GLM);
    const follow = await bench.effects.until("follow", job_id);
    follow.run.watched({ watchedMs: 9_000, quietMs: 9_000 });
    expect(bench.store.find(job_id)?.load).toEqual({ watchedMs: 0, quietMs: 0 });
    follow.run.watched({ watchedMs: 600_000, quietMs: 300_000 });
    // Kept at once: it is no longer as quiet as the next controller would take it for.
    follow.run.watched({ watchedMs: 601_000, quietMs: 0 });
    await bench.leave(follow);

    bench.restart();
    bench.engine.resume();
    const again = await bench.effects.next("follow", job_id);
    expect(again.run.loadTimes).toEqual({ watchedMs: 601_000, quietMs: 0 });
    again.report(failed);
    (await bench.effects.next("clean_up", job_id)).report({ type: "cleaned" });
    const back = await bench.effects.next("launch", job_id);
    expect([back.leg, back.run.loadTimes]).toEqual(["rollback", { watchedMs: 0, quietMs: 0 }]);
  });

  test("finds every line that was logged before the step on which it goes on", async () => {
    await using bench = new EngineBench();
    bench.start();
    const follow = await bench.effects.until("follow");
    follow.run.logRemote({ source: "launch", text: "Application startup complete.", end: 30 });
    follow.report({ type: "answering" });
    await bench.effects.next("verify");

    // As another process would see it.
    using disk = new Database(join(bench.folder, "telemetry.db"), { readonly: true });
    expect(disk.query("SELECT line, read_to FROM swap_log WHERE source = 'launch'").all()).toEqual([
      { line: "Application startup complete.", read_to: 30 },
    ]);
  });

  test("while an effect waits for its predecessor to let go: it never begins", async () => {
    await using bench = new EngineBench();
    const { job_id } = bench.start();
    const follow = await bench.effects.until("follow");
    bench.engine.cancel(job_id);

    await bench.leave(follow);

    expect(bench.effects.names).not.toContain("clean_up");
    bench.restart();
    bench.engine.resume();
    const settled = bench.engine.settled(job_id);
    (await bench.effects.next("clean_up")).report({ type: "cleaned" });
    expect(await settled).toMatchObject({ state: "cancelled" });
  });

  test("keeps a way back that had begun", async () => {
    await using bench = new EngineBench();
    await bench.load(QWEN);
    const { job_id } = bench.start(GLM);
    (await bench.effects.until("follow", job_id)).report(failed);
    (await bench.effects.next("clean_up", job_id)).report({ type: "cleaned" });
    const launch = await bench.effects.next("launch", job_id);
    await bench.leave(launch);

    bench.restart();
    bench.engine.resume();

    expect((await bench.effects.next("launch", job_id)).leg).toBe("rollback");
  });

  test("takes up nothing that has ended", async () => {
    await using bench = new EngineBench();
    await bench.load(QWEN);
    await bench.engine.close();

    bench.restart();
    bench.engine.resume();

    expect(bench.engine.active()).toEqual([]);
  });

  test("adds no line of a remote log twice, though it is read from its beginning again", async () => {
    await using bench = new EngineBench();
    bench.start();
    const first = await bench.effects.until("follow");
    first.run.beginReading();
    first.run.logRemote({ source: "launch", text: "one", end: 4 });
    first.run.logRemote({ source: "launch", text: "two", end: 8 });
    first.run.logRemote({ source: "spark-2", text: "elsewhere", end: 10 });
    await bench.leave(first);

    bench.restart();
    bench.engine.resume();
    const { run } = await bench.effects.next("follow");
    const known = run.beginReading();
    expect([known("launch"), known("spark-2"), known("spark-1")]).toEqual([8, 10, 0]);
    for (const [text, end] of [
      ["one", 4],
      ["two", 8],
      ["three", 14],
    ] as const)
      run.logRemote({ source: "launch", text, end });

    expect(bench.log.read("job-1", 0, 100).map(({ seq, source, line }) => [seq, source, line])).toEqual([
      [1, "launch", "one"],
      [2, "launch", "two"],
      [3, "spark-2", "elsewhere"],
      [4, "launch", "three"],
    ]);
    expect(run.tail()).toEqual(["one", "two", "three"]);
  });
});
