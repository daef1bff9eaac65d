import { afterAll, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { ask } from "../../../lib/spark/http.ts";

const LONG_MS = 20_000;
/** For an answer that never comes: as short as one likes. */
const SHORT_MS = 30;
const MIB = 1 << 20;
const never = new AbortController().signal;
const forever = Promise.withResolvers<Response>();
const endlessBodyLeft = Promise.withResolvers<void>();
const hungRequest = Promise.withResolvers<void>();

const json = (body: string, status = 200) =>
  new Response(body, { status, headers: { "content-type": "application/json" } });

function endless(): Response {
  const chunk = new Uint8Array(65_536).fill(120);
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(chunk),
    cancel: () => endlessBodyLeft.resolve(),
  });
  return new Response(body);
}

/** Sends headers and the beginning of a body, and then nothing. */
function stuck(): Response {
  return new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("a")) }));
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  routes: {
    "/json": () => json('{"data":[1]}'),
    "/problem": () => json('{"error":"dead"}', 503),
    "/metrics": () =>
      new Response("vllm:num_requests_running 0\n", { headers: { "content-type": "text/plain; version=0.0.4" } }),
    "/not-json": () => json("<html>oops</html>"),
    "/deep": () => json("[".repeat(500_000)),
    "/cut-json": () => json(`"${"x".repeat(MIB + 10)}"`),
    "/elsewhere": () => new Response(null, { status: 302, headers: { location: "/json" } }),
    "/echo": async (request) => json(JSON.stringify({ method: request.method, body: await request.json() })),
    "/endless": endless,
    "/stuck": stuck,
    "/hang": () => {
      hungRequest.resolve();
      return forever.promise;
    },
    "/empty": () => new Response(null, { status: 200 }),
  },
});
const url = (path: string) => `http://127.0.0.1:${server.port}${path}`;
const get = (path: string, deadlineMs = LONG_MS, signal = never) =>
  ask(url(path), { method: "GET" }, deadlineMs, signal);

afterAll(() => server.stop(true));

describe("an answer", () => {
  test("in JSON is parsed, whatever its status", async () => {
    expect(await get("/json")).toEqual({ status: 200, body: { data: [1] } });
    expect(await get("/problem")).toEqual({ status: 503, body: { error: "dead" } });
  });

  test("in any other type is a text", async () => {
    expect(await get("/metrics")).toEqual({ status: 200, body: "vllm:num_requests_running 0\n" });
  });

  test("without a body is an empty text", async () => {
    expect(await get("/empty")).toEqual({ status: 200, body: "" });
  });

  test("that only claims to be JSON is a text", async () => {
    expect(await get("/not-json")).toEqual({ status: 200, body: "<html>oops</html>" });
    expect(await get("/deep")).toMatchObject({ status: 200, body: expect.stringMatching(/^\[\[\[/) });
  });

  test("to a POST", async () => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: '{"a":1}' };

    expect(await ask(url("/echo"), init, LONG_MS, never)).toEqual({
      status: 200,
      body: { method: "POST", body: { a: 1 } },
    });
  });

  test("that points elsewhere is not followed", async () => {
    expect((await get("/elsewhere")).status).toBe(302);
  });
});

describe("a huge answer", () => {
  test("is read up to 1 MiB, and the sender is told to stop", async () => {
    const { status, body } = await get("/endless");

    expect(status).toBe(200);
    expect((body as string).length).toBeLessThanOrEqual(MIB);
    expect((body as string).length).toBeGreaterThan(MIB / 2);
    await endlessBodyLeft.promise;
  });

  test("in JSON is no JSON any more", async () => {
    expect(typeof (await get("/cut-json")).body).toBe("string");
  });
});

describe("no answer", () => {
  const nothing = { status: null, body: null };

  test("because nobody listens", async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));

    expect(await ask(`http://127.0.0.1:${port}/health`, {}, LONG_MS, never)).toEqual({ ...nothing, isRefused: true });
  });

  test("because the other side hangs up", async () => {
    const rude = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
    const { port } = rude.address() as { port: number };

    expect(await ask(`http://127.0.0.1:${port}/health`, {}, LONG_MS, never)).toEqual(nothing);
    await new Promise((resolve) => rude.close(resolve));
  });

  test("within the deadline, before the headers", async () => {
    expect(await get("/hang", SHORT_MS)).toEqual(nothing);
  });

  test("within the deadline, in the middle of the body", async () => {
    expect(await get("/stuck", SHORT_MS)).toEqual(nothing);
  });

  test("because the address is none", async () => {
    expect(await ask("http://", {}, LONG_MS, never)).toEqual(nothing);
  });
});

describe("an asker who leaves", () => {
  test("while waiting gets the reason of leaving thrown", async () => {
    const left = new AbortController();
    const asking = get("/hang", LONG_MS, left.signal);
    await hungRequest.promise;

    left.abort(new Error("left"));

    await expect(asking).rejects.toThrow("left");
  });

  test("before asking gets it as well", async () => {
    await expect(get("/json", LONG_MS, AbortSignal.abort(new Error("left before")))).rejects.toThrow("left before");
  });
});
