/** A model whose load these data know nothing of, on a Spark that obeys this controller: it is taken up, and only where it is clear. */
import { expect, test } from "bun:test";
import type { Model } from "../../../lib/catalog/catalog.ts";
import type { HttpAnswer, NodeView } from "../../../lib/swap/cluster.ts";
import type { Topology } from "../../../lib/topology/topology.ts";
import { EngineBench, GLM, QWEN } from "./_engine-bench.ts";
import { aNode, aServingView, aSlot, aTopology, aView, unreachable } from "./_fixtures.ts";

const HEAD = aNode("spark-1");
const REPO = "zai-org/GLM-4.5-Air";
const LINE = "/usr/bin/python3 /usr/local/bin/vllm serve zai-org/GLM-4.5-Air --port 8888";
const NEWER = "0192f0c1-2b7a-7c3e-9d55-000000000002";
const LATER = "0192f0c1-2b7a-7c3e-9d55-000000000001";

interface Spark {
  models?: readonly Model[];
  launches?: readonly string[];
  view?: NodeView;
  /** What `/v1/models` lists; null: nothing answers. */
  ids?: readonly string[] | null;
  topology?: Topology;
  /** Container and port with which each launch was started; of the others nothing is known. */
  with?: Readonly<Record<string, readonly [container: string, port: number]>>;
}

/** Of the head; a load of GLM that nobody here knows serves there. */
function aBench({
  launches = [LATER],
  view = aServingView(LINE),
  ids = [REPO],
  topology,
  models,
  with: started = {},
}: Spark = {}) {
  const answer: HttpAnswer = ids
    ? { status: 200, body: { data: ids.map((id) => ({ id })) } }
    : { status: null, body: null };
  return new EngineBench({
    ...(topology ? { topology } : {}),
    ...(models ? { models } : {}),
    control: {
      runningLaunches: async () => launches,
      look: async () => view,
      get: async () => answer,
      launchedWith: async (_node, id) => {
        const [container, port] = started[id] ?? [];
        const script = ["env", "A=b", "./launch-cluster.sh", "-n", "10.77.0.1", "--name", String(container)];
        return container === undefined ? null : [...script, "exec", "vllm", "serve", REPO, "--port", `'${port}'`];
      },
    },
  });
}
const adopt = (bench: EngineBench) => bench.engine.adopt(HEAD, new AbortController().signal);

test("it is believed to serve, in the place of what the data believe", async () => {
  await using bench = aBench();
  await bench.load(QWEN);

  const adopted = { slot: "main", model: GLM, nodes: ["spark-1"], launch_id: LATER, job_id: LATER };
  expect(await adopt(bench)).toMatchObject({ adopted });
  expect(bench.engine.beliefs()).toEqual([{ ...adopted, since: "2026-01-01T00:00:00.000+00:00" }]);
  // Known from now on.
  expect(await adopt(bench)).toBe("nothing");
});

test.each([
  [3600, "2025-12-31T23:00:00.000+00:00"],
  [-3600, "2026-01-01T01:00:00.000+00:00"],
])(
  "since when it serves goes by the controller's clock: that of the Spark is %d s off",
  async (clockSkewSeconds, since) => {
    await using bench = aBench({ view: aServingView(LINE, { clockSkewSeconds }) });

    expect(await adopt(bench)).toMatchObject({ adopted: { since } });
  },
);

test("a swap that fails goes back to it", async () => {
  await using bench = aBench();
  await adopt(bench);
  const { job_id } = bench.start(QWEN);
  expect(bench.store.find(job_id)?.order.previous).toEqual(GLM);
});

test("the launch of a way back belongs to its swap", async () => {
  await using bench = aBench({ launches: [`${LATER}-back`] });
  expect(await adopt(bench)).toMatchObject({ adopted: { job_id: LATER, launch_id: `${LATER}-back` } });
});

test("what these data know is left as it is", async () => {
  const launches: string[] = [];
  await using bench = aBench({ launches });
  const { job_id } = await bench.load(QWEN);
  launches.push(job_id);
  const before = bench.engine.beliefs();

  expect(await adopt(bench)).toBe("nothing");
  expect(bench.engine.beliefs()).toEqual(before);
});

for (const [what, spark] of Object.entries<Spark>({
  "started by hand, without a launch": { launches: [] },
  "one of two launches that nobody knows": { launches: [LATER, "0192f0c1-2b7a-7c3e-9d55-000000000002"] },
  "one of two that were launched into the same place": {
    launches: [LATER, NEWER],
    with: { [LATER]: ["vllm_node", 8888], [NEWER]: ["vllm_node", 8888] },
  },
  "launched into a container that no slot has": { with: { [LATER]: ["vllm_other", 8888] } },
  "launched for another port": { with: { [LATER]: ["vllm_node", 8889] } },
  "for more Sparks than the slot has": {
    models: [{ ...GLM, nodes: 2 }],
    topology: aTopology({ slots: [aSlot({ nodes: ["spark-1"] })] }),
  },
  "twice in the catalog, as it was launched": { models: [GLM, { ...GLM, key: "glm-again" }] },
  "not in the catalog": { ids: ["acme/other"] },
  "in a container that two slots share": {
    topology: aTopology({ slots: [aSlot(), aSlot({ name: "solo", nodes: ["spark-1"] })] }),
  },
  "on a Spark that is no slot's first": { topology: aTopology({ slots: [aSlot({ nodes: ["spark-2"] })] }) },
}))
  test(`not one that is ${what}`, async () => {
    await using bench = aBench(spark);
    expect(await adopt(bench)).toBe("nothing");
    expect(bench.engine.beliefs()).toEqual([]);
  });

test("one that still loads is asked for again, also while its vLLM is still to come", async () => {
  const container = { running: false, image: "vllm-node", startedAt: "2026-01-01T00:00:00Z" };
  const stopped = aServingView(LINE, { container });
  for (const spark of [
    { ids: null },
    { view: aView() },
    { view: aServingView("/bin/sh /start.sh") },
    { view: stopped },
  ]) {
    await using bench = aBench(spark);
    expect(await adopt(bench)).toBe("later");
    expect(bench.engine.beliefs()).toEqual([]);
  }
});

test("the launch of a swap that these data say came to nothing is taken up all the same", async () => {
  const launches: string[] = [];
  await using bench = aBench({ launches });
  const { job_id } = bench.start(GLM);
  const begun = await bench.effects.next("prepare", job_id);
  begun.report({ type: "failed", failure: { code: "restored", message: "x", evidence: null, advice: null } });
  await bench.engine.settled(job_id);
  launches.push(`${job_id}-back`);
  expect(await adopt(bench)).toMatchObject({ adopted: { job_id, launch_id: `${job_id}-back` } });
});

test("of two entries with one name it is the one whose share and length were launched", async () => {
  const long = { ...GLM, key: "glm-long", gpu_memory_utilization: 0.8, max_model_len: 262_144 };
  const view = aServingView(`${LINE} --gpu-memory-utilization 0.8 --max-model-len=262144`);
  await using bench = aBench({ models: [{ ...GLM, max_model_len: 131_072 }, long], view });
  expect(await adopt(bench)).toMatchObject({ adopted: { model: { key: "glm-long" } } });
});

test("beside a slot whose model these data know; a stop there spares its launch", async () => {
  const launches: string[] = [LATER];
  const second = aSlot({ name: "second", nodes: ["spark-1"], port: 8889, container: "vllm_second" });
  await using bench = aBench({ launches, topology: aTopology({ slots: [aSlot({ nodes: ["spark-1"] }), second] }) });
  const { job_id } = await bench.load(QWEN, "second");
  launches.push(job_id);
  expect(await adopt(bench)).toMatchObject({ adopted: { slot: "main" } });
  const { store } = bench;
  expect([store.slotOf(LATER), store.slotOf(job_id), store.slotOf("x")]).toEqual(["main", "second", null]);
});

const SECOND = aSlot({ name: "second", nodes: ["spark-1"], port: 8889, container: "vllm_second" });
const TWO_SLOTS = aTopology({ slots: [aSlot({ nodes: ["spark-1"] }), SECOND] });

test("two slots of one head, both loaded since: each is told by the container and port that its launch was started with", async () => {
  await using bench = aBench({
    launches: [NEWER, LATER],
    topology: TWO_SLOTS,
    with: { [LATER]: ["vllm_second", 8889], [NEWER]: ["vllm_node", 8888] },
  });
  expect(await adopt(bench)).toMatchObject({ adopted: { slot: "main", launch_id: NEWER } });
  expect(await adopt(bench)).toMatchObject({ adopted: { slot: "second", launch_id: LATER } });
  expect(await adopt(bench)).toBe("nothing");
  expect(bench.engine.beliefs()).toHaveLength(2);
});

test("one of two that is told is taken up, the other is not", async () => {
  const launches = [NEWER, LATER];
  await using bench = aBench({ launches, topology: TWO_SLOTS, with: { [LATER]: ["vllm_second", 8889] } });
  expect(await adopt(bench)).toMatchObject({ adopted: { slot: "second", launch_id: LATER } });
});

test("not while a swap owns the slot", async () => {
  await using bench = aBench();
  bench.start(QWEN);
  expect(await adopt(bench)).toBe("later");
  expect(bench.engine.beliefs()).toEqual([]);
});

test("a Spark that does not answer is told as a failure", async () => {
  await using bench = new EngineBench({ control: { runningLaunches: () => Promise.reject(unreachable("spark-1")) } });
  await expect(adopt(bench)).rejects.toThrow("spark-1: no connection");
});
