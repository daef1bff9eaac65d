/** A model whose load these data know nothing of, on a Spark that obeys this controller: it is taken up, and only where it is clear. */
import { expect, test } from "bun:test";
import type { HttpAnswer, NodeView } from "../../../lib/swap/cluster.ts";
import type { Topology } from "../../../lib/topology/topology.ts";
import { EngineBench, GLM, QWEN } from "./_engine-bench.ts";
import { aNode, aServingView, aSlot, aTopology, aView, unreachable } from "./_fixtures.ts";

const HEAD = aNode("spark-1");
const LINE = "/usr/bin/python3 /usr/local/bin/vllm serve zai-org/GLM-4.5-Air --port 8888";
const LATER = "0192f0c1-2b7a-7c3e-9d55-000000000001";

interface Spark {
  launches?: readonly string[];
  view?: NodeView;
  /** What `/v1/models` lists; null: nothing answers. */
  ids?: readonly string[] | null;
  topology?: Topology;
}

/** Of the head; a load of GLM that nobody here knows serves there. */
function aBench({
  launches = [LATER],
  view = aServingView(LINE),
  ids = ["zai-org/GLM-4.5-Air"],
  topology,
}: Spark = {}) {
  const answer: HttpAnswer = ids
    ? { status: 200, body: { data: ids.map((id) => ({ id })) } }
    : { status: null, body: null };
  return new EngineBench({
    ...(topology ? { topology } : {}),
    control: { runningLaunches: async () => launches, look: async () => view, get: async () => answer },
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
  launches.push(job_id, `${job_id}-back`);
  const before = bench.engine.beliefs();

  expect(await adopt(bench)).toBe("nothing");
  expect(bench.engine.beliefs()).toEqual(before);
});

for (const [what, spark] of Object.entries<Spark>({
  "started by hand, without a launch": { launches: [] },
  "one of two launches that nobody knows": { launches: [LATER, "0192f0c1-2b7a-7c3e-9d55-000000000002"] },
  "in no container of a slot": { view: aView() },
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

test("one that still loads is asked for again", async () => {
  await using bench = aBench({ ids: null });
  expect(await adopt(bench)).toBe("later");
  expect(bench.engine.beliefs()).toEqual([]);
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
