/** What passes through the gateway passes unchanged, in both directions. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type GatewayApp, MODEL, startGatewayApp } from "../support/gateway-app.ts";
import { until } from "../support/until.ts";

const sha = (bytes: Uint8Array | ArrayBuffer) => createHash("sha256").update(new Uint8Array(bytes)).digest("hex");

/** What the upstream is to answer, and what it was asked. */
let answer: (request: Request) => Response | Promise<Response>;
let seen: { readonly request: Request; readonly sha: string; readonly size: number } | null;
let upstream: Bun.Server<undefined>;
let app: GatewayApp;

beforeAll(async () => {
  upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    maxRequestBodySize: 1024 ** 3,
    async fetch(request) {
      const hash = createHash("sha256");
      let size = 0;
      for await (const chunk of request.body ?? []) {
        hash.update(chunk);
        size += chunk.length;
      }
      seen = { request, sha: hash.digest("hex"), size };
      return answer(request);
    },
  });
  app = await startGatewayApp({ upstream: `http://127.0.0.1:${upstream.port}` });
});
afterAll(async () => {
  await app.close();
  await upstream.stop(true);
});

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve));
      if (at === chunks.length) controller.close();
      else controller.enqueue(chunks[at++]!);
    },
  });
}

/** Cut at random places. */
function pieces(bytes: Uint8Array, count: number): Uint8Array[] {
  const cuts = Array.from({ length: count - 1 }, () => Math.floor(Math.random() * bytes.length)).sort((a, b) => a - b);
  return [0, ...cuts]
    .map((from, at) => bytes.subarray(from, cuts[at] ?? bytes.length))
    .filter(({ length }) => length > 0);
}

const speak = (init: RequestInit = {}) =>
  fetch(`${app.url}/v1/audio/speech`, {
    method: "POST",
    body: '{"input":"hi"}',
    decompress: false,
    ...init,
  } as RequestInit);

describe("an answer", () => {
  test.each([0, 1, 1000, 65_536, 65_537, 3_000_000])("of %i binary bytes, length-delimited", async (size) => {
    const bytes = new Uint8Array(randomBytes(size));
    answer = () => new Response(bytes, { headers: { "content-type": "audio/mpeg" } });
    const got = await speak();

    expect(got.headers.get("content-type")).toBe("audio/mpeg");
    expect(sha(await got.arrayBuffer())).toBe(sha(bytes));
  });

  test.each([2, 7, 400])("of binary bytes in %i chunks", async (count) => {
    const bytes = randomBytes(300_000);
    answer = () => new Response(streamOf(pieces(bytes, count)), { headers: { "content-type": "audio/wav" } });

    expect(sha(await (await speak()).arrayBuffer())).toBe(sha(bytes));
  });

  test("of UTF-8 cut at every offset", async () => {
    const bytes = new TextEncoder().encode('data: {"content":"é😀漢字"}\n\n');
    for (let at = 1; at < bytes.length; at++) {
      answer = () =>
        new Response(streamOf([bytes.subarray(0, at), bytes.subarray(at)]), {
          headers: { "content-type": "text/event-stream" },
        });
      expect(sha(await (await speak()).arrayBuffer())).toBe(sha(bytes));
    }
  });

  test.each(["br, gzip", undefined])(
    "that is gzip'd stays so, with its header (client accepts %s)",
    async (accepts) => {
      const zipped = new Uint8Array(gzipSync(randomBytes(100_000)));
      answer = () => new Response(zipped, { headers: { "content-encoding": "gzip", "content-type": "audio/wav" } });
      const got = await speak({ headers: accepts === undefined ? {} : { "accept-encoding": accepts } });

      expect(got.headers.get("content-encoding")).toBe("gzip");
      expect(sha(await got.arrayBuffer())).toBe(sha(zipped));
    },
  );

  test.each([200, 201, 400, 404, 418, 422, 429, 500, 503])("of status %i passes with its body", async (status) => {
    answer = () => Response.json({ detail: { error: "x" } }, { status, headers: { "x-own": "1", "retry-after": "7" } });
    const got = await speak();

    expect([got.status, got.headers.get("x-own"), got.headers.get("retry-after")]).toEqual([status, "1", "7"]);
    expect(await got.text()).toBe('{"detail":{"error":"x"}}');
  });

  test("that is a redirect is not followed", async () => {
    answer = () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/secret" } });
    const got = await speak({ redirect: "manual" });

    expect([got.status, got.headers.get("location")]).toEqual([302, "http://127.0.0.1:1/secret"]);
  });

  test("carries our headers, and none that speak of the other connection or open us to pages elsewhere", async () => {
    answer = () =>
      new Response("x", {
        headers: {
          connection: "x-hop",
          "x-hop": "1",
          "keep-alive": "timeout=5",
          "access-control-allow-origin": "*",
          "set-cookie": "a=b",
          "x-frame-options": "SAMEORIGIN",
        },
      });
    const { headers } = await speak();

    expect(
      ["x-hop", "keep-alive", "access-control-allow-origin", "set-cookie"].filter((name) => headers.has(name)),
    ).toEqual([]);
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("reaches the client piece by piece, not at the end", async () => {
    const gate = Promise.withResolvers<void>();
    answer = () =>
      new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode("first"));
            await gate.promise;
            controller.close();
          },
        }),
        { headers: { "content-type": "audio/pcm" } },
      );
    const reader = (await speak()).body!.getReader();
    const first = await reader.read();
    gate.resolve();

    expect(new TextDecoder().decode(first.value)).toBe("first");
    expect((await reader.read()).done).toBe(true);
  });
});

describe("a request", () => {
  const transcribe = (body: BodyInit, headers: Record<string, string> = {}) =>
    fetch(`${app.url}/v1/audio/transcriptions`, { method: "POST", body, headers });

  test.each([0, 1, 65_536, 5_000_000])("of %i binary bytes, length-delimited", async (size) => {
    answer = () => Response.json({ text: "" });
    const bytes = new Uint8Array(randomBytes(size));
    await transcribe(bytes, { "content-type": "multipart/form-data; boundary=x" });

    expect([seen?.size, seen?.sha]).toEqual([size, sha(bytes)]);
    // fetch sends no content-type with an empty body.
    const type = size === 0 ? null : "multipart/form-data; boundary=x";
    expect(seen?.request.headers.get("content-type") ?? null).toBe(type);
    expect(seen?.request.headers.get("content-length") ?? "0").toBe(String(size));
  });

  test("of binary bytes in chunks", async () => {
    answer = () => Response.json({ text: "" });
    const bytes = randomBytes(2_000_000);
    await transcribe(streamOf(pieces(bytes, 50)));

    expect([seen?.size, seen?.sha]).toEqual([bytes.length, sha(bytes)]);
    expect(seen?.request.headers.get("transfer-encoding")).toBe("chunked");
  });

  test.each([10, 70_000, 4_000_000])(
    "for a model passes as it was written (padding %i, name last)",
    async (padding) => {
      answer = () => Response.json({});
      const text = `{ "messages" : [{"content":"${"é".repeat(padding)}"}],\n "seed": 1.0e2, "model":"${MODEL}"}`;
      await fetch(`${app.url}/v1/chat/completions`, { method: "POST", body: text });

      expect(seen?.sha).toBe(sha(new TextEncoder().encode(text)));
      expect(new URL(seen!.request.url).pathname).toBe("/v1/chat/completions");
    },
  );

  test("for a model in chunks, name first, passes as it was written", async () => {
    answer = () => Response.json({});
    const bytes = new TextEncoder().encode(`{"model":"${MODEL}","messages":[{"content":"${"漢".repeat(500_000)}"}]}`);
    const got = await fetch(`${app.url}/v1/chat/completions`, { method: "POST", body: streamOf(pieces(bytes, 30)) });

    expect([got.status, seen?.sha]).toEqual([200, sha(bytes)]);
  });

  test.each([10, 200_000])("by another name of the model: only the name changes (padding %i)", async (padding) => {
    answer = () => Response.json({});
    const body = (name: string) => `{"a":"${"x".repeat(padding)}", "model" : "${name}" ,"b":[1, 2]}`;
    await fetch(`${app.url}/v1/completions`, { method: "POST", body: body("model-one") });

    expect(seen?.sha).toBe(sha(new TextEncoder().encode(body(MODEL))));
  });

  test("keeps its query and its headers, but those of the connection, of pages and of this address", async () => {
    answer = () => Response.json({});
    await fetch(`${app.url}/v1/completions?a=b%20c`, {
      method: "POST",
      body: JSON.stringify({ model: MODEL }),
      headers: {
        authorization: "Bearer k",
        "x-own": "1",
        cookie: "a=b",
        origin: "https://page.example",
        te: "trailers",
      },
    });
    const { headers, url } = seen!.request;

    expect(new URL(url).search).toBe("?a=b%20c");
    expect([headers.get("authorization"), headers.get("x-own"), headers.get("accept-encoding")]).toEqual([
      "Bearer k",
      "1",
      "gzip, deflate, br, zstd",
    ]);
    expect(["cookie", "origin", "te"].filter((name) => headers.has(name))).toEqual([]);
    expect(headers.get("host")).toBe(`127.0.0.1:${upstream.port}`);
  });

  test("is over in the books when it is over", async () => {
    answer = () => Response.json({});
    const before = app.ended.length;
    await (await transcribe("hello")).text();
    await until("it is counted", () => app.ended.length === before + 1);

    expect(app.ended.at(-1)).toMatchObject({
      upstream: "service:the-asr",
      outcome: "complete",
      status: 200,
      bytesIn: 5,
      bytesOut: 2,
    });
    expect(app.gateway.load().every(({ inFlight, queued }) => inFlight === 0 && queued === 0)).toBe(true);
  });
});
