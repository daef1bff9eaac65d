/** The gateway's routes of a controller that knows no Spark: refused in OpenAI's words, and nobody's page is let in further. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AppUnderTest, type Endpoint, endpointsOf, startApp } from "./_app-under-test.ts";

let under: AppUnderTest;
let endpoints: Endpoint[];
beforeAll(async () => {
  under = await startApp();
  endpoints = endpointsOf(under.app).filter(({ path }) => path.startsWith("/v1/") || path === "/tokenize");
});
afterAll(() => under.close());

const BODY = JSON.stringify({ model: "x", query: "x", documents: ["x"] });
const ask = ({ method, url }: Endpoint, more: Record<string, string> = {}) =>
  method === "GET"
    ? under.call(method, url, { headers: more })
    : under.call(method, url, { headers: { "content-type": "application/json", ...more }, body: BODY });

describe("the gateway without any Spark", () => {
  test("has its routes", () => {
    expect(endpoints.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      "GET /v1/audio/voices",
      "GET /v1/models",
      "GET /v1/models/*",
      "POST /tokenize",
      "POST /v1/audio/speech",
      "POST /v1/audio/transcriptions",
      "POST /v1/audio/translations",
      "POST /v1/chat/completions",
      "POST /v1/completions",
      "POST /v1/embeddings",
      "POST /v1/messages",
      "POST /v1/rerank",
      "POST /v1/responses",
    ]);
  });

  test("answers each of them with 503 not_configured in OpenAI's envelope", async () => {
    for (const endpoint of endpoints) {
      const answer = await ask(endpoint);

      expect([endpoint.path, answer.status]).toEqual([endpoint.path, 503]);
      expect(await answer.json()).toMatchObject({ error: { code: "not_configured", failed_by: "controller" } });
    }
  });

  test("lets no other page use the tokenizer, which no client needs from a page", async () => {
    const foreign = { origin: "https://page.example.com" };
    const answer = await under.call("POST", "/tokenize", { headers: foreign, body: BODY });

    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ error: { code: "cross_origin" } });
  });

  test("shows its figures", async () => {
    const answer = await under.call("GET", "/metrics");

    expect(answer.headers.get("content-type")).toStartWith("text/plain");
    expect(await answer.text()).toContain("# TYPE spark_gateway_requests_total counter");
  });
});
