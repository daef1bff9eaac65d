/** The stand-in launch scripts in both dialects, with the vLLM stand-in behind them. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { requirement } from "../support/requirements.ts";
import { labAvailability } from "./available.ts";
import { until } from "./command.ts";
import { type Dialect, type Lab, startLab } from "./lab.ts";
import { clusterFlags, health, type Launch, launch, ready, removeContainers } from "./launch.ts";
import { vllmProcesses } from "./processes.ts";

const { available, how } = await labAvailability();
const describeLab = requirement("launch scripts in the lab", available, how);

const LIMIT_MS = 90_000;
const MODEL = "org/model";
const SERVE = ["vllm", "serve", MODEL, "--host", "0.0.0.0", "--port", "8888"];
const RAY = ["-tp", "2", "--distributed-executor-backend", "ray"];
/** What a shell would take apart: JSON, quotes, expansions, separators, a newline, unicode, a glob, nothing at all. */
const HARD = ['{"a": {"b": "it\'s"}}', "$HOME", "`id`", "x;id>/tmp/x", "two\nlines", "µ – 日本", "", "*"];

/** What `/v1/models` shows beside the arguments of the lab: the words that the model was started with. */
const argvOf = async (lab: Lab): Promise<string[]> =>
  (await fetch(`${lab.vllmUrl}/lab/argv`)).json() as Promise<string[]>;
const roles = async (lab: Lab, host: 0 | 1): Promise<string[]> =>
  (await vllmProcesses(lab.hosts[host])).map((one) => one.role).sort();

function inLab(dialect: Dialect, body: (lab: () => Lab) => void): void {
  describeLab(`the ${dialect} launch script`, () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await startLab({ dialect, launchCluster: "", stopSeconds: 1 });
    }, LIMIT_MS);
    afterEach(async () => {
      await removeContainers(lab);
      await until(
        "nothing of vLLM is left",
        async () => (await roles(lab, 0)).length + (await roles(lab, 1)).length === 0,
        LIMIT_MS,
      );
      await until(
        "no launch script is left",
        async () => !(await lab.head.processes()).some((one) => one.args.includes("launch-cluster.sh")),
        LIMIT_MS,
      );
      await lab.behave({});
    }, LIMIT_MS);
    afterAll(() => lab?.close(), LIMIT_MS);
    body(() => lab);
  });
}

inLab("new", (lab) => {
  const solo = (command: readonly string[] = SERVE, flags: readonly string[] = []): Promise<Launch> =>
    launch(lab(), { command, flags: ["--solo", ...flags] });
  const pair = (command: readonly string[] = SERVE, flags: readonly string[] = []): Promise<Launch> =>
    launch(lab(), { command, flags, nodes: 2 });

  test(
    "solo: serves from the head, one engine below one server",
    async () => {
      await ready(lab(), await solo());
      const models = (await (await fetch(`${lab().vllmUrl}/v1/models`)).json()) as { data: { id: string }[] };
      expect(models.data.map((model) => model.id)).toEqual([MODEL]);
      expect(await roles(lab(), 0)).toEqual(["engine", "server"]);
      expect(await roles(lab(), 1)).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    "solo: the start-up log comes out of the script, in vLLM's order; docker logs has none of it",
    async () => {
      const started = await solo();
      await ready(lab(), started);
      const log = await started.log();
      const places = [
        "vLLM API server version",
        "Initializing a V1 LLM engine",
        "Starting to load model",
        "Loading safetensors checkpoint shards:  25% Completed | 1/4",
        "Loading weights took",
        "Dynamo bytecode transform time",
        "Available KV cache memory",
        "Capturing CUDA graphs",
        "Graph capturing finished in",
        "init engine (profile, create kv cache, warmup model) took",
        "Application startup complete.",
      ].map((line) => log.indexOf(line));
      expect(places).toEqual([...places].sort((a, b) => a - b));
      expect(places[0]).toBeGreaterThan(0);
      expect((await lab().head.exec("docker logs vllm_node 2>&1")).stdout).toBe("");
    },
    LIMIT_MS,
  );

  test(
    "arguments arrive as they were, on both nodes",
    async () => {
      const command = [...SERVE, "--served-model-name", ...HARD];
      await ready(lab(), await pair(command));
      expect((await argvOf(lab())).slice(0, command.length)).toEqual(command);
      const worker = (await vllmProcesses(lab().worker)).find((one) => one.role === "headless");
      expect(worker?.argv.slice(2, command.length + 1)).toEqual(command.slice(1));
    },
    LIMIT_MS,
  );

  test(
    "extra docker arguments reach both nodes; the worker's shell takes them apart",
    async () => {
      const env = { VLLM_SPARK_EXTRA_DOCKER_ARGS: "-e A=plain -e B=$HOME" };
      await ready(lab(), await launch(lab(), { command: SERVE, nodes: 2, env }));
      const values = await Promise.all(
        lab().hosts.map((host) => host.exec("docker exec vllm_node sh -c 'echo $A $B'")),
      );
      expect(values.map((value) => value.stdout)).toEqual(["plain $HOME\n", "plain /home/alice\n"]);
    },
    LIMIT_MS,
  );

  test(
    "two nodes: the worker's log is on the worker, and its death makes the head unhealthy",
    async () => {
      await ready(lab(), await pair());
      expect(await roles(lab(), 1)).toEqual(["headless", "rank"]);
      expect((await lab().worker.exec("docker logs vllm_node")).stdout).toContain("(Worker_TP1 pid=");
      await lab().worker.exec("docker rm -f vllm_node");
      await until("the head is unhealthy", async () => (await health(lab())) === 503, LIMIT_MS);
    },
    LIMIT_MS,
  );

  test(
    "a second solo launch starts a second vLLM that dies on the port; the first goes on",
    async () => {
      await ready(lab(), await solo());
      const second = await solo();
      expect(await second.ended(LIMIT_MS)).toBe(1);
      expect(await second.log()).toContain("Skipping launch");
      expect(await second.log()).toContain("Address already in use");
      expect(await health(lab())).toBe(200);
    },
    LIMIT_MS,
  );

  test(
    "a second two-node launch fails and kills the first on both nodes",
    async () => {
      const first = await pair();
      await ready(lab(), first);
      const second = await pair();
      expect(await second.ended(LIMIT_MS)).toBe(1);
      await until("the first has gone", async () => (await health(lab())) === null, LIMIT_MS);
      expect(await first.ended(LIMIT_MS)).toBe(137);
      expect(await roles(lab(), 1)).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    "with -d the script returns at once and everything is in docker logs",
    async () => {
      const started = await solo(SERVE, ["-d"]);
      expect(await started.ended(LIMIT_MS)).toBe(0);
      await until("vLLM is ready", async () => (await health(lab())) === 200, LIMIT_MS);
      expect((await lab().head.exec("docker logs vllm_node 2>&1")).stdout).toContain("Application startup complete.");
    },
    LIMIT_MS,
  );

  test(
    "a missing image: 125 solo, 0 solo with -d although nothing runs, 1 on two nodes",
    async () => {
      const image = ["-t", "vllm-missing"];
      const codes = [
        await (await solo(SERVE, image)).ended(LIMIT_MS),
        await (await solo(SERVE, [...image, "-d"])).ended(LIMIT_MS),
        await (await pair(SERVE, image)).ended(LIMIT_MS),
      ];
      expect(codes).toEqual([125, 0, 1]);
    },
    LIMIT_MS,
  );

  test("an action is required, and unknown words end with 1", async () => {
    const script = `${lab().launchScript} ${clusterFlags(lab(), 1).join(" ")}`;
    const codes = await Promise.all([script, `${script} --foo status`].map((line) => lab().head.exec(line)));
    expect(codes.map((one) => one.exitCode)).toEqual([1, 1]);
  });

  test(
    "wrong arguments of vLLM come through as argparse's 2",
    async () => {
      const started = await solo([...SERVE, "--foo"]);
      expect(await started.ended(LIMIT_MS)).toBe(2);
      expect(await started.log()).toContain("vllm serve: error: unrecognized arguments: --foo");
    },
    LIMIT_MS,
  );

  test(
    "a local model must exist in the container",
    async () => {
      const command = ["vllm", "serve", "/models/mine", "--port", "8888"];
      expect(await (await solo(command)).ended(LIMIT_MS)).toBe(1);
      await lab().head.exec("mkdir -p ~/mine");
      const env = { VLLM_SPARK_EXTRA_DOCKER_ARGS: `-v ${lab().head.home}/mine:/models/mine:ro` };
      await ready(lab(), await launch(lab(), { command, env, flags: ["--solo"] }));
    },
    LIMIT_MS,
  );

  const failures = [
    ["oom", "torch.OutOfMemoryError", 1],
    ["memory", "less than desired GPU memory utilization", 1],
    ["engine", "EngineCore failed to start", 1],
    ["exit0", "Loading safetensors checkpoint shards", 0],
    ["killed", "Loading safetensors checkpoint shards", 137],
    ["die_after_ready", "Application startup complete.", 1],
  ] as const;
  test.each(failures)(
    "a model told to fail with %s says so and ends",
    async (fail, words, code) => {
      await lab().behave({ loadSeconds: 0.5, models: { [MODEL]: { fail } } });
      const started = await solo();
      expect(await started.ended(LIMIT_MS)).toBe(code);
      const log = await started.log();
      expect(log).toContain(words);
      expect(log.includes("Engine core initialization failed. See root cause above.")).toBe(
        ["oom", "memory", "engine"].includes(fail),
      );
    },
    LIMIT_MS,
  );

  test(
    "a stuck model stays at 0 % and keeps the port closed",
    async () => {
      await lab().behave({ loadSeconds: 0.5, fail: "stuck" });
      const started = await solo();
      await until("the bar is there", async () => (await started.log()).includes("shards:   0% Completed"), LIMIT_MS);
      expect(await health(lab())).toBeNull();
      expect(await roles(lab(), 0)).toEqual(["engine", "server"]);
    },
    LIMIT_MS,
  );

  test(
    "answers chats in one piece and as a stream",
    async () => {
      await ready(lab(), await solo());
      const ask = (body: object) =>
        fetch(`${lab().vllmUrl}/v1/chat/completions`, {
          method: "POST",
          body: JSON.stringify({ messages: [], ...body }),
        });
      const whole = (await (await ask({ model: MODEL, max_tokens: 2 })).json()) as {
        choices: { message: { content: string } }[];
      };
      const stream = await (await ask({ model: MODEL, max_tokens: 2, stream: true })).text();
      expect(whole.choices[0]?.message.content).toBe("word0 word1");
      expect(stream.match(/^data: /gm)).toHaveLength(3);
      expect(stream.endsWith("data: [DONE]\n\n")).toBe(true);
      expect((await ask({ model: "other" })).status).toBe(404);
      expect(await (await fetch(`${lab().vllmUrl}/metrics`)).text()).toContain("vllm:generation_tokens_total{");
    },
    LIMIT_MS,
  );

  test(
    "TERM does nothing to a launch that is under way; KILL ends the launcher and the model lives on",
    async () => {
      const started = await solo();
      await ready(lab(), started);
      const script = (await lab().head.processes()).find((one) => one.argv[1] === lab().launchScript);
      await lab().head.exec(`kill -TERM ${script?.pid}`);
      expect(await health(lab())).toBe(200);
      await lab().head.exec(`kill -KILL -- -$(ps -o pgid= -p ${script?.pid} | tr -d ' ')`);
      await until(
        "the launcher is gone",
        async () => !(await lab().head.processes()).some((one) => one.pid === script?.pid),
        LIMIT_MS,
      );
      expect(await health(lab())).toBe(200);
      expect(await roles(lab(), 0)).toEqual(["engine", "server"]);
    },
    LIMIT_MS,
  );
});

describeLab("stopping with the launch script", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({ dialect: "new", launchCluster: "" });
  }, LIMIT_MS);
  afterAll(() => lab?.close(), LIMIT_MS);

  test(
    "stop takes ten seconds a node, during which the model still answers",
    async () => {
      await ready(lab, await launch(lab, { command: SERVE, nodes: 2 }));
      const start = performance.now();
      const stopping = lab.head.exec(`${lab.launchScript} ${clusterFlags(lab, 2).join(" ")} stop`);
      await until(
        "the stop has begun",
        async () => (await lab.head.processes()).some((one) => one.argv[0] === "podman" && one.argv.includes("stop")),
        LIMIT_MS,
      );
      expect(await health(lab)).toBe(200);
      const { stdout, exitCode } = await stopping;
      expect(exitCode).toBe(0);
      expect(stdout).toContain("Cluster stopped.");
      expect(performance.now() - start).toBeGreaterThan(19_000);
      expect([await roles(lab, 0), await roles(lab, 1)]).toEqual([[], []]);
    },
    LIMIT_MS,
  );
});

inLab("old", (lab) => {
  test(
    "solo: serves, with Ray as the container's main process and the log in the script's output",
    async () => {
      const started = await launch(lab(), { command: SERVE });
      await ready(lab(), started);
      expect(await roles(lab(), 0)).toEqual(["engine", "server"]);
      expect(await started.log()).toContain("Application startup complete.");
      expect((await lab().head.exec("docker top vllm_node")).stdout).toContain("ray start --block --head");
    },
    LIMIT_MS,
  );

  test(
    "two nodes: Ray places a rank on the worker, whose death makes the head unhealthy",
    async () => {
      await ready(lab(), await launch(lab(), { command: [...SERVE, ...RAY], nodes: 2 }));
      expect([await roles(lab(), 0), await roles(lab(), 1)]).toEqual([["engine", "server"], ["rank"]]);
      await lab().worker.exec("docker rm -f vllm_node");
      await until("the head is unhealthy", async () => (await health(lab())) === 503, LIMIT_MS);
    },
    LIMIT_MS,
  );

  test(
    "arguments are joined and taken apart again: mangled as they are, identical when quoted once more",
    async () => {
      const mangled = await launch(lab(), { command: [...SERVE, "--hf-overrides", '{"a": 1}'] });
      expect(await mangled.ended(LIMIT_MS)).toBe(2);
      expect(await mangled.log()).toContain("argument --hf-overrides: Value {a: cannot be converted");
      const quoted = HARD.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
      await ready(lab(), await launch(lab(), { command: [...SERVE, "--served-model-name", ...quoted] }));
      expect(await argvOf(lab())).toEqual([...SERVE, "--served-model-name", ...HARD]);
    },
    LIMIT_MS,
  );

  test(
    "a missing image is noticed only when the wait is over",
    async () => {
      const started = await launch(lab(), { command: SERVE, flags: ["-t", "vllm-missing"] });
      expect(await started.ended(LIMIT_MS)).toBe(1);
      expect(await started.log()).toContain("Ray did not come up in time.");
    },
    LIMIT_MS,
  );

  test(
    "knows neither --solo nor -e: an unknown word begins a command",
    async () => {
      const started = await lab().head.exec(`${lab().launchScript} ${clusterFlags(lab(), 1).join(" ")} --solo status`);
      expect(started.stdout).toContain("Running on the head: --solo status");
    },
    LIMIT_MS,
  );

  test(
    "status tells of containers, not of vLLM",
    async () => {
      const status = () => lab().head.exec(`${lab().launchScript} ${clusterFlags(lab(), 2).join(" ")} status`);
      const before = await status();
      await lab().head.exec("docker run -d --rm --network host --name vllm_node vllm-node sleep infinity");
      const after = await status();
      expect([before.exitCode, after.exitCode]).toEqual([0, 0]);
      expect(before.stdout).toContain(`[HEAD] ${lab().head.address}: Container 'vllm_node' is NOT running.`);
      expect(after.stdout).toContain(`[HEAD] ${lab().head.address}: Container 'vllm_node' is RUNNING.`);
      expect(after.stdout).toContain(`[WORKER] ${lab().worker.address}: Container 'vllm_node' is NOT running.`);
    },
    LIMIT_MS,
  );
});
