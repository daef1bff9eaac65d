/** What really runs against what is believed, on the simulated cluster: shown with evidence, never mended by itself. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { SimulatedSpark } from "../../lib/simulator/spark.ts";
import { runVllm } from "../../lib/simulator/vllm-process.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

let demo: Demo;
beforeEach(async () => {
  demo = await startDemo();
});
afterEach(() => demo?.close());

const slot = () => demo.plane.slots.statuses()[0]!;
const processes = () => demo.cluster.nodes.flatMap((node) => node.vllmProcesses().map(({ argv }) => argv.join(" ")));

async function look(): Promise<void> {
  await demo.plane.slots.lookAtSlots();
  await demo.plane.slots.lookAtNodes();
}

/** `vllm serve` in a container that no slot knows. @returns what ends it */
async function startByHand(spark: SimulatedSpark, name: string, argv: readonly string[]): Promise<() => void> {
  const forever = (self: { readonly signal: AbortSignal }) =>
    new Promise<number>((_resolve, reject) => self.signal.addEventListener("abort", () => reject(self.signal.reason)));
  const started = spark.docker.run({
    name,
    image: "vllm-node",
    argv: ["sleep", "infinity"],
    autoRemove: true,
    main: forever,
  });
  if (started.kind !== "started") throw new Error(`docker run: ${started.kind}`);
  const { container } = started;
  const rank = { spark, container: container.id, output: (text: string) => container.log.append(text) };
  spark.processes.spawn(
    { argv: ["/usr/bin/python3", "/usr/local/bin/vllm", "serve", ...argv], container: container.id },
    (self) => runVllm(argv, [rank], self),
  );
  return () => spark.docker.remove(container);
}

async function expectDifference(expected: Record<string, unknown>): Promise<void> {
  const before = processes();
  await look();
  await look();
  expect(slot().difference).toMatchObject(expected);
  expect(processes()).toEqual(before);
}

test("after a swap nothing differs; who loaded it, how long it took and its requests are shown", async () => {
  await demo.swap("gpt-oss-20b");

  await look();
  // What vLLM says of itself lags: the last request of the swap's own test is still counted for a while.
  await until("no request is counted", async () => {
    await look();
    return slot().requests?.running === 0;
  });

  expect(slot()).toMatchObject({ state: "serving", difference: null, requests: { running: 0, waiting: 0 } });
  expect(slot().loaded_by).toMatch(/\w/);
  expect(slot().load_seconds).toBeGreaterThanOrEqual(0);
});

test("a model whose container somebody has stopped is shown as gone, and one swap puts it right", async () => {
  await demo.swap("gpt-oss-20b");
  const [head] = demo.cluster.nodes;
  head!.docker.remove(head!.docker.find("vllm_node")!);

  await expectDifference({
    code: "container_gone",
    message: expect.stringContaining("GPT-OSS 20B"),
    evidence: "spark-1: docker inspect vllm_node finds nothing",
    advice: expect.stringContaining("Load it again"),
  });

  expect(await demo.swap("gpt-oss-20b")).toMatchObject({ state: "ready" });
  expect(slot().difference).toBeNull();
});

test("a model that this controller did not start is recognised, named and left alone; a swap says that there is no way back", async () => {
  await demo.swap("gpt-oss-20b");
  await demo.startAfresh();

  await expectDifference({
    code: "by_hand",
    message: "openai/gpt-oss-20b was not started by Spark Control.",
    evidence: expect.stringMatching(/docker top vllm_node shows .*vllm serve openai\/gpt-oss-20b/),
  });
  expect(slot()).toMatchObject({ state: "serving", model: "gpt-oss-20b", by_hand: true });
  const plan = await (await demo.post("/api/swap/plan", { model: "gpt-oss-120b" })).json();
  expect(plan).toMatchObject({ rollback_to: null, warnings: [{ code: "no_way_back" }] });
});

test("a model that replaced by hand what was loaded from here: it is named, and nothing is taken for what to go back to", async () => {
  await demo.swap("gpt-oss-20b");
  const facts = new Database(join(demo.dataDir, "facts.db"));
  const { document } = facts.query<{ document: string }, []>("SELECT document FROM slot_belief").get()!;
  await demo.swap("gpt-oss-120b");
  // To this controller it now is as if somebody had stopped the first and started the second by hand.
  facts.run("UPDATE slot_belief SET document = ?1", [document]);
  facts.close();

  await expectDifference({
    code: "another_model",
    message: expect.stringMatching(/^openai\/gpt-oss-120b answers here\. GPT-OSS 20B was loaded/),
    evidence: expect.stringMatching(
      /lists openai\/gpt-oss-120b; spark-1: docker top .*vllm serve openai\/gpt-oss-120b/,
    ),
  });

  demo.cluster.inject({ kind: "out_of_memory", times: 1 });
  const job = await demo.swap("glm-4.5-air");

  expect(job).toMatchObject({ state: "failed", failure: { code: "out_of_memory" }, rolled_back_to: null });
  expect(processes()).toEqual([]);
});

test("a vLLM in a container of its own is shown and warned of, and neither a swap nor a stop touches it", async () => {
  const [head] = demo.cluster.nodes;
  const end = await startByHand(head!, "mine", [
    "Qwen/Qwen3-0.6B",
    "--port",
    "9000",
    "--gpu-memory-utilization",
    "0.1",
  ]);

  await expectDifference({
    code: "stranger",
    message: expect.stringMatching(/^Qwen\/Qwen3-0\.6B \(container mine, port 9000\) runs on spark-1/),
    evidence: expect.stringMatching(/^spark-1: ps shows process \d+: .*vllm serve Qwen\/Qwen3-0\.6B --port 9000/),
    advice: expect.stringContaining("docker stop mine"),
  });
  const plan = await (await demo.post("/api/swap/plan", { model: "gpt-oss-20b" })).json();
  expect(plan).toMatchObject({ stops: [], blockers: [], warnings: [{ code: "stranger" }] });
  expect(plan.summary[0]).toStartWith("This swap stops nothing.");

  expect(await demo.swap("gpt-oss-20b")).toMatchObject({ state: "ready" });
  await expectDifference({ code: "stranger" });
  expect(slot()).toMatchObject({ state: "serving", model: "gpt-oss-20b" });
  expect(head!.docker.find("mine")?.running).toBe(true);

  end();
  await look();
  expect(slot().difference).toBeNull();
});

test("differences are told to those who watch", async () => {
  await demo.swap("gpt-oss-20b");
  const told: string[] = [];
  demo.plane.events.subscribe(({ slot: { difference } }) => void told.push(difference?.code ?? "-"), ["slot.changed"]);
  const [head] = demo.cluster.nodes;
  head!.docker.remove(head!.docker.find("vllm_node")!);

  await look();
  await look();

  await until("the difference is told", () => told.includes("container_gone"));
});
