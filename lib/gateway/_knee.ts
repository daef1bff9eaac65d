/**
 * `bun run knee URL [--kind chat] [--model NAME] [--most 128] [--seconds 10] [--tokens 64]`: loads a service with more and more
 * requests at a time and recommends a limit for topology.yaml. URL is the service itself, not the gateway, such as
 * http://10.77.0.11:8888. It makes the service busy: not while others need it.
 */
import { parseArgs } from "node:util";
import { silentWav } from "../silent-wav.ts";
import { kneeOf, type Level, levels, measure } from "./knee.ts";

const USAGE =
  "usage: bun run knee URL [--kind chat|embeddings|rerank|speech|transcription] [--model NAME] [--most 128] [--seconds 10] [--tokens 64]";
const SETTING: Readonly<Record<string, string>> = {
  chat: "gateway_chat_in_flight",
  embeddings: "gateway_text_in_flight",
  rerank: "gateway_text_in_flight",
  speech: "gateway_audio_in_flight",
  transcription: "gateway_audio_in_flight",
};

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    kind: { type: "string", default: "chat" },
    model: { type: "string" },
    most: { type: "string", default: "128" },
    seconds: { type: "string", default: "10" },
    tokens: { type: "string", default: "64" },
  },
});
const url = URL.parse(positionals[0] ?? "");
const setting = SETTING[values.kind];
const [most, seconds, tokens] = [Number(values.most), Number(values.seconds), Number(values.tokens)];
if (!url || !setting || !(most >= 1) || !(seconds > 0) || !(tokens >= 1)) {
  console.error(USAGE);
  process.exit(2);
}
const base = url.href.replace(/\/(v1\/?)?$/, "");

function giveUp(error: unknown): never {
  console.error(`${base} cannot be measured: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

async function firstModel(): Promise<string> {
  const answer = await fetch(`${base}/v1/models`);
  if (!answer.ok) throw new Error(`/v1/models answers with status ${answer.status}`);
  return ((await answer.json()) as { data?: { id?: string }[] }).data?.[0]?.id ?? "";
}

/** Ten seconds: about a sentence. */
const WAV_SECONDS = 10;
const WAV_SAMPLE_RATE = 16_000;

function request(model: string): { path: string; body: object } {
  if (values.kind === "transcription") {
    const form = new FormData();
    form.set("file", new Blob([silentWav(WAV_SECONDS, WAV_SAMPLE_RATE)], { type: "audio/wav" }), "silence.wav");
    if (model !== "") form.set("model", model);
    return { path: "/v1/audio/transcriptions", body: form };
  }
  if (values.kind === "rerank") {
    const texts = Array.from({ length: 16 }, (_, at) => `So many at a time: ${at}.`);
    // TEI wants `texts`, Infinity and vLLM `documents`.
    return { path: "/rerank", body: { model, query: "How many at a time?", texts, documents: texts } };
  }
  if (values.kind === "embeddings") return { path: "/v1/embeddings", body: { model, input: ["How many at a time?"] } };
  if (values.kind === "speech")
    return { path: "/v1/audio/speech", body: { model, input: "How many at a time?", voice: "af_heart" } };
  const messages = [{ role: "user", content: "How many at a time?" }];
  return { path: "/v1/chat/completions", body: { model, messages, max_tokens: tokens, ignore_eos: true } };
}

// Services of one model need not be told which, and not all of them list it.
const unlisted = values.kind === "chat" ? giveUp : () => "";
const { path, body } = request(values.model ?? (await firstModel().catch(unlisted)));
const json = { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
const ask = async () => {
  const answer = await fetch(base + path, { method: "POST", ...(body instanceof FormData ? { body } : json) });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`status ${answer.status}`);
};

const measured: Level[] = [];
await ask().catch(giveUp);
console.log("at a time   requests/s   median ms   failed");
for (const concurrency of levels(most)) {
  const level = await measure(ask, concurrency, seconds * 1000);
  measured.push(level);
  const columns = [
    level.perSecond.toFixed(2).padStart(13),
    level.latencyMs.toFixed(0).padStart(12),
    String(level.failed).padStart(9),
  ];
  console.log(String(concurrency).padStart(9) + columns.join(""));
  if (level.failed > 0) break;
}
const { limit, isReached } = kneeOf(measured);
console.log(`\nThe knee is at ${limit} at a time: beyond it requests wait for each other more than they gain.`);
if (!isReached) console.log(`It may lie higher: ask again with --most ${most * 2}.`);
console.log(`topology.yaml:\nsettings:\n  ${setting}: ${limit}`);
