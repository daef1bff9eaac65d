/** The official client against the gateway of a simulated cluster: real SSH, real HTTP, a model that was really swapped to. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI, { APIError, InternalServerError, NotFoundError } from "openai";
import { silentWav } from "../../lib/silent-wav.ts";
import type { SlotStatus } from "../../lib/swap/slots.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

const KEY = "qwen3-30b-a3b";
const SWAP_LIMIT_MS = 60_000;
const TOKENS = 3_000;
let demo: Demo;
let client: OpenAI;
let served: string;

beforeAll(async () => {
  demo = await startDemo({ speed: 100 });
  client = new OpenAI({ baseURL: `${demo.url}/v1`, apiKey: "not-needed", maxRetries: 0 });
  const { models } = (await (await fetch(`${demo.url}/api/models`)).json()) as {
    models: { key: string; served_name: string }[];
  };
  served = models.find(({ key }) => key === KEY)!.served_name;
});
afterAll(() => demo.close());

const chat = (model: string, content = "Tell me about Sparks.") => ({
  model,
  messages: [{ role: "user" as const, content }],
});
const failure = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error,
  );
const slot = () => demo.plane.slots.statuses()[0] as SlotStatus;

describe("before a model is loaded", () => {
  test("a chat is refused once, with the call that would load it", async () => {
    const patient = new OpenAI({ baseURL: `${demo.url}/v1`, apiKey: "x", maxRetries: 5 });
    const began = performance.now();
    const error = await failure(patient.chat.completions.create(chat(KEY)));

    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ code: "model_not_loaded", param: "model" });
    expect((error as APIError).error).toMatchObject({ loaded: [], swap: { path: "/api/swap", body: { model: KEY } } });
    expect((error as APIError).headers?.get("x-should-retry")).toBe("false");
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test("the list says what could be loaded, what speaks and with which voices", async () => {
    const { data } = await client.models.list();
    const list = data as unknown as { id: string; kind: string; loaded: boolean; voices?: { id: string }[] }[];

    expect(list.filter(({ kind }) => kind === "chat").length).toBeGreaterThan(3);
    expect(list.some(({ kind, loaded }) => kind === "chat" && loaded)).toBe(false);
    expect(list.find(({ kind }) => kind === "asr")).toMatchObject({ id: "parakeet-tdt-0.6b-v3", loaded: true });
    expect(list.find(({ kind }) => kind === "tts")?.voices?.map(({ id }) => id)).toContain("af_heart");
  });
});

describe("speech, embeddings and reranking", () => {
  test("speech to bytes that are a WAV file", async () => {
    const speech = await client.audio.speech.create({ model: "kokoro", input: "hi", voice: "af_heart" });
    const bytes = new Uint8Array(await speech.arrayBuffer());

    expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe("RIFF");
    expect(bytes).toEqual(silentWav(0.3, 24_000));
    expect(speech.headers.get("x-spark-simulated")).toBe("1");
  });

  test("a transcription of an upload", async () => {
    const file = new File([silentWav(1, 24_000)], "a.wav", { type: "audio/wav" });
    const got = await client.audio.transcriptions.create({ file, model: "parakeet", response_format: "verbose_json" });

    expect(got).toMatchObject({ task: "transcribe", language: "en" });
    expect(got.duration).toBeGreaterThan(0.9);
  });

  test("a refusal of the service is an error of the client's own kind", async () => {
    const error = await failure(client.audio.speech.create({ model: "kokoro", input: "", voice: "af_heart" }));

    expect(error).toBeInstanceOf(APIError);
    expect((error as APIError).status).toBe(400);
  });

  test("embeddings", async () => {
    const { data } = await client.embeddings.create({ model: "bge-m3", input: ["a", "b"], encoding_format: "float" });

    expect(data.map(({ index }) => index)).toEqual([0, 1]);
    expect(data[0]!.embedding.length).toBeGreaterThan(100);
  });

  test("reranking, best first, in our shape", async () => {
    const documents = ["bananas are yellow", "sparks compute", "sparks are computers that compute"];
    const got = await demo.post("/v1/rerank", { query: "sparks compute", documents, top_n: 2, return_documents: true });
    const answer = (await got.json()) as {
      object: string;
      results: { index: number; relevance_score: number; document: { text: string } }[];
    };

    expect([got.status, answer.object, answer.results.length]).toEqual([200, "rerank.result", 2]);
    for (const { index, document } of answer.results) expect(document.text).toBe(documents[index]!);
    expect(answer.results[0]!.relevance_score).toBeGreaterThanOrEqual(answer.results[1]!.relevance_score);
  });

  test("a question of the wrong shape is told in OpenAI's envelope", async () => {
    const got = await demo.post("/v1/rerank", { query: "x" });

    expect(got.status).toBe(422);
    expect(await got.json()).toMatchObject({ error: { code: "invalid", failed_by: "controller" } });
  });
});

describe("with a model loaded", () => {
  beforeAll(async () => {
    expect((await demo.swap(KEY)).state).toBe("ready");
  }, SWAP_LIMIT_MS);

  test("it is listed first, as loaded", async () => {
    const { data } = await client.models.list();

    expect(data[0]).toMatchObject({ id: served, loaded: true, key: KEY, where: "main" });
    expect(await client.models.retrieve(served)).toMatchObject({ id: served, loaded: true });
  });

  test.each(["its served name", "its key"])("a chat by %s", async (by) => {
    const got = await client.chat.completions.create(chat(by === "its key" ? KEY : served));

    expect(got.choices[0]!.message.content!.length).toBeGreaterThan(0);
    expect(got.model).toBe(served);
  });

  test("a streamed chat, with usage", async () => {
    const stream = await client.chat.completions.create({
      ...chat(served),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

    expect(chunks.length).toBeGreaterThan(3);
    expect(text.length).toBeGreaterThan(0);
    expect(chunks.at(-1)!.usage!.completion_tokens).toBeGreaterThan(0);
  });

  test("a completion, and tokens", async () => {
    const got = await client.completions.create({ model: served, prompt: "x", max_tokens: 5 });
    const tokens = await demo.post("/tokenize", { model: served, prompt: "one two three" });

    expect(got.choices[0]!.text.length).toBeGreaterThan(0);
    expect((await tokens.json()) as { count: number }).toMatchObject({ count: 4 });
  });

  test("what this vLLM does not have is its own 404", async () => {
    const error = await failure(client.responses.create({ model: served, input: "x" }));

    expect(error).toBeInstanceOf(NotFoundError);
  });

  test("another model is refused, naming the one that is loaded", async () => {
    const error = await failure(client.chat.completions.create(chat("gpt-oss-20b")));

    expect(error).toMatchObject({ status: 404, code: "model_not_loaded" });
    expect((error as APIError).message).toContain(served);
  });

  test("a bad request passes to the vLLM, whose answer passes back", async () => {
    const error = await failure(client.chat.completions.create({ ...chat(served), max_tokens: 10_000_000 }));

    expect(error).toMatchObject({ status: 400 });
    expect((error as APIError).message).toContain("maximum context length");
  });

  test("a stream that is abandoned frees the vLLM", async () => {
    const stream = await client.chat.completions.create({
      ...chat(served),
      stream: true,
      max_tokens: 4000,
      min_tokens: 4000,
    } as never);
    for await (const _ of stream as unknown as AsyncIterable<unknown>) break;
    await until("nothing is in flight", () => demo.plane.gateway.inFlight("main") === 0);
    await until("the vLLM says so too", async () => {
      await demo.plane.slots.lookAtSlots();
      return slot().requests?.running === 0;
    });
  });

  test(
    "a request in flight is counted, shown in the slot, and finishes before a swap goes on",
    async () => {
      const stream = await client.chat.completions.create({
        ...chat(served),
        stream: true,
        // Some seconds of it: what is looked at meanwhile has to find it running.
        max_tokens: TOKENS,
        min_tokens: TOKENS,
      } as never);
      const order: string[] = [];
      const reading = (async () => {
        let count = 0;
        for await (const _ of stream as unknown as AsyncIterable<unknown>) count++;
        order.push("the stream has ended");
        return count;
      })();
      expect([demo.plane.gateway.inFlight("main"), slot().in_flight]).toEqual([1, 1]);

      const job = (await (await demo.post("/api/swap", { model: "gpt-oss-20b" })).json()) as { job_id: string };
      const unsubscribe = demo.plane.events.subscribe((event) => {
        const isFirst = order.at(-1) !== "the model stops";
        if (event.type === "swap.changed" && event.job.state === "stopping" && isFirst) order.push("the model stops");
      });
      await until("it drains", () => demo.plane.swaps.active()[0]?.state === "draining");
      const meanwhile = await failure(client.chat.completions.create(chat(served)));
      const coming = await failure(client.chat.completions.create(chat("gpt-oss-20b")));

      expect(await reading).toBeGreaterThan(TOKENS);
      expect((await demo.plane.swaps.settled(job.job_id)).state).toBe("ready");
      unsubscribe();
      expect(order).toEqual(["the stream has ended", "the model stops"]);
      expect(meanwhile).toBeInstanceOf(InternalServerError);
      expect(meanwhile).toMatchObject({ status: 503, code: "model_unloading" });
      expect(coming).toMatchObject({ status: 503, code: "model_loading" });
      expect(Number((coming as APIError).headers?.get("retry-after"))).toBeGreaterThan(0);
    },
    SWAP_LIMIT_MS,
  );

  test("the new model answers, and the old one is refused", async () => {
    expect((await client.chat.completions.create(chat("gpt-oss-20b"))).choices).toHaveLength(1);
    expect(await failure(client.chat.completions.create(chat(served)))).toMatchObject({ code: "model_not_loaded" });
  });
});

test("where everything is: each service has the gateway's address beside its own", async () => {
  const { endpoints } = (await (await fetch(`${demo.url}/api/endpoints`)).json()) as {
    endpoints: { name: string; kind: string; gateway_url: string | null; disabled: boolean }[];
  };

  expect(endpoints.filter(({ gateway_url }) => gateway_url === `${demo.url}/v1`).map(({ name }) => name)).toEqual([
    "main",
    "parakeet",
    "kokoro",
    "embeddings",
    "reranker",
  ]);
  expect(endpoints.find(({ kind }) => kind === "qdrant")?.gateway_url).toBeNull();
});

test("what has passed is counted for Prometheus, without a word of it", async () => {
  const text = await (await fetch(`${demo.url}/metrics`)).text();
  const value = (series: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(series))
        ?.split(" ")
        .at(-1),
    );
  const chat = 'upstream="slot:main",route="/v1/chat/completions"';

  expect(value(`spark_gateway_requests_total{${chat},outcome="complete",status="200"}`)).toBeGreaterThan(2);
  expect(value(`spark_gateway_requests_total{${chat},outcome="left",status="200"}`)).toBe(1);
  expect(value(`spark_gateway_request_duration_seconds_count{${chat}}`)).toBeGreaterThan(3);
  expect(
    value(`spark_gateway_bytes_total{upstream="service:kokoro",route="/v1/audio/speech",direction="out"}`),
  ).toBeGreaterThan(1000);
  expect(value('spark_gateway_requests_in_flight{upstream="slot:main"}')).toBe(0);
  expect(text).toContain("spark_nodejs_eventloop_lag_p99_seconds");
  expect(text).not.toContain("Tell me about Sparks");
});
