/** The services beside vLLM, just enough to look alive: speech recognition and synthesis, embeddings, reranker, Qdrant. */
import { silentWav } from "../silent-wav.ts";
import { embedding, relevance } from "./fake-vectors.ts";
import type { HttpHandler } from "./ports.ts";
import { streamOf } from "./stream-of.ts";

export interface SimulatedService {
  readonly name: string;
  /** As in topology.yaml. */
  readonly kind: "asr" | "tts" | "embeddings" | "reranker" | "qdrant";
  /** Usual port. */
  readonly port: number;
  readonly container: string;
  readonly image: string;
  readonly memoryKb: number;
  /** From the container's start to the first answer. */
  readonly warmUpSeconds: number;
  readonly handler: HttpHandler;
}

const VOICES = ["af_heart", "af_bella", "am_michael", "bf_emma"];
const TTS_SAMPLE_RATE = 24_000;
const BYTES_PER_SECOND_PCM = 32_000;

const notFound = () => Response.json({ detail: "Not Found" }, { status: 404 });
const route = (request: Request) => `${request.method} ${new URL(request.url).pathname}`;

async function json(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const value: unknown = await request.json().catch(() => null);
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function strings(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).map((one) =>
    typeof one === "string" ? one : JSON.stringify(one ?? ""),
  );
}

async function asr(request: Request): Promise<Response> {
  switch (route(request)) {
    case "GET /health":
      return Response.json({ status: "ok", model: "parakeet-tdt-0.6b-v3" });
    case "GET /v1/models":
      return Response.json({ object: "list", data: [{ id: "parakeet-tdt-0.6b-v3", object: "model" }] });
    case "POST /v1/audio/transcriptions": {
      const form = await request.formData().catch(() => null);
      const file = form?.get("file");
      if (!(file instanceof Blob)) return Response.json({ detail: "file is required" }, { status: 422 });
      const format = form?.get("response_format") ?? "json";
      if (format === "text") return new Response("\n", { headers: { "content-type": "text/plain" } });
      if (format !== "verbose_json") return Response.json({ text: "" });
      const duration = Math.round((file.size / BYTES_PER_SECOND_PCM) * 100) / 100;
      return Response.json({ task: "transcribe", language: "en", duration, text: "", segments: [], words: [] });
    }
    default:
      return notFound();
  }
}

async function tts(request: Request): Promise<Response> {
  switch (route(request)) {
    case "GET /health":
      return Response.json({ status: "healthy" });
    case "GET /v1/audio/voices":
      return Response.json({ voices: VOICES.map((id) => ({ id, name: id })) });
    case "POST /v1/audio/speech": {
      const asked = await json(request);
      if (typeof asked.input !== "string" || asked.input === "") {
        const detail = { error: "validation_error", message: "Input text is required", type: "invalid_request_error" };
        return Response.json({ detail }, { status: 400 });
      }
      const wav = silentWav(0.3, TTS_SAMPLE_RATE);
      const half = Math.floor(wav.length / 2);
      const parts = async function* () {
        yield wav.subarray(0, half);
        yield wav.subarray(half);
      };
      return new Response(streamOf(parts()), { headers: { "content-type": "audio/wav" } });
    }
    default:
      return notFound();
  }
}

async function embeddings(request: Request): Promise<Response> {
  switch (route(request)) {
    case "GET /health":
      return new Response(null);
    case "GET /v1/models":
      return Response.json({ object: "list", data: [{ id: "Qwen/Qwen3-Embedding-0.6B", object: "model" }] });
    case "POST /embed":
      return Response.json(strings((await json(request)).inputs).map(embedding));
    case "POST /v1/embeddings": {
      const asked = await json(request);
      const data = strings(asked.input).map((text, index) => ({
        object: "embedding",
        index,
        embedding: embedding(text),
      }));
      const usage = { prompt_tokens: data.length, total_tokens: data.length };
      return Response.json({ object: "list", model: asked.model ?? "Qwen/Qwen3-Embedding-0.6B", data, usage });
    }
    default:
      return notFound();
  }
}

/** TEI's `/rerank` with `texts` answers a bare array; with `documents` (vLLM, Infinity) an object. */
async function reranker(request: Request): Promise<Response> {
  switch (route(request)) {
    case "GET /health":
      return new Response(null);
    case "POST /rerank":
    case "POST /v1/rerank": {
      const asked = await json(request);
      const query = String(asked.query ?? "");
      const texts = strings(asked.texts ?? asked.documents);
      const ranked = texts.map((text, index) => ({ index, text, score: relevance(query, text) }));
      ranked.sort((a, b) => b.score - a.score || a.index - b.index);
      if (asked.texts !== undefined) return Response.json(ranked.map(({ index, score }) => ({ index, score })));
      const top = typeof asked.top_n === "number" ? asked.top_n : ranked.length;
      const results = ranked
        .slice(0, top)
        .map(({ index, text, score }) => ({ index, document: { text }, relevance_score: score }));
      return Response.json({
        id: "rerank-simulated",
        model: "BAAI/bge-reranker-v2-m3",
        usage: { total_tokens: texts.length },
        results,
      });
    }
    default:
      return notFound();
  }
}

function qdrant(request: Request): Response {
  switch (route(request)) {
    case "GET /healthz":
    case "GET /livez":
    case "GET /readyz":
      return new Response("healthz check passed");
    case "GET /collections":
      return Response.json({ result: { collections: [] }, status: "ok", time: 0.00001 });
    default:
      return Response.json(
        { status: { error: "Not found: Collection doesn't exist!" }, time: 0.00001 },
        { status: 404 },
      );
  }
}

const GB = 1_000_000;

export const SERVICES: readonly SimulatedService[] = [
  {
    name: "parakeet",
    kind: "asr",
    port: 8000,
    container: "parakeet",
    image: "parakeet-asr",
    memoryKb: 1.6 * GB,
    warmUpSeconds: 12,
    handler: asr,
  },
  {
    name: "kokoro",
    kind: "tts",
    port: 8880,
    container: "kokoro",
    image: "kokoro-fastapi-gpu",
    memoryKb: 1.1 * GB,
    warmUpSeconds: 8,
    handler: tts,
  },
  {
    name: "embeddings",
    kind: "embeddings",
    port: 8002,
    container: "embeddings",
    image: "text-embeddings-inference",
    memoryKb: 0.7 * GB,
    warmUpSeconds: 6,
    handler: embeddings,
  },
  {
    name: "reranker",
    kind: "reranker",
    port: 8003,
    container: "reranker",
    image: "text-embeddings-inference",
    memoryKb: 0.6 * GB,
    warmUpSeconds: 6,
    handler: reranker,
  },
  {
    name: "qdrant",
    kind: "qdrant",
    port: 6333,
    container: "qdrant",
    image: "qdrant/qdrant",
    memoryKb: 0.2 * GB,
    warmUpSeconds: 1,
    handler: qdrant,
  },
];
