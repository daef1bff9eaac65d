/** What is listed and counted of requests through the gateway of a simulated cluster, and that no word of theirs is kept. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { ActivityPage, RequestEntry } from "../../lib/activity/activity.ts";
import type { SparkEvent } from "../../lib/events/event.ts";
import { silentWav } from "../../lib/silent-wav.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

const KEY = "qwen3-30b-a3b";
const MARKER = "xylophone-marker-4711";
const API_KEY = "sk-secret-api-key-4711";
const CHAT = "/v1/chat/completions";
const SWAP_LIMIT_MS = 60_000;
const logged: string[] = [];
const events: SparkEvent[] = [];
let demo: Demo;
let served: string;

beforeAll(async () => {
  // One at a time for audio, and nobody waits: the second is refused.
  const busy = "settings:\n  gateway_audio_in_flight: 1\n  gateway_audio_queue: 0\n";
  demo = await startDemo({ speed: 100, logged: (line) => logged.push(line), topology: (yaml) => yaml + busy });
  demo.plane.events.subscribe((event) => events.push(event));
  const { models } = (await (await fetch(`${demo.url}/api/models`)).json()) as {
    models: { key: string; served_name: string }[];
  };
  served = models.find(({ key }) => key === KEY)!.served_name;
});
afterAll(() => demo.close());

const listed = async (query = "") => (await (await fetch(`${demo.url}/api/activity${query}`)).json()) as ActivityPage;
/** The newest entry, once there is one that fits. */
async function newest(fits: (entry: RequestEntry) => boolean): Promise<RequestEntry> {
  let found: RequestEntry | undefined;
  await until("it is listed", async () => {
    found = (await listed()).entries.find(fits);
    return found !== undefined;
  });
  return found!;
}
const ask = (path: string, body: unknown, more: RequestInit = {}) =>
  fetch(demo.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify(body),
    ...more,
  });
const chat = (more: Record<string, unknown> = {}) => ({
  model: served,
  messages: [{ role: "user", content: `Tell me about ${MARKER}.` }],
  ...more,
});

describe("before a model is loaded", () => {
  test("a chat that is refused is listed with the code that the client got", async () => {
    expect((await ask(CHAT, chat({ model: KEY }))).status).toBe(404);

    expect(await newest(({ route }) => route === CHAT)).toMatchObject({
      outcome: "refused",
      status: 404,
      code: "model_not_loaded",
      model: KEY,
      upstream: null,
      ttft_ms: null,
      duration_ms: null,
      tokens_out: null,
      count: 1,
    });
  });
});

describe("with a model loaded", () => {
  beforeAll(async () => {
    expect((await demo.swap(KEY)).state).toBe("ready");
  }, SWAP_LIMIT_MS);

  test("a chat is listed with its figures, as the client saw them", async () => {
    const body = JSON.stringify(chat({ model: KEY }));
    const answer = await fetch(demo.url + CHAT, { method: "POST", body });
    const text = await answer.text();
    const { usage } = JSON.parse(text) as { usage: { prompt_tokens: number; completion_tokens: number } };

    const entry = await newest(({ outcome }) => outcome === "complete");

    expect(entry).toMatchObject({
      route: CHAT,
      upstream: "slot:main",
      model: served,
      caller: "127.0.0.1",
      status: 200,
      code: null,
      queue_ms: 0,
      bytes_out: Buffer.byteLength(text),
      tokens_in: usage.prompt_tokens,
      tokens_out: usage.completion_tokens,
    });
    expect(usage.completion_tokens).toBeGreaterThan(0);
    expect(entry.bytes_in).toBeGreaterThan(body.length - KEY.length);
    expect(entry.ttft_ms).toBeGreaterThan(0);
    expect(entry.duration_ms).toBeGreaterThanOrEqual(entry.ttft_ms!);
  });

  test("a streamed chat is listed at its end, with the tokens that it tells", async () => {
    const answer = await ask(CHAT, chat({ stream: true, stream_options: { include_usage: true }, min_tokens: 50 }));
    const text = await answer.text();
    const told = Number(/"completion_tokens":(\d+)/.exec(text)![1]);

    const entry = await newest(({ caller, outcome }) => caller.startsWith("key ") && outcome === "complete");

    expect(entry).toMatchObject({ status: 200, tokens_out: told, bytes_out: Buffer.byteLength(text) });
    expect(told).toBeGreaterThanOrEqual(50);
    // The first token came long before the last.
    expect(entry.duration_ms! - entry.ttft_ms!).toBeGreaterThan(20);
  });

  test("one that tells no usage has no tokens", async () => {
    await (await ask(CHAT, chat({ stream: true, max_tokens: 7 }))).text();
    const { id } = (await listed("?limit=1")).entries[0]!;

    expect((await listed(`?after=${id - 1}`)).entries[0]).toMatchObject({ tokens_in: null, tokens_out: null });
  });

  test("a client that leaves in mid-stream is told apart", async () => {
    const abort = new AbortController();
    const answer = await ask(CHAT, chat({ stream: true, min_tokens: 4000, max_tokens: 4000 }), {
      signal: abort.signal,
    });
    await answer.body!.getReader().read();
    abort.abort();

    expect(await newest(({ outcome }) => outcome === "left")).toMatchObject({ status: 200, code: null, model: served });
  });

  test("speech, a transcription, embeddings and reranking name their service", async () => {
    await (await ask("/v1/audio/speech", { model: "kokoro", input: MARKER, voice: "af_heart" })).arrayBuffer();
    const form = new FormData();
    form.set("file", new File([silentWav(1, 24_000)], `${MARKER}.wav`, { type: "audio/wav" }));
    await (await fetch(`${demo.url}/v1/audio/transcriptions`, { method: "POST", body: form })).text();
    await (await ask("/v1/embeddings", { model: "bge-m3", input: [MARKER] })).text();
    await (await ask("/v1/rerank", { query: MARKER, documents: [MARKER] })).text();

    const { entries } = await listed("?limit=4");

    expect(entries.map(({ route, upstream, status, outcome }) => [route, upstream, status, outcome])).toEqual([
      ["/v1/rerank", "service:reranker", 200, "complete"],
      ["/v1/embeddings", "service:embeddings", 200, "complete"],
      ["/v1/audio/transcriptions", "service:parakeet", 200, "complete"],
      ["/v1/audio/speech", "service:kokoro", 200, "complete"],
    ]);
    expect(entries[1]!.tokens_in).toBeGreaterThan(0);
    expect(entries[3]!.bytes_out).toBeGreaterThan(1_000);
  });

  test("one that finds the queue full is listed as refused with 503, once for a flood", async () => {
    const speak = () => ask("/v1/audio/speech", { model: "kokoro", input: "x ".repeat(500), voice: "af_heart" });
    const all = await Promise.all(Array.from({ length: 20 }, speak));
    await Promise.all(all.map((answer) => answer.arrayBuffer()));
    const refused = all.filter(({ status }) => status === 503).length;

    const found = await listed("?outcome=refused&route=/v1/audio/speech");

    expect(refused).toBeGreaterThan(0);
    expect(found.entries.reduce((sum, { count }) => sum + count, 0)).toBe(refused);
    expect(found.entries[0]).toMatchObject({ status: 503, code: "queue_full", upstream: "service:kokoro" });
  });

  test("an upstream that cannot be reached is a failure, and counted as one", async () => {
    for (const { name } of demo.cluster.nodes) demo.cluster.inject({ kind: "unreachable", how: "reset", node: name });
    const answer = await ask(CHAT, chat());
    const { error } = (await answer.json()) as { error: { code: string } };
    demo.cluster.clear();

    expect([answer.status, await newest(({ outcome }) => outcome === "failed")]).toMatchObject([
      502,
      { status: 502, code: error.code, upstream: "slot:main", ttft_ms: null },
    ]);
    const figures = await (await fetch(`${demo.url}/metrics`)).text();
    expect(figures).toContain(`spark_gateway_upstream_errors_total{upstream="slot:main",code="${error.code}"} 1`);
  });
});

describe("how it is told", () => {
  test("page by page, filtered by the server", async () => {
    const whole = (await listed("?limit=500")).entries;
    const first = await listed("?limit=3");
    const second = await listed(`?limit=3&before=${first.next}`);

    expect([...first.entries, ...second.entries]).toEqual(whole.slice(0, 6));
    expect((await listed("?q=kokoro")).entries).toEqual(whole.filter(({ model }) => model === "kokoro"));
    expect((await listed(`?model=${served}&outcome=left`)).entries.length).toBe(1);
    expect((await fetch(`${demo.url}/api/activity?from=yesterday`)).status).toBe(422);
    expect((await fetch(`${demo.url}/api/activity?outcome=odd`)).status).toBe(422);
  });

  test("live: an event when there is something new, with its number", async () => {
    const { entries } = await listed("?limit=1");
    const abort = new AbortController();
    const stream = await fetch(`${demo.url}/api/events`, { signal: abort.signal });
    const reader = stream.body!.pipeThrough(new TextDecoderStream() as never).getReader();
    let text = "";
    await reader.read();
    await (await ask(CHAT, chat({ max_tokens: 3 }))).text();
    while (!/event: activity\n/.test(text)) text += ((await reader.read()) as { value: string }).value;
    abort.abort();

    const [, lastId] = /event: activity\ndata: \{"last_id":(\d+)\}/.exec(text)!;
    expect(Number(lastId)).toBe(entries[0]!.id + 1);
    expect((await listed(`?after=${entries[0]!.id}`)).entries.map(({ id }) => id)).toEqual([Number(lastId)]);
  });

  test("for Prometheus: first token, tokens, queue, swaps and their phases, the reservation, SSH", async () => {
    const { token } = (await (await demo.post("/api/swap/lock", { holder: "nightly", ttl_seconds: 60 })).json()) as {
      token: string;
    };
    const text = await (await fetch(`${demo.url}/metrics`)).text();
    await fetch(`${demo.url}/api/swap/lock`, { method: "DELETE", headers: { "x-swap-lock-token": token } });
    const value = (series: string) =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(series))
          ?.split(" ")
          .at(-1),
      );

    expect(
      value(`spark_gateway_time_to_first_token_seconds_count{upstream="slot:main",route="${CHAT}"}`),
    ).toBeGreaterThan(2);
    expect(value(`spark_gateway_tokens_total{upstream="slot:main",route="${CHAT}",direction="out"}`)).toBeGreaterThan(
      50,
    );
    expect(value(`spark_gateway_refused_total{route="${CHAT}",code="model_not_loaded"}`)).toBe(1);
    expect(value('spark_swaps_total{outcome="ready"}')).toBe(1);
    expect(value('spark_swap_phase_duration_seconds_count{phase="stopping"}')).toBe(1);
    expect(value('spark_ssh_commands_total{host="')).toBeGreaterThan(0);
    expect(value("spark_ssh_command_duration_seconds_count")).toBeGreaterThan(0);
    expect(value("spark_lock_held")).toBe(1);
    expect(value("spark_lock_expiry_timestamp_seconds")).toBeGreaterThan(Date.now() / 1000);
  });

  test("no prompt, no text that was spoken, no name of a file and no key is anywhere", async () => {
    const figures = await (await fetch(`${demo.url}/metrics`)).text();
    demo.plane.activity.flush();
    const everything = [
      figures,
      JSON.stringify(await listed("?limit=500")),
      JSON.stringify(events),
      logged.join("\n"),
      ...["facts.db", "telemetry.db"].map((name) => contentOf(join(demo.dataDir, name))),
    ];

    for (const secret of [MARKER, API_KEY]) for (const text of everything) expect(text).not.toContain(secret);
    // It looked at the right places.
    expect(everything[1]).toContain(served);
    expect(everything.at(-1)).toContain(CHAT);
    expect(everything[2]).toContain("activity.written");
    expect(logged.length).toBeGreaterThan(0);
  });
});

test("what was listed is there after a restart", async () => {
  const before = (await listed("?limit=500")).entries;
  await demo.restart();

  expect((await listed("?limit=500")).entries).toEqual(before);
});

/** Every value of every table. */
function contentOf(path: string): string {
  const db = new Database(path, { readonly: true });
  try {
    const tables = db.query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    return JSON.stringify(tables.map(({ name }) => db.query(`SELECT * FROM "${name}"`).all()));
  } finally {
    db.close();
  }
}
