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

test("where the limit is fixed it gets as many as are configured, however it answers", async () => {
  expect(await atATime(false, byTurns)).toBe(MOST);
});
