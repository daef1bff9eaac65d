import { describe, expect, spyOn, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import type { SwapJob } from "../../../lib/swap/swap.ts";
import { until } from "../../support/until.ts";
import { EngineBench, GLM, QWEN } from "./_engine-bench.ts";
import { aModel, aNode, aSlot, aTopology } from "./_fixtures.ts";

const never = new AbortController().signal;

function faultOf(action: () => unknown): Fault {
  try {
    action();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("a Fault was expected");
}

describe("a claim", () => {
  test("is durable and recorded before the first effect", async () => {
    await using bench = new EngineBench();

    const job = bench.start();

    expect(job).toMatchObject({
      job_id: "job-1",
      slot: "main",
      nodes: ["spark-1"],
      model: "qwen3-14b",
      state: "planned",
      generation: 1,
    });
    expect(bench.store.unsettled().map((record) => record.job.job_id)).toEqual(["job-1"]);
    expect(bench.recorded.map(({ phase }) => phase)).toEqual(["planned", "checking"]);
    expect(bench.effects.names).toEqual([]);
  });

  test("succeeds once of two hundred simultaneous ones; each of the others is told which swap runs", async () => {
    await using bench = new EngineBench();

    const answers = await Promise.allSettled(
      Array.from({ length: 200 }, async (_each, index) => bench.start(index % 2 ? QWEN : GLM)),
    );

    const refused = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as Fault] : []));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(refused).toHaveLength(199);
    for (const fault of refused) {
      expect(fault).toBeInstanceOf(Fault);
      expect(fault).toMatchObject({ kind: "conflict", code: "swap_running", members: { job_id: "job-1" } });
    }
    expect(bench.store.list(500)).toHaveLength(1);
    await bench.effects.next("prepare");
    expect(bench.effects.names).toEqual(["prepare"]);
  });

  test("that cannot be recorded leaves no trace", async () => {
    await using bench = new EngineBench({
      record: () => {
        throw new Error("disk full");
      },
    });

    expect(() => bench.start()).toThrow("disk full");

    expect(bench.store.list(10)).toEqual([]);
    expect(bench.engine.active()).toEqual([]);
    expect(bench.store.claim(() => bench.store.nextGeneration())).toBe(1);
  });

  test("grows the generation with every swap", async () => {
    await using bench = new EngineBench();
    const first = await bench.load(QWEN);

    const second = bench.start(GLM);

    expect([first.generation, second.generation]).toEqual([1, 2]);
  });

  test("is refused for what does not exist or cannot be", async () => {
    await using bench = new EngineBench({ models: [QWEN, aModel({ key: "wide", nodes: 3 })] });

    expect(faultOf(() => bench.start(aModel({ key: "nope" })))).toMatchObject({
      kind: "not_found",
      code: "unknown_model",
    });
    expect(faultOf(() => bench.start(QWEN, { slot: "nope" }))).toMatchObject({
      kind: "not_found",
      code: "unknown_slot",
    });
    expect(faultOf(() => bench.start(aModel({ key: "wide" })))).toMatchObject({
      kind: "invalid",
      code: "too_few_nodes",
    });
    expect(bench.store.list(10)).toEqual([]);
  });

  test("is refused while no Spark is configured, and while shutting down", async () => {
    await using bench = new EngineBench({ topology: aTopology({ nodes: [], slots: [] }) });

    expect(faultOf(() => bench.start())).toMatchObject({ kind: "unavailable", code: "not_configured" });
    await bench.engine.close();
    expect(faultOf(() => bench.start())).toMatchObject({ kind: "unavailable", code: "shutting_down" });
  });
});

describe("a step", () => {
  /** Verified, while something of the step cannot be written once. */
  async function verified(bench: EngineBench) {
    const { job_id } = bench.start();
    const settled = bench.engine.settled(job_id);
    const verify = await bench.effects.until("verify");
    const before = bench.store.find(job_id);
    verify.report({ type: "verified" });
    await until("it was tried", () => bench.reported.length > 0);
    expect(bench.store.find(job_id)).toEqual(before);
    expect(bench.engine.beliefs()).toEqual([]);
    return settled;
  }

  test("is not durable without its fact, and then nothing is believed either; it is made once both can be", async () => {
    let isFull = true;
    const record = ({ state }: SwapJob) => {
      if (state !== "ready" || !isFull) return;
      isFull = false;
      throw new Error("disk full");
    };
    await using bench = new EngineBench({ record });

    expect(await verified(bench)).toMatchObject({ state: "ready" });
    expect(bench.engine.beliefs()).toHaveLength(1);
  });

  test("is not durable without what follows from it for what is believed, and its fact neither", async () => {
    const within = new Set<boolean>();
    await using bench = new EngineBench({ record: () => within.add(bench.opened.facts.inTransaction) });
    spyOn(bench.store, "believe").mockImplementationOnce(() => {
      throw new Error("disk full");
    });

    expect(await verified(bench)).toMatchObject({ state: "ready" });
    expect(bench.engine.beliefs()).toHaveLength(1);
    expect([...within]).toEqual([true]);
  });
});

describe("slots", () => {
  const apart = aTopology({
    slots: [aSlot({ nodes: ["spark-1"] }), aSlot({ name: "second", nodes: ["spark-2"] })],
  });
  const together = (memory: number) => ({
    topology: aTopology({
      slots: [
        aSlot({ nodes: ["spark-1"] }),
        aSlot({ name: "second", nodes: ["spark-1"], port: 8889, container: "second" }),
      ],
    }),
    models: [aModel({ gpu_memory_utilization: memory })],
  });

  test("that do not conflict swap side by side", async () => {
    await using bench = new EngineBench({ topology: apart });
    const one = bench.start(QWEN, { slot: "main" });
    const two = bench.start(GLM, { slot: "second" });
    const settled = [bench.engine.settled(one.job_id), bench.engine.settled(two.job_id)];

    const [first, second] = await Promise.all([
      bench.effects.until("follow", one.job_id),
      bench.effects.until("follow", two.job_id),
    ]);
    expect(bench.engine.active().map(({ state }) => state)).toEqual(["loading", "loading"]);
    second.report({ type: "answering" });
    first.report({ type: "answering" });
    for (const job of [one, two]) (await bench.effects.next("verify", job.job_id)).report({ type: "verified" });

    expect((await Promise.all(settled)).map(({ state }) => state)).toEqual(["ready", "ready"]);
    expect(bench.engine.beliefs().map(({ slot, model, nodes }) => [slot, model.key, nodes])).toEqual([
      ["main", "qwen3-14b", ["spark-1"]],
      ["second", "glm", ["spark-2"]],
    ]);
  });

  test("on one node swap side by side when both models have room", async () => {
    await using bench = new EngineBench(together(0.5));
    bench.start(QWEN, { slot: "main" });

    expect(bench.start(QWEN, { slot: "second" }).state).toBe("planned");
  });

  test("on one node exclude each other when both models have not", async () => {
    await using bench = new EngineBench(together(0.6));
    bench.start(QWEN, { slot: "main" });

    expect(faultOf(() => bench.start(QWEN, { slot: "second" }))).toMatchObject({
      code: "swap_running",
      members: { job_id: "job-1" },
    });
  });

  test("a swap owns every node of its slot, also those that its model does not use, whichever comes first", async () => {
    const topology = aTopology({ slots: [aSlot(), aSlot({ name: "second", nodes: ["spark-2"] })] });
    for (const [first, then] of [
      ["main", "second"],
      ["second", "main"],
    ] as const) {
      await using bench = new EngineBench({ topology });
      bench.start(QWEN, { slot: first });

      expect(faultOf(() => bench.start(GLM, { slot: then })).code).toBe("swap_running");
    }
  });
});

describe("what is known afterwards", () => {
  test("a job is found while it runs and when it has ended; another one is not", async () => {
    await using bench = new EngineBench();
    const job = await bench.load(QWEN);

    expect(bench.engine.get(job.job_id)).toEqual(job);
    expect(await bench.engine.settled(job.job_id)).toEqual(job);
    expect(faultOf(() => bench.engine.get("nope"))).toMatchObject({ kind: "not_found", code: "unknown_job" });
  });

  test("the list has the newest first, and a running one as it is now", async () => {
    await using bench = new EngineBench();
    await bench.load(QWEN);
    bench.start(GLM);
    await bench.effects.until("stop", "job-2");

    expect(bench.engine.list().map(({ job_id, state }) => [job_id, state])).toEqual([
      ["job-2", "stopping"],
      ["job-1", "ready"],
    ]);
    expect(bench.engine.list(1)).toHaveLength(1);
  });

  test("how long the last load took", async () => {
    await using bench = new EngineBench();
    expect(bench.engine.loadSeconds("qwen3-14b")).toBeNull();

    await bench.load(QWEN);

    expect(bench.engine.loadSeconds("qwen3-14b")).toBeGreaterThan(0);
  });

  test("an ended swap cannot be cancelled", async () => {
    await using bench = new EngineBench();
    const job = await bench.load(QWEN);

    expect(faultOf(() => bench.engine.cancel(job.job_id))).toMatchObject({
      kind: "conflict",
      code: "swap_ended",
      members: { job_id: job.job_id },
    });
  });
});

describe("a plan", () => {
  test("shows the commands, and changes nothing", async () => {
    await using bench = new EngineBench({ topology: aTopology({ nodes: [aNode("spark-1"), aNode("spark-2")] }) });

    const plan = await bench.engine.plan({ model: "qwen3-14b" }, never);

    expect(plan).toMatchObject({ slot: "main", nodes: ["spark-1"], fits: true, blockers: [] });
    expect(plan.commands).toEqual([
      {
        node: "spark-1",
        command:
          "cd ~/spark-vllm-docker && ./launch-cluster.sh -n 10.77.0.1 -t vllm-node --name vllm_node " +
          "exec vllm serve Qwen/Qwen3-14B --host 0.0.0.0 --port 8888 --gpu-memory-utilization 0.5",
      },
    ]);
    expect(bench.store.list(10)).toEqual([]);
  });

  test("is blocked while another swap runs, and not any more when it has ended", async () => {
    await using bench = new EngineBench();
    bench.start(GLM);

    const during = await bench.engine.plan({ model: "qwen3-14b" }, never);
    bench.engine.cancel("job-1");
    const after = await bench.engine.plan({ model: "qwen3-14b" }, never);

    expect(during.blockers).toMatchObject([
      { code: "swap_running", message: "A swap to GLM 4.5 Air is running. Wait until it has ended, or cancel it." },
    ]);
    expect(after.blockers).toEqual([]);
  });
});

describe("a check of arguments", () => {
  test("asks on the head, in the model's image, what would be served", async () => {
    const asked: unknown[] = [];
    await using bench = new EngineBench({
      models: [aModel({ image: "vllm-node:nightly", args: ["--nope"] })],
      control: {
        checkArguments: (node, container, image, args) => {
          asked.push([node.name, container, image, args]);
          return Promise.resolve("unrecognized arguments: --nope");
        },
      },
    });

    const answer = await bench.engine.validate("qwen3-14b", undefined, never);

    expect(answer).toEqual({ valid: false, message: "unrecognized arguments: --nope" });
    expect(asked).toEqual([
      [
        "spark-1",
        "vllm_node",
        "vllm-node:nightly",
        ["Qwen/Qwen3-14B", "--host", "0.0.0.0", "--port", "8888", "--gpu-memory-utilization", "0.5", "--nope"],
      ],
    ]);
  });
});
