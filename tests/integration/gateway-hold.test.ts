/** Requests that wait for their model, on the simulated cluster: real swaps, real answers of the model that was wanted. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import OpenAI from "openai";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { opened } from "../support/raw-http.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(120_000);

const ONE = "gpt-oss-20b";
const OTHER = "qwen3-30b-a3b";
const SERVED: Readonly<Record<string, string>> = {
  [ONE]: "openai/gpt-oss-20b",
  [OTHER]: "Qwen/Qwen3-30B-A3B-Instruct-2507-FP8",
};

let demo: Demo;
afterEach(() => demo?.close());

const holding = (settings: string) => (yaml: string) => `${yaml}\nsettings: { gateway_routing: hold, ${settings} }\n`;
async function begin(settings = "gateway_dwell_seconds: 0", options: DemoOptions = {}): Promise<void> {
  demo = await startDemo({ topology: holding(settings), ...options });
}

const chat = (model: string, more: Record<string, unknown> = {}, init: RequestInit = {}) =>
  fetch(`${demo.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }], max_tokens: 4, ...more }),
    ...init,
    headers: { "content-type": "application/json", ...init.headers },
  });
const swaps = async () => ((await (await fetch(`${demo.url}/api/swap`)).json()) as { swaps: SwapJob[] }).swaps;
const errorOf = async (answer: Response) => ((await answer.json()) as { error: Record<string, unknown> }).error;
const held = (count: number) => until(`${count} are held`, () => demo.plane.gateway.line.length === count);
const modelOf = async (answer: Response) => [answer.status, ((await answer.json()) as { model?: string }).model];

describe("with hold", () => {
  test("nothing is loaded: the request waits, the model is loaded, and it answers", async () => {
    await begin();
    const answer = await chat(ONE, {}, { headers: { "user-agent": "crm/1.0" } });

    expect(await modelOf(answer)).toEqual([200, SERVED[ONE]]);
    expect(await swaps()).toMatchObject([{ state: "ready", model: ONE, requested_by: "gateway: crm" }]);
  });

  test("who it was begun for is on record at its start: address, program, key as a digest, and what it replaces", async () => {
    await begin();
    const audit = async () =>
      (
        (await (await fetch(`${demo.url}/api/audit?via=gateway`)).json()) as { entries: Record<string, unknown>[] }
      ).entries.toReversed();
    await (await chat(ONE, {}, { headers: { "user-agent": "crm/1.0 (nightly)" } })).text();
    const token = ((await (await demo.post("/api/swap/lock", { holder: "crm" })).json()) as { token: string }).token;
    await (
      await chat(OTHER, {}, { headers: { authorization: "Bearer hunter2-hunter2", "x-swap-lock-token": token } })
    ).text();
    await (await chat(OTHER)).text();

    const ids = (await swaps()).map(({ job_id }) => job_id).toReversed();
    const same = { via: "gateway", action: "startSwap", outcome: "done", address: "127.0.0.1", count: 1 };
    expect(await audit()).toMatchObject([
      {
        ...{ ...same, user_agent: "crm/1.0 (nightly)", holder: null },
        details: { model: ONE, slot: "main", job_id: ids[0] },
      },
      {
        ...{ ...same, holder: "crm" },
        details: {
          ...{ model: OTHER, slot: "main", job_id: ids[1], replaces: [ONE], with_token: true },
          caller: expect.stringMatching(/^key [0-9a-z]+$/),
        },
      },
    ]);
    expect(JSON.stringify(await audit())).not.toContain("hunter2");
    const all = await (await fetch(`${demo.url}/api/audit/export?format=ndjson`)).text();
    const actions = all.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as { action: string }]));
    // At its start, not with its end.
    const lines = actions.map(({ action }) => action).toReversed();
    expect(lines.indexOf("startSwap")).toBeLessThan(lines.indexOf("swap.ended"));
    expect(lines).toContain("swap.ended");
  });

  test("is listed with its wait as time in the queue, with the model that answered", async () => {
    await begin();
    const began = performance.now();
    await (await chat(ONE)).text();
    const tookMs = performance.now() - began;
    await chat("no-such-model");
    const [unknown, answered] = await demo.plane.activity.page({}, { limit: 2 });

    expect(answered).toMatchObject({ outcome: "complete", status: 200, model: SERVED[ONE], upstream: "slot:main" });
    expect(answered!.queue_ms).toBeGreaterThan(0);
    expect(answered!.queue_ms + answered!.duration_ms!).toBeLessThanOrEqual(tookMs + 1);
    expect(answered!.queue_ms).toBeGreaterThan(answered!.duration_ms!);
    expect(unknown).toMatchObject({ outcome: "refused", status: 404, model: "no-such-model", duration_ms: null });
  });

  test("a caller that streams and leaves while it is held is listed as one that left", async () => {
    await begin("gateway_dwell_seconds: 0", { speed: 5 });
    const abort = new AbortController();
    const answer = await chat(ONE, { stream: true }, { signal: abort.signal });
    await answer.body!.getReader().read();
    abort.abort();
    await until("it is listed", async () => (await demo.plane.activity.page({}, { limit: 1 })).length === 1);

    expect((await demo.plane.activity.page({}, { limit: 1 }))[0]).toMatchObject({
      outcome: "left",
      status: null,
      model: ONE,
      duration_ms: 0,
    });
  });

  test("fifty requests by fifty callers cost one swap, and the model that is unloaded meanwhile cuts nobody", async () => {
    await begin("gateway_dwell_seconds: 0", { speed: 60 });
    await demo.swap(ONE);
    const before = Array.from({ length: 20 }, () =>
      chat(ONE, { max_tokens: 4_000, min_tokens: 4_000, ignore_eos: true }),
    );
    await until("they run", () => demo.plane.gateway.inFlight("main") === 20);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => chat(OTHER, {}, { headers: { authorization: `Bearer key-${index}` } })),
    );

    for (const answer of before) expect(await modelOf(await answer)).toEqual([200, SERVED[ONE]]);
    for (const answer of answers) expect(await modelOf(answer)).toEqual([200, SERVED[OTHER]]);
    expect(await swaps()).toMatchObject([{ model: OTHER }, { model: ONE }]);
    expect(demo.plane.gateway.load().every(({ inFlight, queued }) => inFlight + queued === 0)).toBe(true);
  });

  test("the official client streams from a model that has to be loaded first, and sees no comment", async () => {
    await begin("gateway_dwell_seconds: 0", { speed: 20 });
    const client = new OpenAI({ baseURL: `${demo.url}/v1`, apiKey: "any", maxRetries: 0 });
    const stream = await client.chat.completions.create({
      model: ONE,
      stream: true,
      messages: [{ role: "user", content: "Hello" }],
      max_tokens: 5,
    });
    let text = "";
    for await (const part of stream) text += part.choices[0]?.delta.content ?? "";

    expect(text).not.toBe("");
  });

  test("a caller that streams is sent comments while it waits, then the events as they are", async () => {
    await begin("gateway_dwell_seconds: 0", { speed: 8 });
    const answer = await chat(ONE, { stream: true });
    const text = await answer.text();

    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
    expect(text).toStartWith(": waiting for the model\n\n");
    expect(text).toContain('data: {"id"');
    expect(text).toEndWith("data: [DONE]\n\n");
  });

  test("two models wanted by turns are both served, and no swap comes before the dwell time", async () => {
    const dwellSeconds = 4;
    await begin(`gateway_dwell_seconds: ${dwellSeconds}`);
    const asked = (model: string, count: number) =>
      Array.from({ length: count }, async () => {
        const said = [];
        for (let turn = 0; turn < 3; turn++) said.push(await modelOf(await chat(model)));
        return said;
      });
    const all = await Promise.all([...asked(ONE, 3), ...asked(OTHER, 3)]);

    for (const said of all.slice(0, 3)) expect(said).toEqual(Array(3).fill([200, SERVED[ONE]]));
    for (const said of all.slice(3)) expect(said).toEqual(Array(3).fill([200, SERVED[OTHER]]));
    const jobs = (await swaps()).reverse();
    const waits = jobs
      .slice(1)
      .map((job, index) => Date.parse(job.created_at) - Date.parse(jobs[index]?.ended_at ?? ""));
    expect(jobs.length).toBeGreaterThanOrEqual(2);
    expect(jobs.length).toBeLessThanOrEqual(6);
    // Times are told in whole milliseconds.
    expect(waits.every((wait) => wait >= dwellSeconds * 1000 - 1)).toBe(true);
  });

  test("a reservation forbids it: 423 at once with who holds it; with the token it goes, and the token stays here", async () => {
    await begin();
    const lock = (await (await demo.post("/api/swap/lock", { holder: "nightly" })).json()) as { token: string };
    const refused = await chat(ONE);

    expect([refused.status, refused.headers.get("x-should-retry")]).toEqual([423, "false"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(800);
    expect(await errorOf(refused)).toMatchObject({
      code: "reserved",
      failed_by: "controller",
      lock: { holder: "nightly" },
    });
    expect(await swaps()).toEqual([]);
    expect(await modelOf(await chat(ONE, {}, { headers: { "x-swap-lock-token": lock.token } }))).toEqual([
      200,
      SERVED[ONE],
    ]);
  });

  test.each([
    ["a page of another address", { origin: "https://evil.example" }],
    ["a page without an origin", { origin: "null" }],
    ["a browser that says so", { "sec-fetch-site": "cross-site" }],
    ["a page that a link came from", { referer: "https://evil.example/x" }],
  ])("%s begins no swap: 404, as with refuse", async (_, headers) => {
    await begin();
    const answer = await chat(ONE, {}, { headers: headers as Record<string, string> });

    expect([answer.status, (await errorOf(answer)).code]).toEqual([404, "model_not_loaded"]);
    expect(await swaps()).toEqual([]);
    expect(demo.plane.gateway.line.length).toBe(0);
  });

  test("the page of the dashboard itself may", async () => {
    await begin();

    expect((await chat(ONE, {}, { headers: { origin: demo.url } })).status).toBe(200);
  });

  test("a model that the catalog does not know is refused at once", async () => {
    await begin();

    expect((await chat("nobody/knows-it")).status).toBe(404);
  });

  test("the swap fails: 503 with the reason, not to be asked again; the next request does not load it once more", async () => {
    await begin();
    demo.cluster.inject({ kind: "out_of_memory" });
    const answer = await chat(ONE);
    const error = await errorOf(answer);

    expect([answer.status, answer.headers.get("x-should-retry"), error.code]).toEqual([
      503,
      "false",
      "model_load_failed",
    ]);
    const [job] = await swaps();
    expect(error.message).toContain(job!.reason);
    expect(error.job_id).toBe(job!.job_id);
    expect((await chat(ONE)).status).toBe(503);
    expect(await swaps()).toHaveLength(1);
  });

  test("a swap that is cancelled is told to those who waited for it", async () => {
    await begin("gateway_dwell_seconds: 0", { speed: 20 });
    const asked = chat(ONE);
    // It may be held before it is known what runs in the slot, and begins nothing until then.
    await until("its swap has begun", async () => (await swaps()).length === 1);
    const [job] = await swaps();
    await fetch(`${demo.url}/api/swap/${job!.job_id}`, { method: "DELETE" });
    const answer = await asked;

    expect([answer.status, (await errorOf(answer)).code]).toEqual([503, "model_load_failed"]);
  });

  test("the wait is over: 503 with Retry-After, and the swap goes on", async () => {
    await begin("gateway_dwell_seconds: 0, gateway_hold_seconds: 1", { speed: 10 });
    const answer = await chat(ONE);

    expect([answer.status, (await errorOf(answer)).code]).toEqual([503, "hold_timeout"]);
    expect(answer.headers.get("retry-after")).toBe("60");
    expect((await swaps())[0]?.ended_at).toBeNull();
  });

  test("a caller that leaves frees its place; when nobody waits any more, nothing is loaded", async () => {
    await begin("gateway_dwell_seconds: 2");
    await demo.swap(ONE);
    const leaves = new AbortController();
    const asked = [
      chat(OTHER, {}, { signal: leaves.signal }),
      chat(OTHER, { stream: true }, { signal: leaves.signal }),
    ].map((one) => one.catch(() => null));
    await held(2);
    leaves.abort();
    await Promise.all(asked);
    await held(0);
    // Served for the dwell time, and asked again: it still is the one that is loaded.
    await until("the dwell time is over", async () => {
      const [job] = await swaps();
      return Date.now() - Date.parse(job!.ended_at!) > 2_500;
    });

    expect((await swaps()).map(({ model }) => model)).toEqual([ONE]);
  });

  test("what is refused while its long body still comes is told at once, and the rest is not waited for", async () => {
    await begin("gateway_dwell_seconds: 0, gateway_chat_queue: 1", { speed: 10 });
    const leaves = new AbortController();
    const first = chat(ONE, {}, { signal: leaves.signal }).catch(() => null);
    await held(1);
    const socket = await opened(Number(new URL(demo.url).port));
    let said = "";
    socket.on("data", (data) => {
      said += data.toString();
    });
    socket.write("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
    socket.write(`{"model":"${ONE}","messages":[{"role":"user","content":"`);
    await until("it is answered", () => said.includes("queue_full"));
    socket.destroy();
    leaves.abort();
    await first;

    expect(said).toStartWith("HTTP/1.1 503");
  });

  test("a large body passes as it was written, after the wait", async () => {
    await begin();
    const content = "é ".repeat(300_000);
    const answer = await chat(ONE, { messages: [{ role: "user", content }] });

    // The simulated vLLM counts what it was sent: too long for its context, in its own words.
    expect(answer.status).toBe(400);
    expect((await errorOf(answer)).message).toContain("maximum context length");
  });
});

test("without hold a request begins nothing", async () => {
  demo = await startDemo();
  const answer = await chat(ONE);

  expect([answer.status, (await errorOf(answer)).code]).toEqual([404, "model_not_loaded"]);
  expect(await swaps()).toEqual([]);
});
