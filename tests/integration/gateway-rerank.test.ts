/** Questions to a reranker that get no scores: whose doing that is, and who hears of it. */
import { afterEach, expect, test } from "bun:test";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hasUpstreamFailed } from "../../lib/fault.ts";
import { type GatewayApp, startGatewayApp } from "../support/gateway-app.ts";
import { until } from "../support/until.ts";

let app: GatewayApp;
let reranker: Server;
afterEach(async () => {
  reranker.closeAllConnections();
  reranker.close();
  await app.close();
});

async function begin(answer: (response: ServerResponse) => void): Promise<void> {
  reranker = createServer((request, response) => {
    request.resume().once("end", () => answer(response));
  });
  await new Promise<void>((resolve) => reranker.listen(0, "127.0.0.1", () => resolve()));
  app = await startGatewayApp({ upstream: `http://127.0.0.1:${(reranker.address() as AddressInfo).port}` });
}

const ask = (signal: AbortSignal | null = null) =>
  fetch(`${app.url}/v1/rerank`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "q", documents: ["a"] }),
    signal,
  });
const failures = () => app.logged.filter((line) => line.includes("request failed"));

test("a client that leaves is nobody's failure, and no line in the log", async () => {
  let isAsked = false;
  await begin(() => {
    isAsked = true;
  });
  const leaves = new AbortController();
  const asked = ask(leaves.signal).catch(() => null);
  await until("it is asked", () => isAsked);
  leaves.abort();
  await asked;
  await until("it is over", () => app.ended.length === 1 && app.gateway.load().every(({ inFlight }) => inFlight === 0));
  // Whoever asks next is answered after whatever there was to log.
  await (await fetch(`${app.url}/health`)).text();

  expect([app.ended[0]?.outcome, failures()]).toEqual(["left", []]);
});

test.each([400, 413, 422, 429])("what it refuses with %i is told, and no failure of its", async (status) => {
  await begin((response) => response.writeHead(status).end('{"error":"no more than 512 tokens"}'));
  const answer = await ask();
  const { error } = (await answer.json()) as { error: { code: string; message: string } };

  expect([answer.status, error.code, error.message.includes("512 tokens")]).toEqual([422, "upstream_refused", true]);
  expect(app.ended).toMatchObject([{ outcome: "complete", status, fault: { code: "upstream_refused" } }]);
  expect([app.ended.some(hasUpstreamFailed), failures()]).toEqual([false, []]);
});

test.each<[string, (response: ServerResponse) => void, string, number | null]>([
  ["says that it has failed", (response) => response.writeHead(500).end("{}"), "upstream_failed", 500],
  ["answers in no known shape", (response) => response.end("{}"), "upstream_failed", 200],
  ["breaks off", (response) => response.socket?.destroy(), "upstream_closed", null],
])("one that %s has failed, once", async (_, how, code, status) => {
  await begin(how);
  const answer = await ask();

  expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([502, code]);
  expect(app.ended).toMatchObject([{ outcome: "failed", status, fault: { code } }]);
  expect([app.ended.some(hasUpstreamFailed), failures().length]).toEqual([true, 1]);
});
