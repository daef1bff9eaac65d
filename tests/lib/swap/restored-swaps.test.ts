/** Swaps in data that were restored from a backup: the Sparks are asked first, and what runs there now is not touched. */
import { expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import type { Fence } from "../../../lib/swap/cluster.ts";
import { EngineBench, QWEN } from "./_engine-bench.ts";

const mine = (generation: number): Fence => ({ foreign: null, generation });

/** A swap is brought to an effect, a backup is made and restored, and the controller starts on it. */
async function restoredAt(effect: "prepare" | "drain" | "stop" | "launch" | "follow" | "verify", fence: () => Fence) {
  const bench = new EngineBench({ control: { fence: async () => fence() } });
  const { job_id } = bench.start();
  const begun = await bench.effects.until(effect, job_id);
  const closed = bench.engine.close();
  begun.fail(begun.signal.reason);
  await closed;
  bench.store.setRestored();
  bench.restart();
  bench.engine.resume();
  return { bench, job_id, settled: bench.engine.settled(job_id) };
}

test("what had stopped nothing is not done, and no Spark is asked", async () => {
  for (const effect of ["prepare", "drain"] as const) {
    let asked = 0;
    const { bench, settled } = await restoredAt(effect, () => {
      asked += 1;
      return mine(0);
    });
    await using _ = bench;
    expect(await settled).toMatchObject({ state: "failed", failure: { code: "restored" }, rolled_back_to: null });
    expect([bench.effects.names, asked, bench.engine.active()]).toEqual([[], 0, []]);
  }
});

test("what still goes on undisturbed is taken up where it was", async () => {
  for (const effect of ["stop", "launch", "follow", "verify"] as const) {
    const { bench, job_id } = await restoredAt(effect, () => mine(1));
    await using _ = bench;
    await bench.effects.next(effect, job_id);
    expect(bench.effects.names).toEqual([effect]);
  }
});

test("a Spark that was used since: the swap ends, and nothing of it is cleaned up or rolled back", async () => {
  for (const effect of ["stop", "launch", "follow", "verify"] as const) {
    const { bench, job_id, settled } = await restoredAt(effect, () => mine(4));
    await using _ = bench;
    expect(await settled).toMatchObject({
      state: "failed",
      failure: { code: "restored", evidence: "spark-1 remembers generation 4, the backup 1" },
      rolled_back_to: null,
    });
    expect(bench.effects.names).toEqual([]);
    expect(bench.store.unsettled()).toEqual([]);
    expect(bench.recorded.at(-1)).toMatchObject({ job_id, state: "failed" });
  }
});

test("a Spark that obeys another controller by now: the swap ends as fenced", async () => {
  const { bench, settled } = await restoredAt("follow", () => ({ foreign: "another", generation: 1 }));
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

  expect((await bench.engine.settled(job_id)).failure?.evidence).toContain("generation 7, the backup 1");
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
