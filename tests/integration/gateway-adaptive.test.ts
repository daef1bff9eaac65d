/** `gateway_limit: adaptive` through the whole gateway: what an upstream does to its answers changes how many it gets at a time. */
import { afterEach, expect, test } from "bun:test";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type GatewayApp, MODEL, startGatewayApp } from "../support/gateway-app.ts";
import { until } from "../support/until.ts";

let app: GatewayApp | null = null;
let upstream: Server | null = null;
afterEach(async () => {
  await app?.close();
  upstream?.closeAllConnections();
  upstream?.close();
  app = upstream = null;
});

/** Places at first, and the most that are configured. */
const MOST = 8;
type Answer = (response: ServerResponse, here: number, request: IncomingMessage) => void;
const atOnce: Answer = (response) => void response.end("{}");
/** One after the other: more at a time only wait. */
const byTurns: Answer = (response, here) => void setTimeout(() => response.end("{}"), 15 * here);
const breaksOff: Answer = (_, __, request) => void request.socket.destroy();

async function atATime(isAdaptive: boolean, answers: Answer): Promise<number> {
  let answer = atOnce;
  let here = 0;
  const server = createServer((request, response) => {
    here++;
    response.once("close", () => here--);
    request.resume().once("end", () => answer(response, here, request));
  });
  upstream = server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const limits = { chat: { inFlight: MOST, queue: 1_000, waitMs: 60_000, isAdaptive } };
  app = await startGatewayApp({ upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, limits });
  const { url, gateway } = app;
  const leaves = new AbortController();
  const body = JSON.stringify({ model: MODEL });
  const ask = () => fetch(`${url}/v1/chat/completions`, { method: "POST", body, signal: leaves.signal });
  const askAll = (count: number) => Promise.all(Array.from({ length: count }, async () => (await ask()).text()));
  for (let count = 0; count < 20; count++) await askAll(1);
  answer = answers;
  await askAll(80);
  answer = () => undefined;
  const held = Array.from({ length: 20 }, () => ask().catch(() => null));
  await until("all of them have come", () => {
    const [load] = gateway.load();
    return load !== undefined && load.inFlight + load.queued === 20 && load.inFlight === here;
  });
  const most = here;
  leaves.abort();
  await Promise.all(held);
  return most;
}

/** Without a length: only what has come tells that it is too much. */
function inChunks(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(64 << 10));
      left -= 64 << 10;
      if (left <= 0) controller.close();
    },
  });
}

test.each([
  ["by turns", byTurns],
  ["by breaking off", breaksOff],
])("an upstream that answers %s gets fewer at a time than are configured", async (_, answers) => {
  expect(await atATime(true, answers)).toBeLessThan(MOST);
});

test("uploads that are too large say nothing of the upstream: it gets as many at a time as before", async () => {
  let [here, most] = [0, 0];
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      most = Math.max(most, ++here);
      setTimeout(() => {
        here--;
        response.end("{}");
      }, 100);
    });
  });
  upstream = server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const audio = { inFlight: MOST, queue: 1_000, waitMs: 60_000, isAdaptive: true };
  app = await startGatewayApp({
    upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    limits: { audio },
  });
  const speech = `${app.url}/v1/audio/speech`;
  const say = async (body: BodyInit) => (await fetch(speech, { method: "POST", body })).status;

  for (let count = 0; count < 15; count++) expect(await say(inChunks(3 << 20))).toBe(413);
  await Promise.all(Array.from({ length: 2 * MOST }, () => say("{}")));

  expect(most).toBe(MOST);
});

/** Tells how many are at it at a time. What asks for `nothing` is refused, without taking any time. */
async function counting(answer: string) {
  const seen = { here: 0, most: 0 };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.once("end", () => {
      if (body.includes("nothing")) return response.writeHead(422).end("{}");
      seen.most = Math.max(seen.most, ++seen.here);
      setTimeout(() => {
        seen.here--;
        response.end(answer);
      }, 50);
    });
  });
  upstream = server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const limit = { inFlight: 2 * MOST, queue: 1_000, waitMs: 60_000, isAdaptive: true };
  app = await startGatewayApp({
    upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    limits: { audio: limit, text: limit },
  });
  return seen;
}

/** In two halves, the second one so much later. */
function sentSlowly(afterMs: number): ReadableStream<Uint8Array> {
  const half = new TextEncoder().encode(JSON.stringify({ input: "x".repeat(40 << 10) }));
  let left = 2;
  return new ReadableStream(
    {
      async pull(controller) {
        if (left-- === 0) return controller.close();
        if (left === 0) await Bun.sleep(afterMs);
        controller.enqueue(half);
      },
    },
    { highWaterMark: 0 },
  );
}

test("what clients take to send says nothing of the upstream: it gets as many at a time as before", async () => {
  const seen = await counting("{}");
  const say = async (body: BodyInit) =>
    (await fetch(`${app?.url}/v1/audio/speech`, { method: "POST", body })).arrayBuffer();
  const sayAll = (count: number, afterMs: number) =>
    Promise.all(Array.from({ length: count }, () => say(sentSlowly(afterMs))));

  // The limit grows to what is configured, and its early look at the baseline is over.
  for (let round = 0; round < 10; round++) await sayAll(4 * MOST, 0);
  for (let round = 0; round < 12; round++) await sayAll(2 * MOST, 200);
  seen.most = 0;
  await Promise.all(Array.from({ length: 2 * MOST }, () => say("{}")));

  expect(seen.most).toBeGreaterThan(MOST);
}, 60_000);

test("a reranker that answers in time gets as many at a time as are configured, not what it begins with", async () => {
  const seen = await counting('[{"index":0,"score":1}]');
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ query: "q", documents: ["a"] });
  const ask = async () => (await fetch(`${app?.url}/v1/rerank`, { method: "POST", headers, body })).status;
  const askAll = (count: number) => Promise.all(Array.from({ length: count }, ask));

  await until("the limit has grown", async () => {
    seen.most = 0;
    expect(new Set(await askAll(5 * MOST))).toEqual(new Set([200]));
    return seen.most === 2 * MOST;
  });
}, 60_000);

test.each([
  ["/v1/audio/speech", (input: string) => ({ input })],
  ["/v1/rerank", (query: string) => ({ query, documents: ["a"] })],
])(
  "what it refuses takes no time, and makes what it answers no slower: %s",
  async (path, bodyOf) => {
    const seen = await counting('[{"index":0,"score":1}]');
    const headers = { "content-type": "application/json" };
    const ask = async (about: string) =>
      (await fetch(app?.url + path, { method: "POST", headers, body: JSON.stringify(bodyOf(about)) })).status;
    const askAll = (count: number, about: string) => Promise.all(Array.from({ length: count }, () => ask(about)));

    for (let round = 0; round < 10; round++) await askAll(5 * MOST, "something");
    for (let round = 0; round < 5; round++) expect(new Set(await askAll(MOST, "nothing"))).toEqual(new Set([422]));
    for (let round = 0; round < 5; round++) await askAll(2 * MOST, "something");
    seen.most = 0;
    await askAll(2 * MOST, "something");

    expect(seen.most).toBeGreaterThan(MOST);
  },
  60_000,
);

test("where the limit is fixed it gets as many as are configured, however it answers", async () => {
  expect(await atATime(false, byTurns)).toBe(MOST);
});
