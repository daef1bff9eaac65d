import { expect, test } from "bun:test";
import { command } from "../../../lib/ssh/quote.ts";
import { Bench } from "./bench.ts";

const MODEL = "openai/gpt-oss-20b";

test("a solo launch goes from a job to an answer over HTTP", async () => {
  await using bench = await Bench.start();

  const started = await bench.startJob("swap-1", bench.launchWords(MODEL));
  await bench.vllmAnswers();
  const { fields, log } = await bench.readJob("swap-1");
  const models = await fetch(bench.url("/v1/models"));
  const chat = await fetch(bench.url("/v1/chat/completions"), {
    method: "POST",
    body: JSON.stringify({ model: MODEL, messages: [{ role: "user", content: "hi" }], max_tokens: 1 }),
  });

  expect(started).toEqual({ stdout: "started\n", stderr: "", code: 0 });
  expect(fields).toMatchObject({ state: "running", exit: "-", generation: "1", size: String(Buffer.byteLength(log)) });
  expect(models.headers.get("x-spark-simulated")).toBe("1");
  expect(await models.json()).toMatchObject({ data: [{ id: MODEL, root: MODEL, parent: null }] });
  expect(await chat.json()).toMatchObject({
    choices: [{ message: { role: "assistant" }, finish_reason: "length" }],
    usage: { completion_tokens: 1 },
  });
});

test("a batch answers each command with its own output and exit code", async () => {
  await using bench = await Bench.start();

  const answers = await bench.look([
    command(["cat", "/proc/meminfo"]),
    command(["docker", "inspect", "--type", "container", "vllm_node"]),
    command(["no-such-program"]),
  ]);

  expect(answers[0]?.output).toMatch(/^MemTotal: +125500000 kB\n/);
  expect(answers.map(({ exitCode }) => exitCode)).toEqual([0, 1, 127]);
  expect(answers[2]?.output).toBe("sh: 1: no-such-program: not found\n");
});
