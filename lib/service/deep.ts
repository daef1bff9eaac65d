/** The deep check: lets a service do a little of its real work and looks at what comes back. */
import { silentWav } from "../silent-wav.ts";
import type { ServiceKind } from "../topology/topology.ts";
import type { Ask, HttpAnswer } from "./probe.ts";
import type { DeepOutcome } from "./service.ts";

export interface Finding {
  readonly outcome: DeepOutcome;
  /** One sentence. */
  readonly detail: string;
}

const DEADLINE_MS = 60_000;
const QUESTION_MS = 10_000;
const ONE_SECOND = 1;
/** What speech recognition takes without resampling. */
const ASR_SAMPLE_RATE = 16_000;
/** The head of a WAV file alone is no speech. */
const LEAST_SPEECH = 100;
const USUAL_VOICE = "af_heart";
const SERVER_ERROR = 500;
const LONGEST_QUOTE = 200;

const passed = (detail: string): Finding => ({ outcome: "passed", detail });
const failed = (detail: string): Finding => ({ outcome: "failed", detail });
const skipped = (detail: string): Finding => ({ outcome: "skipped", detail });

type Loose = Readonly<Record<string, unknown>>;
const objectOf = (value: unknown): Loose => (value !== null && typeof value === "object" ? (value as Loose) : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** @param name of the service, for servers that want some name of a model */
export async function deepCheck(kind: ServiceKind, name: string, ask: Ask, signal: AbortSignal): Promise<Finding> {
  const post = (path: string, body: unknown) =>
    ask(
      path,
      { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
      DEADLINE_MS,
      signal,
    );
  const get = (path: string) => ask(path, { method: "GET" }, QUESTION_MS, signal);
  const listed = async () => modelIds(await get("/v1/models"));

  switch (kind) {
    case "asr":
      return transcription(await ask("/v1/audio/transcriptions", await recording(listed, name), DEADLINE_MS, signal));
    case "tts": {
      const voice = voiceOf(await get("/v1/audio/voices"));
      const spoken = { model: "kokoro", input: "hi", voice, response_format: "wav", stream: false };
      return speech(await post("/v1/audio/speech", spoken));
    }
    case "embeddings": {
      const [model = name] = await listed();
      const answer = await post("/v1/embeddings", { model, input: "ping" });
      return vector(answer.status === 404 ? await post("/embed", { inputs: "ping" }) : answer);
    }
    case "reranker": {
      const documents = ["a cat", "a machine"];
      const answer = await post("/v1/rerank", { model: name, query: "animal", documents });
      const bare = answer.status === 404 || answer.status === 422;
      return ranking(bare ? await post("/rerank", { query: "animal", texts: documents }) : answer);
    }
    case "qdrant":
      return collections(await get("/collections"));
    case "vllm":
      return chat(await listed(), (model) =>
        post("/v1/chat/completions", { model, messages: [{ role: "user", content: "hi" }], max_tokens: 1 }),
      );
    case "diarizer":
    case "http":
      return anything(await get(kind === "http" ? "/" : "/health"));
    case "bot":
      return skipped("A bot has nothing to be asked; its container tells.");
  }
}

async function recording(listed: () => Promise<readonly string[]>, name: string): Promise<RequestInit> {
  const [model = name] = await listed();
  const form = new FormData();
  form.set("file", new Blob([silentWav(ONE_SECOND, ASR_SAMPLE_RATE)], { type: "audio/wav" }), "silence.wav");
  form.set("model", model);
  form.set("response_format", "json");
  return { method: "POST", body: form };
}

/** Null when the answer is one; else what is wrong with it. */
function trouble({ status, body }: HttpAnswer, what: string): Finding | null {
  if (status === null) return failed(`${what}: no answer.`);
  if (status === 200) return null;
  return failed(`${what}: status ${status}${quoted(body)}.`);
}

/** What a service says of its failure; of a transcription or a text nothing is quoted, only of what was asked here. */
function quoted(body: unknown): string {
  const text = typeof body === "string" ? body : JSON.stringify(body ?? "");
  const short = text.replace(/\s+/g, " ").trim().slice(0, LONGEST_QUOTE);
  return short === "" || short === '""' ? "" : `, ${short}`;
}

function transcription(answer: HttpAnswer): Finding {
  const what = "A second of silence was to be transcribed";
  const text = objectOf(answer.body).text;
  return (
    trouble(answer, what) ??
    (typeof text === "string" || typeof answer.body === "string"
      ? passed("Transcribed a second of silence.")
      : failed(`${what}: the answer has no text.`))
  );
}

function speech(answer: HttpAnswer): Finding {
  const what = 'It was to say "hi"';
  const { body } = answer;
  return (
    trouble(answer, what) ??
    (typeof body === "string" && body.length > LEAST_SPEECH ? passed('Said "hi".') : failed(`${what}: no sound came.`))
  );
}

function vector(answer: HttpAnswer): Finding {
  const what = "One word was to be embedded";
  const openAi = objectOf(listOf(objectOf(answer.body).data)[0]).embedding;
  const numbers = listOf(openAi ?? listOf(answer.body)[0]);
  const isVector = numbers.length > 0 && numbers.every((each) => Number.isFinite(each));
  return (
    trouble(answer, what) ??
    (isVector ? passed(`Embedded one word in ${numbers.length} dimensions.`) : failed(`${what}: no vector came.`))
  );
}

function ranking(answer: HttpAnswer): Finding {
  const what = "Two texts were to be ranked";
  const results = listOf(Array.isArray(answer.body) ? answer.body : objectOf(answer.body).results);
  const scored = results.filter((each) => {
    const { score, relevance_score } = objectOf(each);
    return Number.isFinite(relevance_score ?? score);
  });
  return (
    trouble(answer, what) ?? (scored.length === 2 ? passed("Ranked two texts.") : failed(`${what}: no scores came.`))
  );
}

function collections(answer: HttpAnswer): Finding {
  const what = "Its collections were to be listed";
  if (answer.status === 401 || answer.status === 403) return skipped("It wants an API key for its collections.");
  const list = objectOf(objectOf(answer.body).result).collections;
  return (
    trouble(answer, what) ??
    (Array.isArray(list) ? passed(`Listed ${list.length} collections.`) : failed(`${what}: no list came.`))
  );
}

/** No model is no failure: nothing is loaded. Only a 5xx means that it is wedged; a 4xx is an answer. */
async function chat(models: readonly string[], say: (model: string) => Promise<HttpAnswer>): Promise<Finding> {
  const [model] = models;
  if (model === undefined) return skipped("No model is loaded.");
  const answer = await say(model);
  if (answer.status === null || answer.status >= SERVER_ERROR)
    return trouble(answer, "A chat of one token was asked for") ?? failed("It gave no answer.");
  return passed(answer.status === 200 ? "Chatted one token." : `It answers; a chat is refused with ${answer.status}.`);
}

function anything(answer: HttpAnswer): Finding {
  if (answer.status !== null && answer.status < SERVER_ERROR) return passed(`It answers with status ${answer.status}.`);
  return trouble(answer, "It was asked") ?? failed("It gave no answer.");
}

function modelIds({ body }: HttpAnswer): string[] {
  return listOf(objectOf(body).data).flatMap((entry) => {
    const { id } = objectOf(entry);
    return typeof id === "string" ? [id] : [];
  });
}

function voiceOf({ body }: HttpAnswer): string {
  const [first] = listOf(objectOf(body).voices);
  const name = typeof first === "string" ? first : objectOf(first).id;
  return typeof name === "string" ? name : USUAL_VOICE;
}
