/** Deep checks against servers of every make: what passes, what fails, what says nothing. */
import { expect, test } from "bun:test";
import { deepCheck } from "../../../lib/service/deep.ts";
import type { Ask, HttpAnswer } from "../../../lib/service/probe.ts";
import type { ServiceKind } from "../../../lib/topology/topology.ts";

const ok = (body: unknown): HttpAnswer => ({ status: 200, body });
const MODELS = ok({ data: [{ id: "acme/model" }] });
const missing: HttpAnswer = { status: 404, body: { detail: "Not Found" } };

interface Asked {
  readonly path: string;
  readonly init: RequestInit;
}

async function check(kind: ServiceKind, answers: Readonly<Record<string, HttpAnswer>>) {
  const asked: Asked[] = [];
  const ask: Ask = async (path, init) => {
    asked.push({ path, init });
    return answers[path] ?? missing;
  };
  const { outcome, detail } = await deepCheck(kind, "it", ask, new AbortController().signal);
  return { outcome, detail, asked };
}
const outcome = async (...given: Parameters<typeof check>) => (await check(...given)).outcome;

test("speech recognition gets a second of silence as a WAV file", async () => {
  const { outcome, asked } = await check("asr", { "/v1/models": MODELS, "/v1/audio/transcriptions": ok({ text: "" }) });
  const form = asked.find(({ path }) => path === "/v1/audio/transcriptions")?.init.body as FormData;
  const wav = new Uint8Array(await (form.get("file") as File).arrayBuffer());
  const head = new DataView(wav.buffer);

  expect(outcome).toBe("passed");
  expect(form.get("model")).toBe("acme/model");
  expect(new TextDecoder().decode(wav.subarray(0, 4))).toBe("RIFF");
  expect([head.getUint32(24, true), head.getUint32(40, true), wav.length]).toEqual([16_000, 32_000, 32_044]);
  expect(wav.subarray(44).every((byte) => byte === 0)).toBe(true);
});

test("speech recognition that fails, or answers something else, has failed", async () => {
  const path = "/v1/audio/transcriptions";
  expect(await check("asr", { [path]: { status: 500, body: "CUDA error" } })).toMatchObject({
    outcome: "failed",
    detail: "A second of silence was to be transcribed: status 500, CUDA error.",
  });
  expect(await outcome("asr", { [path]: ok({ words: [] }) })).toBe("failed");
  expect(await outcome("asr", { [path]: { status: null, body: null } })).toBe("failed");
});

test("speech synthesis says hi with a voice that it has; silence is a failure", async () => {
  const voices = { "/v1/audio/voices": ok({ voices: ["bf_emma"] }) };
  const { outcome, asked } = await check("tts", { ...voices, "/v1/audio/speech": ok("x".repeat(500)) });

  expect(outcome).toBe("passed");
  expect(JSON.parse(String(asked.at(-1)?.init.body))).toMatchObject({ input: "hi", voice: "bf_emma" });
  expect((await check("tts", { ...voices, "/v1/audio/speech": ok("") })).outcome).toBe("failed");
});

test("embeddings pass by OpenAI's route or by TEI's own", async () => {
  const openAi = { "/v1/embeddings": ok({ data: [{ embedding: [0.1, 0.2] }] }) };
  expect((await check("embeddings", openAi)).detail).toBe("Embedded one word in 2 dimensions.");
  expect(await outcome("embeddings", { "/embed": ok([[0.1, 0.2]]) })).toBe("passed");
  expect(await outcome("embeddings", { "/v1/embeddings": ok({ data: [{ embedding: ["NaN"] }] }) })).toBe("failed");
  expect(await outcome("embeddings", { "/v1/embeddings": ok({ data: [] }) })).toBe("failed");
});

test("a reranker passes in the words of vLLM, Infinity and TEI", async () => {
  const results = [{ relevance_score: 1.5 }, { relevance_score: -2 }];
  expect(await outcome("reranker", { "/v1/rerank": ok({ results }) })).toBe("passed");
  expect(await outcome("reranker", { "/rerank": ok([{ score: 0.1 }, { score: 0.9 }]) })).toBe("passed");
  expect(await outcome("reranker", { "/v1/rerank": ok({ results: results.slice(1) }) })).toBe("failed");
});

test("Qdrant lists its collections; one that wants a key is left in peace", async () => {
  expect(await outcome("qdrant", { "/collections": ok({ result: { collections: [{ name: "a" }] } }) })).toBe("passed");
  expect(await outcome("qdrant", { "/collections": { status: 403, body: "" } })).toBe("skipped");
  expect(await outcome("qdrant", { "/collections": ok("<html>") })).toBe("failed");
});

test("vLLM: no model is fine, a refusal is an answer, a 5xx means that it is wedged", async () => {
  const path = "/v1/chat/completions";
  expect(await outcome("vllm", {})).toBe("skipped");
  expect(await outcome("vllm", { "/v1/models": ok({ data: [] }) })).toBe("skipped");
  expect(await outcome("vllm", { "/v1/models": MODELS, [path]: ok({ choices: [] }) })).toBe("passed");
  expect(await outcome("vllm", { "/v1/models": MODELS, [path]: { status: 400, body: {} } })).toBe("passed");
  expect(await outcome("vllm", { "/v1/models": MODELS, [path]: { status: 500, body: {} } })).toBe("failed");
  expect(await outcome("vllm", { "/v1/models": MODELS, [path]: { status: null, body: null } })).toBe("failed");
});

test("anything else answers below 500, and a bot is asked nothing", async () => {
  expect(await outcome("http", { "/": { status: 401, body: "" } })).toBe("passed");
  expect(await outcome("http", { "/": { status: 502, body: "" } })).toBe("failed");
  expect(await check("bot", {})).toMatchObject({ outcome: "skipped", asked: [] });
});
