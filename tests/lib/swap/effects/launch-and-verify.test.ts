import { describe, expect, test } from "bun:test";
import { servedSource } from "../../../../lib/catalog/catalog.ts";
import { Fault } from "../../../../lib/fault.ts";
import { quote } from "../../../../lib/ssh/quote.ts";
import type { HttpAnswer, JobOrder, JobReading, NodeView } from "../../../../lib/swap/cluster.ts";
import { drain } from "../../../../lib/swap/effects/drain.ts";
import { createLaunch } from "../../../../lib/swap/effects/launch.ts";
import { verify } from "../../../../lib/swap/effects/verify.ts";
import type { Failure } from "../../../../lib/swap/swap.ts";
import type { Node } from "../../../../lib/topology/topology.ts";
import { aModel, aServingView, aView, unreachable } from "../_fixtures.ts";
import { aRun } from "./_run.ts";

type Launcher = Pick<JobReading, "state" | "exitCode">;

const never = new AbortController().signal;

describe("a launch", () => {
  const launch = createLaunch(quote);
  const address = (node: Node) => Promise.resolve(node.name === "spark-1" ? "10.77.0.11" : "10.77.0.12");

  test("starts the keepers of the containers' logs first, then one job on the head", async () => {
    const started: string[] = [];
    let order: JobOrder | undefined;
    const control = {
      address,
      look: () => Promise.resolve(aView()),
      launchScript: () => Promise.resolve('COMMAND_TO_RUN=("$@") # --solo'),
      keepLog: (node: Node, id: string) => Promise.resolve(void started.push(`${id} on ${node.name}`)),
      startJob: (node: Node, job: JobOrder) => {
        order = job;
        return Promise.resolve(void started.push(`${job.id} on ${node.name}`));
      },
    };

    expect(await launch(aRun({ control, order: { model: aModel({ nodes: 2 }) } }), "forward", never)).toEqual({
      type: "launched",
    });
    expect(started.slice(0, 2).sort()).toEqual(["swap-1-log on spark-1", "swap-1-log on spark-2"]);
    expect(started[2]).toBe("swap-1 on spark-1");
    expect(order?.generation).toBe(7);
    expect(order?.argv.slice(0, 3)).toEqual(["./launch-cluster.sh", "-n", "10.77.0.11,10.77.0.12"]);
  });

  test("is not begun when the script has gone since the checks, and says what to do", async () => {
    const control = { address, launchScript: () => Promise.resolve(null) };

    expect(await launch(aRun({ control }), "forward", never)).toMatchObject({
      type: "failed",
      failure: {
        code: "launch_script_missing",
        evidence: "spark-1: ~/spark-vllm-docker/launch-cluster.sh does not exist",
        advice: expect.stringContaining("launch_dir"),
      },
    });
  });

  test("is not begun when too little memory is free, and says how much there is", async () => {
    const view = aView({ memory: { totalBytes: 100, availableBytes: 10 } });
    const control = { look: () => Promise.resolve(view), address };

    expect(await launch(aRun({ control }), "forward", never)).toMatchObject({
      type: "failed",
      failure: { code: "memory_not_free", evidence: expect.stringContaining("MemAvailable 10 bytes") },
    });
  });
});

describe("a verification", () => {
  const ok: HttpAnswer = { status: 200, body: "" };
  const models: HttpAnswer = { status: 200, body: { data: [{ id: servedSource(aModel()) }] } };
  const address = () => Promise.resolve("10.77.0.11");
  const get = (health: HttpAnswer) => (url: string) => Promise.resolve(url.endsWith("/health") ? health : models);

  const silence: HttpAnswer = { status: null, body: null };
  const RUNS = aServingView("vllm serve x");
  const RUNNING = { state: "running", exitCode: null } as const;
  const ENDED = { state: "exited", exitCode: 1 } as const;

  /** A Spark that answers nothing over HTTP: what it shows, the last view stays, and what its launch has left. */
  function spark(views: (NodeView | Fault)[] = [RUNS], words = "", launcher: Launcher = RUNNING) {
    return {
      address,
      get: () => Promise.resolve(silence),
      look: () => {
        const view = (views.length > 1 ? views.shift() : views[0]) ?? RUNS;
        return view instanceof Fault ? Promise.reject(view) : Promise.resolve(view);
      },
      readJob: (_node: Node, id: string, offset: number) => {
        const chunk = new TextEncoder().encode(id.endsWith("-log") ? "" : words).slice(offset);
        return Promise.resolve({ ...launcher, chunk, nextOffset: offset + chunk.length, skipped: 0 });
      },
    };
  }

  test.each<[string, Launcher, string, Partial<Failure>]>([
    ["with words", ENDED, "CUDA out of memory.\n", { code: "out_of_memory", evidence: "CUDA out of memory." }],
    [
      "without a word",
      RUNNING,
      "",
      { code: "model_died", evidence: "docker inspect vllm_node on spark-1 finds no container that runs" },
    ],
    [
      "with its Spark",
      { state: "rebooted", exitCode: null },
      "",
      { code: "host_rebooted", evidence: "spark-1: another boot id than at the launch" },
    ],
  ])("what has ended %s is not waited for, and its log is read to the end", async (_how, launcher, words, failure) => {
    const run = aRun({ control: spark([aView()], words, launcher), timing: { verifyDeadlineMs: 600_000 } });

    expect(await verify(run, "forward", never)).toMatchObject({ type: "failed", failure });
    expect(run.lines).toEqual(words === "" ? [] : [`launch: ${words.trim()}`]);
  });

  test("one look that shows no vLLM is not enough", async () => {
    let asked = 0;
    const control = {
      ...spark([aView(), RUNS]),
      get: (url: string) => (++asked > 4 ? get(ok)(url) : Promise.resolve(silence)),
    };

    expect(await verify(aRun({ control: { ...control, post: () => Promise.resolve(ok) } }), "forward", never)).toEqual({
      type: "verified",
    });
  });

  test("a Spark that is silent is waited for beyond the deadline, and says afterwards that it was restarted", async () => {
    const views = [unreachable("spark-1"), unreachable("spark-1"), aView()];
    const run = aRun({
      control: spark(views, "", { state: "rebooted", exitCode: null }),
      timing: { verifyDeadlineMs: 1 },
    });

    expect(await verify(run, "forward", never)).toMatchObject({ failure: { code: "host_rebooted" } });
    expect(run.waits).toEqual(["connect ETIMEDOUT", "connect ETIMEDOUT", null]);
  });

  test("a Spark that stays silent is not waited for longer than in mid-load", async () => {
    const run = aRun({ control: spark([unreachable("spark-1")]), timing: { contactDeadlineMs: 1 } });

    expect(await verify(run, "forward", never)).toMatchObject({ type: "failed", failure: { code: "ssh_network" } });
  });

  test("what another controller has stopped did not fail: the Spark's own words end it", async () => {
    const refusal = new Fault("conflict", "fenced", "spark-1 obeys another Spark Control.");
    const taken = {
      fence: () => Promise.resolve({ foreign: "b", generation: 9 }),
      passFence: () => Promise.reject(refusal),
    };

    await expect(verify(aRun({ control: { ...spark([aView()]), ...taken } }), "forward", never)).rejects.toBe(refusal);
  });

  test("wants health, the model's name and a chat", async () => {
    const bodies: unknown[] = [];
    const post = (_url: string, body: unknown) => Promise.resolve(void bodies.push(body)).then(() => ok);

    expect(await verify(aRun({ control: { address, get: get(ok), post } }), "forward", never)).toEqual({
      type: "verified",
    });
    expect(bodies).toEqual([
      { model: servedSource(aModel()), messages: [{ role: "user", content: "hi" }], max_tokens: 1 },
    ]);
  });

  test("a model that does not chat is verified as well: the engine answered", async () => {
    const post = () => Promise.resolve({ status: 400, body: { error: { message: "no chat template" } } });

    expect(await verify(aRun({ control: { address, get: get(ok), post } }), "forward", never)).toEqual({
      type: "verified",
    });
  });

  test.each([
    ["a dead engine", { status: 503, body: "" }, ok, "/health: HTTP 503"],
    ["a wedged chat", ok, { status: 500, body: "EngineDeadError" }, "/v1/chat/completions: HTTP 500 EngineDeadError"],
    ["a chat without an answer", ok, { status: null, body: null }, "/v1/chat/completions: no answer"],
  ])("%s is no success, and what was said is quoted", async (_what, health, chat, evidence) => {
    const control = { ...spark(), get: get(health as HttpAnswer), post: () => Promise.resolve(chat as HttpAnswer) };

    const event = await verify(aRun({ control, timing: { verifyDeadlineMs: 1 } }), "forward", never);

    expect(event).toMatchObject({
      type: "failed",
      failure: { code: "not_answering", evidence: expect.stringContaining(evidence) },
    });
  });
});

describe("a drain", () => {
  const address = () => Promise.resolve("10.77.0.11");
  const metrics = (running: number, waiting: number): HttpAnswer => ({
    status: 200,
    body: `# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model="a"} ${running}\nvllm:num_requests_waiting{model="a"} ${waiting}\n`,
  });

  test("waits until nothing runs and nothing waits, twice in a row", async () => {
    const readings = [metrics(1, 0), metrics(0, 0), metrics(0, 2), metrics(0, 0), metrics(0, 0)];
    let asked = 0;
    const get = () => Promise.resolve(readings[asked++]!);

    expect(await drain(aRun({ control: { address, get } }), "forward", never)).toEqual({ type: "drained" });
    expect(asked).toBe(5);
  });

  test("has nothing to wait for where nothing answers", async () => {
    const get = () => Promise.resolve({ status: null, body: null });

    expect(await drain(aRun({ control: { address, get } }), "forward", never)).toEqual({ type: "drained" });
  });
});
