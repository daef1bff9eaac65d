import { describe, expect, test } from "bun:test";
import { servedSource } from "../../../../lib/catalog/catalog.ts";
import { quote } from "../../../../lib/ssh/quote.ts";
import type { HttpAnswer, JobOrder } from "../../../../lib/swap/cluster.ts";
import { drain } from "../../../../lib/swap/effects/drain.ts";
import { createLaunch } from "../../../../lib/swap/effects/launch.ts";
import { verify } from "../../../../lib/swap/effects/verify.ts";
import type { Node } from "../../../../lib/topology/topology.ts";
import { aModel, aView } from "../_fixtures.ts";
import { aRun } from "./_run.ts";

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
    const control = { address, get: get(health as HttpAnswer), post: () => Promise.resolve(chat as HttpAnswer) };

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
