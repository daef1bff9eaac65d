/** A plain copy of the data that was put back: a Spark that was used since tells, and what runs there now is not touched. */
import { expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import type { Fence } from "../../../lib/swap/cluster.ts";
import type { MachineEvent } from "../../../lib/swap/machine.ts";
import type { Timing } from "../../../lib/swap/timing.ts";
import { until } from "../../support/until.ts";
import { EngineBench, GLM, QWEN } from "./_engine-bench.ts";
import { aNode, aTopology } from "./_fixtures.ts";

const mine = (generation: number): Fence => ({ foreign: null, generation });
const away = (): never => {
  throw new Fault("upstream", "ssh_network", "spark-1 does not answer.", { evidence: "connect ETIMEDOUT" });
};
const lost: MachineEvent = {
  type: "failed",
  failure: { code: "ssh_network", message: "spark-1 does not answer.", evidence: null, advice: null },
};

type Effect = "prepare" | "drain" | "stop" | "launch" | "follow" | "verify";

/** A swap (generation 2) is brought to an effect, and another process takes up its data. */
async function takenUpAt(
  effect: Effect,
  fence: () => Fence,
  { timing = {}, meanwhile = () => undefined }: { timing?: Partial<Timing>; meanwhile?(bench: EngineBench): void } = {},
) {
  const bench = new EngineBench({ control: { fence: async () => fence() }, timing });
  await bench.load(GLM);
  const { job_id } = bench.start();
  const begun = await bench.effects.until(effect, job_id);
  await bench.leave(begun);
  meanwhile(bench);
  bench.restart();
  bench.engine.resume();
  return { bench, job_id, settled: bench.engine.settled(job_id) };
}

const SUPERSEDED = {
  state: "failed",
  failure: {
    code: "superseded",
    evidence: "spark-1 remembers generation 5; this swap has 2, and these data know of none above 2",
  },
  rolled_back_to: null,
};

test("a Spark that was used since: whatever the swap was at, it ends with both generations, and nothing is done for it", async () => {
  for (const effect of ["prepare", "drain", "stop", "launch", "follow", "verify"] as const) {
    const { bench, job_id, settled } = await takenUpAt(effect, () => mine(5));
    await using _ = bench;
    expect(await settled).toMatchObject(SUPERSEDED);
    expect([bench.effects.names, bench.store.unsettled(), bench.reported]).toEqual([[], [], []]);
    expect(bench.recorded.at(-1)).toMatchObject({ job_id, state: "failed" });
  }
});

test("the same where the first contact was quicker and the counter is above that generation already", async () => {
  const { bench, settled } = await takenUpAt("follow", () => mine(5), {
    meanwhile: ({ store }) => store.goOnAfterOthers(5),
  });
  await using _ = bench;
  expect(await settled).toMatchObject(SUPERSEDED);
  expect(bench.effects.names).toEqual([]);
});

test("one that was being cleaned up, or whose end nobody knew, ends nothing either", async () => {
  for (const isUnknown of [false, true]) {
    let generation = 0;
    await using bench = new EngineBench({ control: { fence: async () => mine(generation) } });
    const { job_id } = bench.start();
    (await bench.effects.until("follow", job_id)).report(lost);
    const cleaning = await bench.effects.next("clean_up", job_id);
    if (isUnknown) cleaning.report(lost);
    if (isUnknown) await bench.engine.settled(job_id);
    await bench.leave(cleaning);
    generation = 4;

    bench.restart();
    bench.engine.resume();
    if (isUnknown) bench.engine.resolveUnknown();

    // Why it failed is known, and stays its reason.
    const { failure } = lost as Extract<MachineEvent, { type: "failed" }>;
    expect(await bench.engine.settled(job_id)).toMatchObject({ state: "failed", failure, rolled_back_to: null });
    expect([bench.effects.names, bench.store.unknown()]).toEqual([[], []]);
  }
});

test("an ordinary restart goes on where it was, with no way back lost, also beside another slot's newer swap", async () => {
  let generation = 1;
  await using bench = new EngineBench({ control: { fence: async () => mine(generation) } });
  await bench.load(GLM);
  const { job_id } = bench.start(QWEN);
  const follow = await bench.effects.until("follow", job_id);
  await bench.leave(follow);
  // Another swap of these data was there.
  generation = bench.store.claim(() => bench.store.nextGeneration());
  expect(generation).toBe(3);

  bench.restart();
  bench.engine.resume();
  const settled = bench.engine.settled(job_id);
  (await bench.effects.next("follow", job_id)).report(lost);
  (await bench.effects.next("clean_up", job_id)).report({ type: "cleaned" });
  const back = await bench.effects.next("launch", job_id);
  expect(back.leg).toBe("rollback");
  back.report({ type: "launched" });
  (await bench.effects.next("follow", job_id)).report({ type: "answering" });
  (await bench.effects.next("verify", job_id)).report({ type: "verified" });
  expect(await settled).toMatchObject({ state: "failed", rolled_back_to: GLM.key });
});

test("a swap that is claimed after a Spark has told of later generations is no old one", async () => {
  const { bench } = await takenUpAt("follow", () => mine(5), { meanwhile: ({ store }) => store.goOnAfterOthers(5) });
  await using _ = bench;
  await until("the old one is over", () => bench.store.unsettled().length === 0);
  const { job_id, generation } = bench.start();
  expect(generation).toBe(6);
  const follow = await bench.effects.until("follow", job_id);
  await bench.leave(follow);
  bench.restart();
  bench.engine.resume();
  expect((await bench.effects.next("follow", job_id)).run.jobId).toBe(job_id);
});

test("while no Spark answers nothing is done; its job says what it waits for, and goes on with the answer", async () => {
  let isAway = true;
  const { bench, job_id } = await takenUpAt("follow", () => (isAway ? away() : mine(2)), { timing: { followMs: 1 } });
  await using _ = bench;
  const reason = "Waits: spark-1 does not answer. (connect ETIMEDOUT)";
  await until("it says so", () => bench.engine.get(job_id).reason === reason);
  expect(bench.effects.names).toEqual([]);
  isAway = false;
  await bench.effects.next("follow", job_id);
  expect(bench.engine.get(job_id).reason).toBeNull();
});

test("a Spark that stays silent: the swap fails as a load does, is unknown, and is told as old once the Spark answers", async () => {
  let isAway = true;
  const timing = { followMs: 1, contactDeadlineMs: 30 };
  const { bench, job_id, settled } = await takenUpAt("follow", () => (isAway ? away() : mine(5)), { timing });
  await using _ = bench;
  expect(await settled).toMatchObject({ state: "unknown", failure: { code: "ssh_network" } });
  isAway = false;
  bench.engine.resolveUnknown();
  expect(await bench.engine.settled(job_id)).toMatchObject({ state: "failed", failure: { code: "ssh_network" } });
  expect(bench.effects.names).toEqual([]);
});

test("a Spark that obeys another controller by now: the swap is that one's, and ends here", async () => {
  const { bench, settled } = await takenUpAt("follow", () => ({ foreign: "another", generation: 2 }));
  await using _ = bench;
  expect(await settled).toMatchObject({ state: "failed", failure: { code: "fenced" } });
  expect(bench.effects.names).toEqual([]);
});

test("the Sparks are asked once: what comes after the first answer is fenced as ever", async () => {
  let generation = 2;
  const { bench, job_id } = await takenUpAt("follow", () => mine(generation));
  await using _ = bench;
  const follow = await bench.effects.next("follow", job_id);
  generation = 5;
  follow.report({ type: "answering" });

  expect((await bench.effects.next("verify", job_id)).run.jobId).toBe(job_id);
});

test("a Spark that has left the configuration meanwhile is asked as it was when the swap was claimed", async () => {
  const { bench, settled } = await takenUpAt("follow", () => mine(5), {
    meanwhile: (left) => {
      left.topology = aTopology({ nodes: [aNode("spark-2")] });
    },
  });
  await using _ = bench;

  expect(await settled).toMatchObject(SUPERSEDED);
});
