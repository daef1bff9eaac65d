/** A model that dies right after it was ready: told with its last words, and what was before it comes back where that was asked for. */
import { describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import type { JobReading, NodeView } from "../../../lib/swap/cluster.ts";
import type { Gate } from "../../../lib/swap/gate.ts";
import type { SwapJob } from "../../../lib/swap/swap.ts";
import { until } from "../../support/until.ts";
import { type BenchOptions, EngineBench, GLM, QWEN } from "./_engine-bench.ts";
import { aServingView, aSlot, aTopology, aView, OPEN_GATE, unreachable } from "./_fixtures.ts";

const SERVES = aServingView("vllm serve x");
const LOOK_MS = 2;
const OOM = "torch.OutOfMemoryError: CUDA out of memory.";

/** One Spark: what it shows, and how its launch ended. */
class Spark {
  view: NodeView | Error = SERVES;
  /** Of the other Spark. */
  workerView: NodeView = SERVES;
  /** What the next looks show, before `view` does. */
  readonly first: NodeView[] = [];
  log = "Application startup complete.\n";
  launcher: Pick<JobReading, "state" | "exitCode"> = { state: "running", exitCode: null };
  foreign: string | null = null;
  generation = 0;
  looks = 0;
  /** The next look falls between two processes. */
  blinks = false;

  die(words = "", exitCode: number | null = 1, view = aView()): void {
    this.view = view;
    this.log += words;
    this.launcher = { state: exitCode === null ? "vanished" : "exited", exitCode };
  }

  bench(options: BenchOptions = {}): EngineBench {
    return new EngineBench({
      ...options,
      timing: { settleMs: 600_000, settleLookMs: LOOK_MS, followMs: 1, ...options.timing },
      control: {
        look: ({ name }) => {
          if (name !== "spark-1") return Promise.resolve(this.workerView);
          this.looks++;
          const first = this.first.shift();
          if (first) return Promise.resolve(first);
          if (this.blinks) {
            this.blinks = false;
            return Promise.resolve(aView());
          }
          return this.view instanceof Error ? Promise.reject(this.view) : Promise.resolve(this.view);
        },
        fence: () => Promise.resolve({ foreign: this.foreign, generation: this.generation }),
        readJob: (_node, id, offset) => {
          const chunk = new TextEncoder().encode(id.endsWith("-log") ? "" : this.log).slice(offset);
          return Promise.resolve({ ...this.launcher, chunk, nextOffset: offset + chunk.length, skipped: 0 });
        },
      },
    });
  }

  /** So many looks have been begun and answered since. */
  async looked(times: number): Promise<void> {
    const before = this.looks;
    await until("it was looked at", () => this.looks > before + times);
  }
}

const died = (bench: EngineBench, jobId: string) =>
  until("its death is told", () => bench.engine.get(jobId).died != null).then(() => bench.engine.get(jobId));

async function serving(bench: EngineBench, rollback = true): Promise<string> {
  await bench.load(QWEN);
  const { job_id } = bench.start(GLM, { rollback });
  const settled = bench.engine.settled(job_id);
  (await bench.effects.until("verify", job_id)).report({ type: "verified" });
  expect(await settled).toMatchObject({ state: "ready" });
  return job_id;
}

describe("a model that dies right after it was ready", () => {
  test("is told, too, where another swap was begun meanwhile that has stopped nothing", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    const id = await serving(bench);
    const { job_id: other } = bench.start(QWEN);
    await bench.effects.until("prepare", other);
    // Long enough for the watch to see it.
    await Bun.sleep(20 * LOOK_MS);
    const settled = bench.engine.settled(other);
    await bench.engine.cancel(other);
    expect(await settled).toMatchObject({ state: "cancelled" });
    await spark.looked(2);

    spark.die(`${OOM}\n`);

    expect((await died(bench, id)).died?.failure.code).toBe("died_after_ready");
  });

  test("is told with its last words, and the model before is loaded again by a swap of its own", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    const id = await serving(bench);
    const kept = bench.log.readTo(id).get("launch") ?? 0;

    spark.die(`${OOM}\n`);
    const dead = await died(bench, id);

    expect(dead).toMatchObject({
      state: "ready",
      failure: null,
      reason: expect.stringMatching(
        /^GLM 4.5 Air ended \d+ seconds? after it was ready. Memory ran out. Qwen3 14B is loaded again.$/,
      ),
      died: {
        failure: { code: "died_after_ready", advice: expect.stringContaining("gpu_memory_utilization") },
        restored_by: "job-3",
      },
    });
    expect(dead.died?.failure.evidence).toBe(
      `last words: ${OOM}; exit code 1; docker inspect vllm_node on spark-1 finds no container that runs`,
    );
    const lines = bench.log.read(id, 0, 100).filter(({ source }) => source === "launch");
    expect([kept, lines.at(-1)?.line]).toEqual([0, OOM]);
    const restore = bench.engine.get("job-3");
    expect(restore).toMatchObject({
      model: QWEN.key,
      rollback: false,
      previous_model: GLM.key,
      requested_by: "Spark Control",
      restores: { job_id: id, failure: dead.died?.failure },
    });
    expect(restore.generation).toBeGreaterThan(dead.generation);
    // What somebody starts there by hand in that moment stays.
    expect(bench.store.find("job-3")?.order.onlyWhereNothingRuns).toBe(true);
    // Told with the restore, in one transaction; each of the two is a fact.
    expect(bench.recorded.filter(({ died }) => died)).toHaveLength(1);
    const settled = bench.engine.settled("job-3");
    spark.view = SERVES;
    (await bench.effects.until("verify", "job-3")).report({ type: "verified" });
    expect(await settled).toMatchObject({ state: "ready" });
    expect(bench.engine.beliefs().map(({ model }) => model.key)).toEqual([QWEN.key]);

    // One try: what dies then is told, and nothing is loaded.
    spark.log = "";
    spark.die("", 137, { ...SERVES, vllm: [] });
    expect(await died(bench, "job-3")).toMatchObject({
      reason: expect.stringMatching(/^Qwen3 14B ended \d+ seconds? after it was ready. It was killed.$/),
      died: { restored_by: null, failure: { evidence: expect.stringContaining("exit code 137 (SIGKILL)") } },
    });
    expect(bench.store.list(10)).toHaveLength(3);
    expect(bench.reported).toEqual([]);
  });

  test("while its container stays: vLLM is what counts", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    const id = await serving(bench);
    spark.die("", null, { ...SERVES, vllm: [] });

    expect((await died(bench, id)).died?.failure.evidence).toContain("docker top vllm_node on spark-1 shows no vLLM");
  });

  test("while its container stayed for a moment: it was not stopped from outside", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    const id = await serving(bench);
    spark.first.push({ ...SERVES, vllm: [] });
    spark.die("", 137);

    expect((await died(bench, id)).died?.failure.evidence).toContain("exit code 137 (SIGKILL)");
  });

  test("killed for memory, as docker says of its container before that goes too", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    const id = await serving(bench);
    const container = { running: true, image: "vllm-node", startedAt: "", outOfMemory: true };
    spark.first.push({ ...SERVES, vllm: [], container });
    spark.die("", 137);

    expect((await died(bench, id)).died?.failure).toMatchObject({
      message: expect.stringContaining("Memory ran out."),
      evidence: expect.stringContaining("docker inspect vllm_node on spark-1 shows OOMKilled"),
    });
  });

  test("on its other Spark only: the container tells, a worker may show no vLLM", async () => {
    const spark = new Spark();
    await using bench = spark.bench({ models: [QWEN, { ...GLM, nodes: 2 }] });
    spark.workerView = { ...SERVES, vllm: [] };
    const id = await serving(bench);
    await spark.looked(4);
    expect(bench.engine.get(id).died).toBeUndefined();
    spark.launcher = { state: "exited", exitCode: 1 };
    spark.workerView = aView();

    expect((await died(bench, id)).died?.failure.evidence).toContain(
      "docker inspect vllm_node on spark-2 finds no container that runs",
    );
  });

  test("on its other Spark, while the head's part has not noticed: what is left of it is not taken for somebody's", async () => {
    const spark = new Spark();
    await using bench = spark.bench({ models: [QWEN, { ...GLM, nodes: 2 }] });
    const id = await serving(bench);
    await spark.looked(2);
    spark.log += `${OOM}\n`;
    spark.workerView = aView();

    const { died: told } = await died(bench, id);
    const restore = bench.store.find(told?.restored_by ?? "");
    expect(restore?.order).toMatchObject({
      onlyWhereNothingRuns: true,
      remains: { "spark-1": "2026-01-01T00:00:00Z" },
    });
  });

  test("on its other Spark, and somebody has started a model on the head since: that is not what is left of it", async () => {
    const spark = new Spark();
    await using bench = spark.bench({ models: [QWEN, { ...GLM, nodes: 2 }] });
    const id = await serving(bench);
    await spark.looked(2);
    spark.workerView = aView();
    const container = { running: true, image: "vllm-node", startedAt: "2026-01-01T00:00:09Z" };
    spark.die(`${OOM}\n`, 1, { ...SERVES, container });

    const { died: told } = await died(bench, id);
    expect(bench.store.find(told?.restored_by ?? "")?.order.remains).toEqual({});
  });

  test("leaves the slot as it is where no way back was asked for", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    const id = await serving(bench, false);
    spark.die();

    expect(await died(bench, id)).toMatchObject({
      reason: expect.stringMatching(/after it was ready.$/),
      died: { restored_by: null },
    });
    expect(bench.engine.active()).toEqual([]);
  });

  test("after it was put back by a swap that failed: why that one failed stays, and what died is told behind it", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    await bench.load(QWEN);
    const { job_id: id } = bench.start(GLM);
    const settled = bench.engine.settled(id);
    const full = { code: "disk_full", message: "The disk of a Spark is full.", evidence: null, advice: null };
    (await bench.effects.until("follow", id)).report({ type: "failed", failure: full });
    (await bench.effects.next("clean_up", id)).report({ type: "cleaned" });
    (await bench.effects.next("launch", id)).report({ type: "launched" });
    (await bench.effects.next("follow", id)).report({ type: "answering" });
    (await bench.effects.next("verify", id)).report({ type: "verified" });
    expect(await settled).toMatchObject({ state: "failed", rolled_back_to: QWEN.key });
    spark.die(`${OOM}\n`);

    expect(await died(bench, id)).toMatchObject({
      state: "failed",
      failure: full,
      reason: expect.stringMatching(/^The disk of a Spark is full\. Qwen3 14B ended \d+ seconds? after it was ready\./),
      died: { failure: { code: "died_after_ready" }, restored_by: null },
    });
  });

  test("is not replaced where somebody else has reserved the slot: it says so", async () => {
    const spark = new Spark();
    let isReserved = false;
    const reserved = { holder: "Bob", note: null, expires_at: "2026-01-01T01:00:00Z" };
    const gate = { ...OPEN_GATE, reservationOfAnother: () => (isReserved ? reserved : null) };
    await using bench = spark.bench({ gate });
    const id = await serving(bench);
    isReserved = true;
    spark.die();

    expect(await died(bench, id)).toMatchObject({
      reason: expect.stringContaining("Qwen3 14B is not loaded again: Someone else has reserved this slot"),
      died: { restored_by: null },
    });
    expect(bench.engine.active()).toEqual([]);
  });

  test("is told after a restart of the controller within that time too", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    const id = await serving(bench);
    await bench.engine.close();
    spark.die(`${OOM}\n`);
    bench.restart();
    bench.engine.resume();

    expect((await died(bench, id)).died).toMatchObject({ restored_by: "job-3" });
    await bench.effects.next("prepare", "job-3");
  });

  test("is told once: a controller that is restarted then does not tell it again, and loads nothing a second time", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    const id = await serving(bench, false);
    spark.die(`${OOM}\n`);
    await died(bench, id);
    await bench.engine.close();
    bench.restart();
    bench.engine.resume();
    await manyLooksLater();

    expect(bench.recorded.filter((job) => job.died)).toHaveLength(1);
    expect(bench.store.list(10)).toHaveLength(2);
  });

  test("is told with its last words where telling it had to wait for room on the disk", async () => {
    const spark = new Spark();
    let refusals = 2;
    const record = (job: SwapJob) => {
      if (job.died && refusals-- > 0) throw new Fault("unavailable", "store_unwritable", "The disk is full.");
    };
    await using bench = spark.bench({ record });
    const id = await serving(bench);
    spark.die(`${OOM}\n`);

    expect((await died(bench, id)).died?.failure.evidence).toStartWith(`last words: ${OOM};`);
    expect(bench.reported).toEqual([]);
    expect(bench.log.read(id, 0, 100).filter(({ line }) => line === OOM)).toHaveLength(1);
  });

  test("is told with what was written since it was ready only: the log goes on where it had ended", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    const id = await serving(bench);
    bench.log.append(id, "launch", spark.log.trimEnd(), spark.log.length);
    spark.die(`${OOM}\n`);
    await died(bench, id);

    const lines = bench.log.read(id, 0, 100).filter(({ source }) => source === "launch");
    expect(lines.map(({ line }) => line)).toEqual(["Application startup complete.", OOM]);
    expect(bench.log.readTo(id).get("launch")).toBe(spark.log.length);
  });

  test("is not replaced by what is being deleted: it says so", async () => {
    const spark = new Spark();
    let isDeleted = false;
    await using bench = spark.bench({ isBeingDeleted: ({ key }) => isDeleted && key === QWEN.key });
    const id = await serving(bench);
    isDeleted = true;
    spark.die();

    expect(await died(bench, id)).toMatchObject({
      reason: expect.stringContaining("Qwen3 14B is not loaded again: its files are being deleted."),
      died: { restored_by: null },
    });
  });

  test("under a reservation: the restore belongs to it as well, and ends with it", async () => {
    const spark = new Spark();
    const held = { holder: "Ann", note: null, expires_at: "2026-01-01T01:00:00Z" };
    const reservationOfAnother: Gate["reservationOfAnother"] = (_place, own) => (own === 7 ? null : held);
    await using bench = spark.bench({ gate: { ...OPEN_GATE, admit: () => 7, reservationOfAnother } });
    const id = await serving(bench);
    spark.die();
    await died(bench, id);
    await bench.effects.until("prepare", "job-3");
    expect(bench.store.find("job-3")?.order.reservation).toBe(7);

    const settled = bench.engine.settled("job-3");
    bench.engine.abortBeforeStopping(7);
    expect(await settled).toMatchObject({ state: "cancelled" });
    // Nothing is begun for it once more.
    await manyLooksLater();
    expect(bench.store.list(10)).toHaveLength(3);
  });

  test("is not replaced where a person has ended the reservation under which it was loaded: it says so", async () => {
    const spark = new Spark();
    const gate = { ...OPEN_GATE, admit: () => 7 };
    let forced: number | null = null;
    await using bench = spark.bench({ gate, wasForced: (reservation) => reservation === forced });
    const id = await serving(bench);
    forced = 7;
    spark.die();

    expect(await died(bench, id)).toMatchObject({
      reason: expect.stringContaining("Qwen3 14B is not loaded again: a person has ended the reservation"),
      died: { restored_by: null },
    });
  });

  test("is not replaced where another slot's model would have to stop for what was before: it says so", async () => {
    const spark = new Spark();
    const large = { ...QWEN, gpu_memory_utilization: 0.8 };
    const beside = { ...GLM, key: "beside", gpu_memory_utilization: 0.3 };
    const slots = [aSlot(), aSlot({ name: "second", port: 8889, container: "vllm_second" })];
    await using bench = spark.bench({ models: [large, GLM, beside], topology: aTopology({ slots }) });
    const id = await serving(bench);
    await bench.load(beside, "second");
    spark.die();

    expect(await died(bench, id)).toMatchObject({
      reason: expect.stringContaining("Qwen3 14B is not loaded again: what runs in second now would have to stop."),
      died: { restored_by: null },
    });
    expect(bench.engine.beliefs().map(({ slot }) => slot)).toContain("second");
  });

  test("is waited for on a Spark that was silent meanwhile", async () => {
    const spark = new Spark();
    await using bench = spark.bench({ timing: { settleMs: 1 } });
    spark.view = unreachable("spark-1");
    const id = await serving(bench);
    await spark.looked(3);
    spark.die();

    expect((await died(bench, id)).died?.restored_by).toBe("job-3");
  });
});

/** Timers of one length fire in their order: a watch that goes on has looked about as often. */
async function manyLooksLater(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

describe("nothing died", () => {
  /** @param change what happens once the model is ready */
  async function nothingTold(bench: EngineBench, change: (id: string) => unknown): Promise<void> {
    const id = await serving(bench);
    await change(id);
    const before = bench.store.list(10).length;
    await manyLooksLater();
    expect(bench.engine.get(id).died).toBeUndefined();
    expect(bench.store.list(10)).toHaveLength(before);
    expect(bench.reported).toEqual([]);
  }

  test("when a process list was read between two processes", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    await nothingTold(bench, async () => {
      spark.blinks = true;
      await spark.looked(3);
      expect(spark.blinks).toBe(false);
    });
  });

  test("when somebody has begun another swap", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    await nothingTold(bench, () => {
      bench.start(QWEN);
      spark.die();
    });
  });

  test("when it is being stopped", async () => {
    const spark = new Spark();
    let disruption: string | null = null;
    await using bench = spark.bench({ gate: { ...OPEN_GATE, disruptionIn: () => disruption } });
    await nothingTold(bench, () => {
      disruption = "a stop of main";
      spark.die();
    });
  });

  test("when somebody has stopped its container by hand: that is a difference of the slot", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    await nothingTold(bench, () => spark.die("Stopping cluster\n", 137));
  });

  test("when another controller has the Spark by now", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    await nothingTold(bench, () => {
      spark.foreign = "b";
      spark.die();
    });
  });

  test("when these data are older than what the Spark remembers", async () => {
    const spark = new Spark();
    await using bench = spark.bench();
    await nothingTold(bench, () => {
      spark.generation = 1_000;
      spark.die();
    });
  });

  test("that counts, once it has served for as long as it is watched", async () => {
    const spark = new Spark();
    await using bench = spark.bench({ timing: { settleMs: 1 } });
    await nothingTold(bench, async () => {
      await until("it was watched", () => spark.looks > 0);
      await manyLooksLater();
      spark.die();
    });
  });
});
