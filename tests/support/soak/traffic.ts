/** Mixed traffic of clients that behave, leave and send too much, each request judged by what it must be answered. */

export interface Tally {
  /** Requests by what they were and how they ended. */
  readonly counts: Map<string, number>;
  /** What must not be. */
  readonly wrong: string[];
}

interface Means {
  readonly url: string;
  readonly next: () => number;
  readonly tally: Tally;
}

export const MODELS = ["gpt-oss-20b", "qwen3-30b-a3b"] as const;
const MOST_WRONG = 20;
const AUDIO_BYTES = 300_000;

const chatBody = (model: string, more: object) =>
  JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }], max_tokens: 30, min_tokens: 30, ...more });

function post({ url }: Means, path: string, body: BodyInit, signal?: AbortSignal): Promise<Response> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${path}` };
  return fetch(url + path, { method: "POST", headers, body, ...(signal ? { signal } : {}) });
}

type Kind = (means: Means) => Promise<string>;

/** @returns how it ended; throws when that is wrong */
const KINDS: Readonly<Record<string, Kind>> = {
  async stream(means) {
    const model = MODELS[Math.floor(means.next() * MODELS.length)]!;
    const answer = await post(means, "/v1/chat/completions", chatBody(model, { stream: true }));
    const text = await answer.text();
    if (answer.status !== 200 || !text.endsWith("data: [DONE]\n\n"))
      throw new Error(`${answer.status} ${text.slice(-300)}`);
    return "200";
  },
  async whole(means) {
    const model = MODELS[Math.floor(means.next() * MODELS.length)]!;
    const answer = await post(means, "/v1/chat/completions", chatBody(model, {}));
    const text = await answer.text();
    if (answer.status !== 200 || !text.includes('"completion_tokens":30')) throw new Error(`${answer.status} ${text}`);
    return "200";
  },
  async abandoned(means) {
    const leaves = new AbortController();
    const asked = post(
      means,
      "/v1/chat/completions",
      chatBody(MODELS[0], { stream: true, max_tokens: 4_000, min_tokens: 4_000 }),
      leaves.signal,
    );
    const timer = setTimeout(() => leaves.abort(), 5 + means.next() * 200);
    try {
      for await (const _ of (await asked).body ?? []) if (means.next() < 0.05) leaves.abort();
      return "ended";
    } catch (error) {
      if (leaves.signal.aborted) return "left";
      throw error;
    } finally {
      clearTimeout(timer);
    }
  },
  async "broken upload"(means) {
    const leaves = new AbortController();
    let sent = 0;
    const body = new ReadableStream({
      async pull(controller) {
        await Bun.sleep(2);
        if (sent++ > 20) leaves.abort();
        controller.enqueue(new Uint8Array(20_000));
      },
    });
    try {
      const headers = { "content-type": "multipart/form-data; boundary=x" };
      const init = { method: "POST", body, headers, signal: leaves.signal };
      await (await fetch(`${means.url}/v1/audio/transcriptions`, init)).text();
      return "ended";
    } catch (error) {
      if (leaves.signal.aborted) return "left";
      throw error;
    }
  },
  async transcription(means) {
    const form = new FormData();
    form.append("file", new File([new Uint8Array(AUDIO_BYTES)], "a.wav"));
    form.append("model", "parakeet");
    const answer = await fetch(`${means.url}/v1/audio/transcriptions`, { method: "POST", body: form });
    await answer.text();
    // Two at a time: under this load the queue may be full.
    if (![200, 503].includes(answer.status)) throw new Error(String(answer.status));
    return String(answer.status);
  },
  async speech(means) {
    const answer = await post(means, "/v1/audio/speech", '{"model":"kokoro","input":"hi","voice":"af_heart"}');
    const { byteLength } = await answer.arrayBuffer();
    if (![200, 503].includes(answer.status) || byteLength === 0) throw new Error(`${answer.status} ${byteLength}`);
    return String(answer.status);
  },
  async embeddings(means) {
    const answer = await post(means, "/v1/embeddings", '{"model":"bge-m3","input":["a","b"]}');
    const text = await answer.text();
    // The service comes and goes.
    if (answer.status !== 200 && answer.status !== 502) throw new Error(`${answer.status} ${text}`);
    return String(answer.status);
  },
  async rerank(means) {
    const answer = await post(means, "/v1/rerank", '{"query":"hello","documents":["hello there","nothing"],"top_n":1}');
    const text = await answer.text();
    if (answer.status !== 200 || !text.includes('"index":0')) throw new Error(`${answer.status} ${text}`);
    return "200";
  },
  async unknown(means) {
    const answer = await post(means, "/v1/chat/completions", chatBody("nobody/knows-it", {}));
    await answer.text();
    if (answer.status !== 404) throw new Error(String(answer.status));
    return "404";
  },
};
const NAMES = Object.keys(KINDS);

/** One client: a request, a short pause, the next one. */
export async function client(means: Means, until: number): Promise<void> {
  const { tally, next } = means;
  while (Date.now() < until) {
    const name = NAMES[Math.floor(next() * NAMES.length)]!;
    try {
      const how = `${name} ${await KINDS[name]!(means)}`;
      tally.counts.set(how, (tally.counts.get(how) ?? 0) + 1);
    } catch (error) {
      if (tally.wrong.length < MOST_WRONG)
        tally.wrong.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
    await Bun.sleep(next() * 20);
  }
}
