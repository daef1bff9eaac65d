import { describe, expect, test } from "bun:test";
import { Bench } from "./bench.ts";

const SMALL = "openai/gpt-oss-20b";
const LARGE = "QuantTrio/Qwen3-235B-A22B-Instruct-2507-AWQ";
const GIGABYTE_KB = 1e6;

/** The order in which vLLM logs its start. */
const LOG_ORDER = [
  "vLLM API server version",
  "Initializing a V1 LLM engine",
  "Starting to load model",
  "Loading safetensors checkpoint shards:   0% Completed",
  "Loading safetensors checkpoint shards: 100% Completed",
  "Loading weights took",
  "Model loading took",
  "Dynamo bytecode transform time",
  "torch.compile takes",
  "Available KV cache memory",
  "GPU KV cache size",
  "Capturing CUDA graphs",
  "Graph capturing finished in",
  "init engine (profile, create kv cache, warmup model) took",
  "Starting vLLM API server 0 on http://0.0.0.0",
  "Application startup complete.",
];

function positions(log: string): number[] {
  return LOG_ORDER.map((text) => log.indexOf(text));
}

describe("a solo launch", () => {
  test("logs its start in vLLM's order, progress with carriage returns", async () => {
    await using bench = await Bench.start();

    await bench.startJob("swap-1", bench.launchWords(SMALL));
    await bench.vllmAnswers();
    const { log } = await bench.readJob("swap-1");

    const found = positions(log);
    expect(found.every((at) => at >= 0)).toBe(true);
    expect(found).toEqual([...found].sort((a, b) => a - b));
    expect(log).toMatch(/\r\(EngineCore pid=\d+\) Loading safetensors checkpoint shards: +\d+% Completed \| 1\/\d/);
    expect(log).toMatch(/\(APIServer pid=\d+\) INFO \d\d-\d\d \d\d:\d\d:\d\d \[api_server\.py:\d+\] vLLM API/);
  });

  test("takes memory while it loads; docker stop gives it back and closes the port", async () => {
    await using bench = await Bench.start();
    const before = bench.head.memoryAvailableKb;
    const seen: number[] = [];
    const watching = bench.cluster.until(() => {
      seen.push(bench.head.memoryAvailableKb);
      return bench.head.listeningPorts().includes(bench.cluster.vllmPort);
    });

    await bench.startJob("swap-1", bench.launchWords(SMALL, { args: ["--gpu-memory-utilization", "0.5"] }));
    await watching;
    const loaded = bench.head.memoryAvailableKb;
    const stopped = await bench.exec(["docker", "stop", "-t", "10", "vllm_node"]);
    const port = await fetch(bench.url("/health")).catch((error: Error) => error);

    expect(new Set(seen).size).toBeGreaterThan(3);
    expect(before - loaded).toBeGreaterThan(60 * GIGABYTE_KB);
    expect(stopped).toEqual({ stdout: "vllm_node\n", stderr: "", code: 0 });
    expect(bench.head.memoryAvailableKb).toBe(before);
    expect(port).toBeInstanceOf(Error);
    expect(bench.head.containers()).toEqual([]);
  });

  test("ends with vLLM's own exit code when its arguments are wrong", async () => {
    await using bench = await Bench.start();

    await bench.startJob("swap-1", bench.launchWords(SMALL, { args: ["--foo", "--max-model-len", "8k"] }));
    await bench.jobEnds("swap-1");
    const { fields, log } = await bench.readJob("swap-1");

    expect(fields).toMatchObject({ state: "exited", exit: "2" });
    expect(log).toContain("vllm serve: error: unrecognized arguments: --foo\n");
    expect(log).toContain("Cluster stopped.");
  });

  test("the second start of a model finds its graphs compiled", async () => {
    await using bench = await Bench.start();
    const compileSeconds = async (id: string) => {
      await bench.startJob(id, bench.launchWords(SMALL));
      await bench.vllmAnswers();
      await bench.exec(["docker", "stop", "-t", "1", "vllm_node"]);
      return Number(/torch\.compile takes ([\d.]+) s/.exec((await bench.readJob(id)).log)?.[1]);
    };

    const first = await compileSeconds("swap-1");
    const second = await compileSeconds("swap-2");

    expect(first).toBeGreaterThan(2 * second);
  });

  test("its model outlives a launcher that is killed", async () => {
    await using bench = await Bench.start();
    await bench.startJob("swap-1", bench.launchWords(SMALL));
    await bench.cluster.until(() => bench.head.vllmProcesses().length > 0);

    const killed = await bench.script("spark-job-kill", ["swap-1"]);
    await bench.vllmAnswers();
    const { fields } = await bench.readJob("swap-1");

    expect(killed.stdout).toBe("killed\n");
    expect(fields).toMatchObject({ state: "vanished", exit: "-" });
    expect(bench.head.containers().map(({ running }) => running)).toEqual([true]);
  });

  test("a second launch skips the start and its vLLM dies on the port; the first goes on", async () => {
    await using bench = await Bench.start();
    await bench.startJob("swap-1", bench.launchWords(SMALL));
    await bench.vllmAnswers();

    await bench.startJob("swap-2", bench.launchWords(SMALL));
    await bench.jobEnds("swap-2");
    const { fields, log } = await bench.readJob("swap-2");

    expect(fields).toMatchObject({ state: "exited", exit: "1" });
    expect(log).toContain("Containers of that name are already running. Skipping launch.");
    expect(log).toContain("OSError: [Errno 98] Address already in use");
    expect((await fetch(bench.url("/health"))).status).toBe(200);
  });

  test("a model too large for the memory that it may take runs out of it", async () => {
    await using bench = await Bench.start();

    await bench.startJob("swap-1", bench.launchWords(LARGE));
    await bench.jobEnds("swap-1");
    const { fields, log } = await bench.readJob("swap-1");

    expect(fields.exit).toBe("1");
    expect(log).toContain("torch.OutOfMemoryError: CUDA out of memory.");
  });

  const LOCAL = "/models/acme-14b-instruct";

  test("a local model loads when it is mounted into the container, with the environment asked for", async () => {
    await using bench = await Bench.start();

    const docker = `-v ${LOCAL}:${LOCAL}:ro -e VLLM_USE_V1=1`;
    await bench.startJob("swap-1", bench.launchWords(LOCAL, { docker }));
    await bench.vllmAnswers();
    const inspected = JSON.parse((await bench.exec(["docker", "inspect", "--type", "container", "vllm_node"])).stdout);

    expect(inspected[0].Config.Env).toEqual(["VLLM_USE_V1=1"]);
    expect(inspected[0].HostConfig.Binds).toContain(`${LOCAL}:${LOCAL}:ro`);
  });

  for (const [why, model, docker] of [
    ["is not mounted", LOCAL, ""],
    ["is not there", "/models/missing", "-v /models/missing:/models/missing:ro"],
  ] as const) {
    test(`a local model that ${why} is not found`, async () => {
      await using bench = await Bench.start();

      await bench.startJob("swap-1", bench.launchWords(model, { docker }));
      await bench.jobEnds("swap-1");

      expect((await bench.readJob("swap-1")).log).toContain(`OSError: Can't load the configuration of '${model}'`);
    });
  }
});

describe("a launch on two nodes", () => {
  test("new script: vLLM's log is in docker logs of the head, the worker's on the worker", async () => {
    await using bench = await Bench.start();

    await bench.startJob("swap-1", bench.launchWords(LARGE, { nodes: 2 }));
    await bench.vllmAnswers();
    const { log } = await bench.readJob("swap-1");
    const head = await bench.exec(["docker", "logs", "--tail", "500", "vllm_node"]);
    const worker = await bench.exec(["docker", "logs", "--tail", "500", "vllm_node"], bench.worker);

    expect(log).toContain(`Head Node: ${bench.head.address}\nWorker Nodes: ${bench.worker.address}\n`);
    expect(log).not.toContain("vLLM API server version");
    expect(positions(head.stdout).every((at) => at >= 0)).toBe(true);
    expect(worker.stdout).toContain("100% Completed");
  });

  test("both nodes run a part of it, seen by docker top, and share the weights", async () => {
    await using bench = await Bench.start();
    const before = bench.cluster.nodes.map((node) => node.memoryAvailableKb);

    await bench.startJob("swap-1", bench.launchWords(LARGE, { nodes: 2, args: ["--gpu-memory-utilization", "0.8"] }));
    await bench.vllmAnswers();
    const tops = await Promise.all(bench.cluster.nodes.map((node) => bench.exec(["docker", "top", "vllm_node"], node)));

    for (const { stdout } of tops) expect(stdout).toMatch(/vllm serve/);
    for (const [at, node] of bench.cluster.nodes.entries()) {
      expect(before[at]! - node.memoryAvailableKb).toBeGreaterThan(100 * GIGABYTE_KB);
    }
  });

  test("works with every node on one address too", async () => {
    await using bench = await Bench.start({ sharedAddress: true, services: true });

    await bench.startJob("swap-1", bench.launchWords(LARGE, { nodes: 2, args: ["--gpu-memory-utilization", "0.8"] }));
    await bench.vllmAnswers();

    expect(bench.cluster.nodes.map(({ address }) => address)).toEqual(["127.0.0.1", "127.0.0.1"]);
    expect(bench.cluster.nodes.map((node) => node.vllmProcesses().length)).toEqual([1, 1]);
    expect((await fetch(bench.url("/health"))).status).toBe(200);
  });

  test("without the worker the model on the head dies, and the launcher cleans up", async () => {
    await using bench = await Bench.start();
    await bench.startJob("swap-1", bench.launchWords(LARGE, { nodes: 2 }));
    await bench.vllmAnswers();

    await bench.exec(["docker", "stop", "-t", "0", "vllm_node"], bench.worker);
    await bench.jobEnds("swap-1");

    expect((await bench.readJob("swap-1")).fields).toMatchObject({ state: "exited", exit: "1" });
    expect(bench.cluster.nodes.flatMap((node) => node.containers())).toEqual([]);
  });

  test("new script: a failed second launch ends the healthy first model on both nodes", async () => {
    await using bench = await Bench.start();
    await bench.startJob("swap-1", bench.launchWords(LARGE, { nodes: 2 }));
    await bench.vllmAnswers();

    await bench.startJob("swap-2", bench.launchWords(LARGE, { nodes: 2 }));
    await bench.jobEnds("swap-2");
    await bench.jobEnds("swap-1");

    expect(bench.cluster.nodes.flatMap((node) => node.vllmProcesses())).toEqual([]);
  });

  test("the log keeper keeps what docker logs loses when the container goes", async () => {
    await using bench = await Bench.start();
    await bench.startJob("swap-1-log", ["sh", "-c", "TEXT", "spark-log-keeper", "vllm_node"]);

    await bench.startJob("swap-1", bench.launchWords(LARGE, { nodes: 2, args: ["--foo"] }));
    await bench.jobEnds("swap-1-log");
    const { fields, log } = await bench.readJob("swap-1-log");

    expect(fields).toMatchObject({ state: "exited", exit: "0" });
    expect(log).toContain("unrecognized arguments: --foo");
    expect(bench.head.containers()).toEqual([]);
  });
});
