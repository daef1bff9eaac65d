/** Swaps in data that were restored from a backup: the Sparks are asked first, and what runs there now is not touched. */
import { expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import type { Fence, JobReading } from "../../../lib/swap/cluster.ts";
import type { Timing } from "../../../lib/swap/timing.ts";
import { until } from "../../support/until.ts";
import { EngineBench, GLM, QWEN } from "./_engine-bench.ts";

const mine = (generation: number): Fence => ({ foreign: null, generation });

type Effect = "prepare" | "drain" | "stop" | "launch" | "follow" | "verify";

/**
 * A swap is brought to an effect, a backup is made and restored, and the controller starts on it.
 * @param launch what the head has of its launch
 */
async function restoredAt(
  effect: Effect,
  fence: () => Fence,
  launch: JobReading["state"] = "absent",
  timing: Partial<Timing> = {},
) {
  const read: string[] = [];
  const readJob = async (_node: unknown, id: string): Promise<JobReading> => {
    read.push(id);
    return { state: launch, exitCode: null, chunk: new Uint8Array(), nextOffset: 0, skipped: 0 };
  };
  const bench = new EngineBench({ control: { fence: async () => fence(), readJob }, timing });
  await bench.load(GLM);
  const { job_id } = bench.start();
  const begun = await bench.effects.until(effect, job_id);
  await bench.leave(begun);
  bench.store.setRestored();
  bench.restart();
  bench.engine.resume();
  return { bench, job_id, read, settled: bench.engine.settled(job_id) };
}

test("what had stopped nothing is not done, and no Spark is asked", async () => {
  for (const effect of ["prepare", "drain"] as const) {
    let asked = 0;
    const { bench, settled } = await restoredAt(effect, () => {
      asked += 1;
      return mine(0);
    });
    await using _ = bench;
    const evidence = `in the backup, which knew generation 2, it was ${effect === "prepare" ? "planned (checking)" : "draining (draining)"}`;
    expect(await settled).toMatchObject({
      state: "failed",
      failure: { code: "restored", evidence },
      rolled_back_to: null,
    });
    expect([bench.effects.names, asked, bench.engine.active()]).toEqual([[], 0, []]);
  }
});

test("a load that still goes on undisturbed is taken up where it was; what ran before it does not come back", async () => {
  for (const effect of ["follow", "verify"] as const) {
    const { bench, job_id, settled } = await restoredAt(effect, () => mine(2));
    await using _ = bench;
    const broken = { code: "model_died", message: "It ended.", evidence: null, advice: null };
    (await bench.effects.next(effect, job_id)).report({ type: "failed", failure: broken });
    (await bench.effects.next("clean_up", job_id)).report({ type: "cleaned" });
    expect(await settled).toMatchObject({ state: "failed", failure: broken, rolled_back_to: null });
    expect(bench.effects.names).toEqual([effect, "clean_up"]);
  }
});

test("launched right after the backup, and nothing since: its load is taken up, and nothing is stopped for it", async () => {
  for (const [effect, launch] of [
    ["stop", "running"],
    ["launch", "exited"],
  ] as const) {
    const { bench, job_id, read, settled } = await restoredAt(effect, () => mine(2), launch);
    await using _ = bench;
    (await bench.effects.next("launch", job_id)).report({ type: "launched" });
    (await bench.effects.next("follow", job_id)).report({ type: "answering" });
    (await bench.effects.next("verify", job_id)).report({ type: "verified" });
    expect((await settled).state).toBe("ready");
    expect([read, bench.effects.names]).toEqual([[job_id], ["launch", "follow", "verify"]]);
  }
});

test("not launched: what it would have stopped and loaded is not done now", async () => {
  for (const effect of ["stop", "launch"] as const) {
    const { bench, settled } = await restoredAt(effect, () => mine(2));
    await using _ = bench;
    const evidence = expect.stringMatching(
      /^in the backup, which knew generation 2, it was \S+ \(\S+\); spark-1 has no launch job-2$/,
    );
    expect(await settled).toMatchObject({
      state: "failed",
      failure: { code: "restored", evidence },
      rolled_back_to: null,
    });
    expect(bench.effects.names).toEqual([]);
  }
});

test("one that was being cleaned up is not cleaned up now: the model before it may be back there", async () => {
  await using bench = new EngineBench({ control: { fence: async () => mine(1) } });
  const { job_id } = bench.start();
  const broken = { code: "out_of_memory", message: "Memory ran out.", evidence: null, advice: null };
  (await bench.effects.until("follow", job_id)).report({ type: "failed", failure: broken });
  const begun = await bench.effects.next("clean_up", job_id);
  await bench.leave(begun);
  bench.store.setRestored();
  bench.restart();
  bench.engine.resume();

  expect(bench.engine.get(job_id)).toMatchObject({ state: "failed", failure: broken });
  expect(bench.effects.names).toEqual([]);
});

test("a Spark that was used since: the swap ends, and nothing of it is cleaned up or rolled back", async () => {
  for (const effect of ["stop", "launch", "follow", "verify"] as const) {
    const { bench, job_id, settled } = await restoredAt(effect, () => mine(4));
    await using _ = bench;
    expect(await settled).toMatchObject({
      state: "failed",
      failure: { code: "restored", evidence: "spark-1 remembers generation 4, the backup 2" },
      rolled_back_to: null,
    });
    expect(bench.effects.names).toEqual([]);
    expect(bench.store.unsettled()).toEqual([]);
    expect(bench.recorded.at(-1)).toMatchObject({ job_id, state: "failed" });
  }
});

test("a Spark that obeys another controller by now: the swap ends as fenced", async () => {
  const { bench, settled } = await restoredAt("follow", () => ({ foreign: "another", generation: 2 }));
  await using _ = bench;
  expect(await settled).toMatchObject({ state: "failed", failure: { code: "fenced" } });
});

test("while no Spark answers it keeps its slot; a cancel ends it and touches nothing", async () => {
  const { bench, job_id, settled } = await restoredAt("follow", () => {
    throw new Fault("upstream", "ssh_network", "spark-1 does not answer.");
  });
  await using _ = bench;
  expect(() => bench.start(QWEN)).toThrow("is running");

  bench.engine.cancel(job_id);

  expect(await settled).toMatchObject({ state: "failed", failure: { code: "restored" } });
  expect(bench.effects.names).toEqual([]);
  expect(bench.start(QWEN).state).toBe("planned");
});

const away = () => {
  throw new Fault("upstream", "ssh_network", "spark-1 does not answer.", { evidence: "connect ETIMEDOUT" });
};

test("while no Spark answers its job says what it waits for, in the words of the connection; then no longer", async () => {
  let isAway = true;
  const timing = { followMs: 1 };
  const { bench, job_id } = await restoredAt("follow", () => (isAway ? away() : mine(2)), "absent", timing);
  await using _ = bench;
  const reason = "Waits: spark-1 does not answer. (connect ETIMEDOUT)";
  await until("it says so", () => bench.engine.get(job_id).reason === reason);
  expect(bench.changes.at(-1)?.job).toMatchObject({ job_id, reason });
  expect(bench.store.find(job_id)?.job.reason).toBeNull();
  isAway = false;
  await bench.effects.next("follow", job_id);
  expect(bench.engine.get(job_id).reason).toBeNull();
});

test("a Spark that stays silent for as long as a load waits for one ends it, and nothing is touched", async () => {
  const timing = { followMs: 1, contactDeadlineMs: 30 };
  const { bench, settled } = await restoredAt("follow", away, "absent", timing);
  await using _ = bench;
  expect(await settled).toMatchObject({
    state: "failed",
    failure: { code: "restored", evidence: "spark-1 does not answer. connect ETIMEDOUT" },
    rolled_back_to: null,
  });
  expect(bench.effects.names).toEqual([]);
});

test("a crash before the Sparks have answered forgets nothing: they are asked again", async () => {
  let generation: number | null = null;
  const { bench, job_id } = await restoredAt("follow", () => {
    if (generation === null) throw new Fault("upstream", "ssh_network", "spark-1 does not answer.");
    return mine(generation);
  });
  await using _ = bench;
  await bench.engine.close();
  // The counter has gone on since: what counts is what the backup knew.
  bench.store.nextGeneration(20);
  generation = 7;

  bench.restart();
  bench.engine.resume();

  expect((await bench.engine.settled(job_id)).failure?.evidence).toContain("generation 7, the backup 2");
});

test("an end that nobody could tell is not looked into: what a newer swap put right would be stopped", async () => {
  await using bench = new EngineBench();
  const { job_id } = bench.start();
  const lost = { code: "ssh_network", message: "spark-1 does not answer.", evidence: null, advice: null };
  (await bench.effects.until("follow", job_id)).report({ type: "failed", failure: lost });
  (await bench.effects.next("clean_up", job_id)).report({ type: "failed", failure: lost });
  expect((await bench.engine.settled(job_id)).state).toBe("unknown");
  await bench.engine.close();
  bench.store.setRestored();

  bench.restart();
  bench.engine.resume();
  bench.engine.resolveUnknown();

  expect(bench.engine.get(job_id)).toMatchObject({ state: "failed", failure: lost });
  expect(bench.store.unknown()).toEqual([]);
  expect(bench.effects.names).toEqual([]);
});
