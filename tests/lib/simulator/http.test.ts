import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { Bench } from "./bench.ts";

const MODEL = "openai/gpt-oss-20b";

async function ready(maxModelLen = "4096"): Promise<Bench> {
  const bench = await Bench.start({ nodes: 1 });
  await bench.startJob(
    "a",
    bench.launchWords(MODEL, { args: ["--served-model-name", "chat", "big", "--max-model-len", maxModelLen] }),
  );
  await bench.vllmAnswers();
  return bench;
}

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

const chat = (more: object = {}) => ({
  model: "chat",
  messages: [{ role: "user", content: "What is a Spark?" }],
  ...more,
});

describe("a vLLM that is ready", () => {
  test("health is 200 and empty; models have served name, root and length", async () => {
    await using bench = await ready();

    const health = await fetch(bench.url("/health"));
    const models = await (await fetch(bench.url("/v1/models"))).json();

    expect([health.status, await health.text()]).toEqual([200, ""]);
    expect(models).toMatchObject({
      data: [
        { id: "chat", root: MODEL, parent: null, max_model_len: 4096 },
        { id: "big", root: MODEL },
      ],
    });
  });

  test("streams chunks, usage when asked for, and [DONE]", async () => {
    await using bench = await ready();

    const response = await post(
      bench.url("/v1/chat/completions"),
      chat({ stream: true, stream_options: { include_usage: true } }),
    );
    const events = (await response.text())
      .trim()
      .split("\n\n")
      .map((event) => event.replace("data: ", ""));
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event));
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

    expect(response.headers.get("content-type")).toStartWith("text/event-stream");
    expect(response.headers.get("x-spark-simulated")).toBe("1");
    expect(events.at(-1)).toBe("[DONE]");
    expect(text).toContain("What is a Spark?");
    expect(chunks.at(-2).choices[0].finish_reason).toBe("stop");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 4 } });
  });

  test("completes text too", async () => {
    await using bench = await ready();

    const answer = await (
      await post(bench.url("/v1/completions"), { model: "big", prompt: "once", max_tokens: 3 })
    ).json();

    expect(answer).toMatchObject({
      object: "text_completion",
      choices: [{ finish_reason: "length" }],
      usage: { completion_tokens: 3 },
    });
  });

  test("goes on for as long as ignore_eos or min_tokens want", async () => {
    await using bench = await ready();
    const ask = async (more: object) => (await post(bench.url("/v1/chat/completions"), chat(more))).json();

    const long = await ask({ max_tokens: 200, ignore_eos: true });
    const least = await ask({ max_tokens: 300, min_tokens: 100 });

    expect([long.usage.completion_tokens, long.choices[0].finish_reason]).toEqual([200, "length"]);
    expect([least.usage.completion_tokens, least.choices[0].finish_reason]).toEqual([100, "stop"]);
  });

  test("errors have vLLM's shape", async () => {
    await using bench = await ready();

    const unknown = await post(bench.url("/v1/chat/completions"), chat({ model: "other" }));
    const none = await post(bench.url("/v1/chat/completions"), { model: "chat" });
    const long = await post(bench.url("/v1/completions"), { model: "chat", prompt: "x".repeat(20_000) });
    const wanting = await post(bench.url("/v1/completions"), { model: "chat", prompt: "x", max_tokens: 5000 });
    const broken = await fetch(bench.url("/v1/completions"), { method: "POST", body: "{" });

    expect([unknown, none, long, wanting, broken].map(({ status }) => status)).toEqual([404, 400, 400, 400, 400]);
    expect(await unknown.json()).toEqual({
      error: { message: "The model `other` does not exist.", type: "NotFoundError", param: null, code: 404 },
    });
  });

  test("counts requests in its metrics, later than they happen", async () => {
    await using bench = await ready();
    const metric = async (name: string) => {
      const text = await (await fetch(bench.url("/metrics"))).text();
      return Number(new RegExp(`^vllm:${name}\\{[^}]*\\} (\\S+)$`, "m").exec(text)?.[1]);
    };

    await (await post(bench.url("/v1/chat/completions"), chat({ max_tokens: 5 }))).json();

    expect(await metric("prompt_tokens_total")).toBe(4);
    expect(await metric("generation_tokens_total")).toBe(5);
    expect(await metric("num_requests_running")).toBeGreaterThanOrEqual(0);
    expect(await metric("time_to_first_token_seconds_count")).toBe(1);
  });

  test("a stream breaks off when vLLM is killed", async () => {
    await using bench = await ready("128k");
    const endless = chat({ stream: true, max_tokens: 100_000, ignore_eos: true });

    const response = await post(bench.url("/v1/chat/completions"), endless);
    const reading = response.text().then(
      () => "whole",
      () => "broken",
    );
    await bench.exec(["docker", "stop", "-t", "0", "vllm_node"]);

    expect(await reading).toBe("broken");
  });

  test("a client that leaves ends its request", async () => {
    await using bench = await ready("128k");
    const leaving = new AbortController();
    const running = async () =>
      /^vllm:num_requests_running\S* (\d+)$/m.exec(await (await fetch(bench.url("/metrics"))).text())?.[1];
    const runningBecomes = async (count: string) => {
      while ((await running()) !== count);
    };
    const endless = chat({ stream: true, max_tokens: 100_000, ignore_eos: true });
    await fetch(bench.url("/v1/chat/completions"), {
      method: "POST",
      body: JSON.stringify(endless),
      signal: leaving.signal,
    });
    await runningBecomes("1");

    leaving.abort();
    await runningBecomes("0");

    expect(await running()).toBe("0");
  });

  test("does not answer before it is ready, nor after docker stop", async () => {
    await using bench = await Bench.start({ nodes: 1 });
    const refused = () =>
      fetch(bench.url("/health")).then(
        () => "answered",
        () => "refused",
      );
    bench.inject({ kind: "progress_stuck", percent: 0 });
    await bench.startJob("a", bench.launchWords(MODEL));
    await bench.cluster.until(() => bench.head.vllmProcesses().length > 0);

    const loading = await refused();
    await bench.exec(["docker", "stop", "-t", "1", "vllm_node"]);

    expect([loading, await refused()]).toEqual(["refused", "refused"]);
  });
});

describe("the services beside it", () => {
  async function urls(bench: Bench): Promise<(name: string, path: string) => string> {
    const { services } = parse(bench.cluster.servicesYaml) as {
      services: Record<string, { port?: number; node?: string }>;
    };
    return (name, path) => `http://${bench.worker.address}:${services[name]?.port}${path}`;
  }

  test("all run on the second node and say that they are simulated", async () => {
    await using bench = await Bench.start({ services: true });
    const url = await urls(bench);

    const answers = await Promise.all([
      fetch(url("parakeet", "/health")),
      fetch(url("kokoro", "/health")),
      fetch(url("embeddings", "/health")),
      fetch(url("reranker", "/health")),
      fetch(url("qdrant", "/healthz")),
    ]);

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(answers.map(({ headers }) => headers.get("x-spark-simulated"))).toEqual(["1", "1", "1", "1", "1"]);
  });

  test("speech: silence is transcribed to nothing, and spoken as a WAV", async () => {
    await using bench = await Bench.start({ services: true });
    const url = await urls(bench);
    const form = new FormData();
    form.set("file", new Blob([new Uint8Array(32_000)]), "silence.wav");
    form.set("response_format", "verbose_json");

    const heard = await (
      await fetch(url("parakeet", "/v1/audio/transcriptions"), { method: "POST", body: form })
    ).json();
    const voices = await (await fetch(url("kokoro", "/v1/audio/voices"))).json();
    const spoken = await (await post(url("kokoro", "/v1/audio/speech"), { input: "hi", voice: "af_heart" })).bytes();
    const silent = await post(url("kokoro", "/v1/audio/speech"), { input: "" });

    expect(heard).toMatchObject({ task: "transcribe", duration: 1, text: "", segments: [], words: [] });
    expect(voices.voices[0]).toEqual({ id: "af_heart", name: "af_heart" });
    expect(new TextDecoder("latin1").decode(spoken.slice(0, 4))).toBe("RIFF");
    expect([silent.status, (await silent.json()).detail.type]).toEqual([400, "invalid_request_error"]);
  });

  test("search: embeddings of length 1 in 1024 dimensions, the nearer text ranks first", async () => {
    await using bench = await Bench.start({ services: true });
    const url = await urls(bench);

    const { data } = await (
      await post(url("embeddings", "/v1/embeddings"), { input: ["red fox", "red fox", "blue whale"] })
    ).json();
    const { results } = await (
      await post(url("reranker", "/v1/rerank"), { query: "red fox", documents: ["blue whale", "a red fox"], top_n: 1 })
    ).json();

    expect(data.map((one: { embedding: number[] }) => one.embedding.length)).toEqual([1024, 1024, 1024]);
    expect(Math.hypot(...data[2].embedding)).toBeCloseTo(1);
    expect(data[0].embedding).toEqual(data[1].embedding);
    expect(results).toEqual([{ index: 1, document: { text: "a red fox" }, relevance_score: 8 }]);
  });

  test("docker stop ends a service, docker start brings it back", async () => {
    await using bench = await Bench.start({ services: true });
    const url = await urls(bench);
    const port = Number(new URL(url("qdrant", "/")).port);

    await bench.exec(["docker", "stop", "qdrant"], bench.worker);
    const stopped = bench.worker.listeningPorts().includes(port);
    await bench.exec(["docker", "start", "qdrant"], bench.worker);
    await bench.cluster.until(() => bench.worker.listeningPorts().includes(port));

    expect(stopped).toBe(false);
    expect((await fetch(url("qdrant", "/healthz"))).status).toBe(200);
  });
});
