/** A host name of three letters without a port: the request is lengthened on its way, and is still known. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type GatewayApp, MODEL, startGatewayApp } from "../support/gateway-app.ts";

const upstream = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.json({ results: [] }) });
let app: GatewayApp;
beforeAll(async () => {
  app = await startGatewayApp({
    upstream: `http://127.0.0.1:${upstream.port}`,
    env: { ALLOWED_HOSTS: "nas,sparks.example" },
  });
});
afterAll(async () => {
  await app.close();
  await upstream.stop(true);
});

const ASKED = [
  ["/v1/chat/completions", { model: MODEL }],
  ["/v1/rerank", { query: "x", documents: ["x"] }],
] as const;

test.each(["nas", "sparks.example"])("%s: callers without a key are told apart by their address", async (host) => {
  for (const [path, body] of ASKED) {
    const headers = { host, "content-type": "application/json" };
    const answer = await fetch(app.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    await answer.text();
    expect([path, answer.status, app.ended.at(-1)?.caller]).toEqual([path, 200, "127.0.0.1"]);
  }
});
