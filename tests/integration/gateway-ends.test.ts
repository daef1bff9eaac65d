/** How requests through the gateway end when one of the two sides does not behave: raw sockets as upstreams and as clients. */
import { afterEach, describe, expect, test } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type GatewayApp, type GatewayAppOptions, MODEL, startGatewayApp } from "../support/gateway-app.ts";
import { until } from "../support/until.ts";

interface RawUpstream {
  readonly url: string;
  /** What came, by connection that carried a request. */
  readonly got: { text: string; closed: boolean; closedAt: number }[];
  close(): void;
}

/** @param speak called when the head of a request is there */
function rawUpstream(speak: (socket: Socket, text: string) => void): Promise<RawUpstream> {
  const got: RawUpstream["got"] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    let entry: RawUpstream["got"][number] | null = null;
    socket.on("data", (data) => {
      const begins = entry === null;
      if (entry === null) {
        entry = { text: "", closed: false, closedAt: 0 };
        got.push(entry);
      }
      entry.text += data.toString("latin1");
      if (begins) speak(socket, entry.text);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (entry) Object.assign(entry, { closed: true, closedAt: performance.now() });
    });
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" ? address?.port : 0;
      resolve({
        url: `http://127.0.0.1:${port}`,
        got,
        close() {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      });
    }),
  );
}

let app: GatewayApp | null = null;
let upstream: RawUpstream | null = null;
afterEach(async () => {
  await app?.close();
  upstream?.close();
  app = upstream = null;
});

async function begin(speak: (socket: Socket, text: string) => void, options: Partial<GatewayAppOptions> = {}) {
  upstream = await rawUpstream(speak);
  app = await startGatewayApp({ upstream: upstream.url, ...options });
  return { app, upstream };
}

const BODY = JSON.stringify({ model: MODEL, messages: [] });
const chat = (url: string, init: RequestInit = {}) =>
  fetch(`${url}/v1/chat/completions`, { method: "POST", body: BODY, ...init });
const head = (type: string, more = "transfer-encoding: chunked") =>
  `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${more}\r\n\r\n`;
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const errorOf = async (response: Response) => ((await response.json()) as { error: Record<string, unknown> }).error;
const isIdle = (gateway: GatewayApp) => gateway.gateway.load().every(({ inFlight, queued }) => inFlight + queued === 0);

/** A client on a bare socket, which can be cut at any moment. */
function rawClient(url: string, text: string): { readonly socket: Socket; said(): string; closed(): boolean } {
  let said = "";
  let closed = false;
  // It may end its own side and read on.
  const to = { port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true };
  const socket = connect(to);
  if (text !== "") socket.write(text);
  socket.on("end", () => socket.end());
  socket.on("data", (data) => {
    said += data.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closed = true;
  });
  return { socket, said: () => said, closed: () => closed };
}
const post = (path: string, body: string, more = "") =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`;

describe("an upstream that", () => {
  test("is not there: 502, and the upstream failed", async () => {
    const { app, upstream } = await begin(() => undefined);
    upstream.close();
    const got = await chat(app.url);

    expect(got.status).toBe(502);
    expect(await errorOf(got)).toMatchObject({
      code: "upstream_unreachable",
      failed_by: "upstream",
      type: "server_error",
    });
    expect(isIdle(app)).toBe(true);
  });

  test("closes without an answer: 502", async () => {
    const { app } = await begin((socket) => socket.destroy());
    const got = await chat(app.url);

    expect(got.status).toBe(502);
    expect(await errorOf(got)).toMatchObject({ code: "upstream_closed", failed_by: "upstream" });
  });

  test("speaks no HTTP: 502", async () => {
    const { app } = await begin((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));

    expect((await chat(app.url)).status).toBe(502);
  });

  test("breaks off a short answer: 502, because nothing of it has been passed on yet", async () => {
    const { app } = await begin((socket) => socket.end(`${head("application/json", "content-length: 100")}{"half":`));
    const got = await chat(app.url);

    expect([got.status, (await errorOf(got)).code]).toEqual([502, "upstream_closed"]);
  });

  test("dies in the middle of a stream of events: an error event within 100 ms, and then the end", async () => {
    let cutAt = 0;
    const { app } = await begin((socket) => {
      socket.write(head("text/event-stream") + chunk('data: {"n":1}\n\n'));
      setTimeout(() => {
        cutAt = performance.now();
        socket.destroy();
      }, 50);
    });
    const text = await (await chat(app.url)).text();
    const tookMs = performance.now() - cutAt;
    const events = text.split("\n\n").filter((event) => event.trim() !== "");

    expect(events[0]).toBe('data: {"n":1}');
    expect(events[1]).toStartWith("event: error\ndata: ");
    expect(JSON.parse(events[1]!.trim().slice("event: error\ndata: ".length))).toMatchObject({
      error: { code: "upstream_closed", failed_by: "upstream" },
    });
    expect(events).toHaveLength(2);
    expect(tookMs).toBeLessThan(100);
    expect(app.ended.at(-1)?.outcome).toBe("failed");
  });

  test.each([
    ["chunked", head("audio/mpeg") + chunk("half of it")],
    ["length-delimited", `${head("audio/mpeg", "content-length: 100000")}half of it`],
    [
      "gzip'd events",
      head("text/event-stream", "content-encoding: gzip\r\ntransfer-encoding: chunked") + chunk("half of it"),
    ],
  ])("dies in the middle of another answer (%s): the client's body breaks, it does not end", async (_, answer) => {
    const { app } = await begin((socket) => {
      socket.write(answer);
      setTimeout(() => socket.destroy(), 30);
    });
    const client = rawClient(app.url, post("/v1/audio/speech", '{"input":"hi"}'));
    await until("the connection is closed", () => client.closed());

    expect(client.said()).toContain("half of it");
    expect(client.said()).not.toContain("\r\n0\r\n\r\n");
  });

  test("has closed its idle connections is asked over a new one", async () => {
    const { app } = await begin((socket) => {
      let idle: ReturnType<typeof setTimeout> | undefined;
      const answer = () => {
        clearTimeout(idle);
        socket.write(`${head("application/json", "content-length: 2")}{}`);
        idle = setTimeout(() => socket.destroy(), 5);
      };
      answer();
      socket.on("data", answer);
    });
    const statuses: number[] = [];
    for (let count = 0; count < 100; count++) {
      statuses.push((await chat(app.url)).status);
      // Around the moment in which it is closed.
      await Bun.sleep(2 + (count % 8));
    }

    expect(statuses).toEqual(Array(100).fill(200));
  });

  test("fails at a transcription with 500: 503 with Retry-After, and the upstream failed", async () => {
    const { app } = await begin((socket) => socket.end("HTTP/1.1 500 X\r\ncontent-length: 2\r\n\r\n{}"));
    const got = await fetch(`${app.url}/v1/audio/transcriptions`, { method: "POST", body: "x" });

    expect([got.status, got.headers.get("retry-after")]).toEqual([503, "60"]);
    expect(await errorOf(got)).toMatchObject({ code: "transcription_failed", failed_by: "upstream" });
  });
});

describe("a client that leaves", () => {
  /** Cuts the client and measures until the upstream sees it. */
  async function leaves(client: ReturnType<typeof rawClient>, upstream: RawUpstream): Promise<number> {
    const at = performance.now();
    client.socket.destroy();
    await until("the upstream's connection is closed", () => upstream.got[0]?.closed === true, 2_000);
    return upstream.got[0]!.closedAt - at;
  }

  test("before the first byte frees the upstream within 100 ms", async () => {
    const { app, upstream } = await begin(() => undefined);
    const client = rawClient(app.url, post("/v1/chat/completions", BODY));
    await until("the request is at the upstream", () => upstream.got[0]?.text.endsWith(BODY) === true);

    expect(await leaves(client, upstream)).toBeLessThan(100);
    await until("nothing is in flight", () => isIdle(app));
    expect(app.ended.at(-1)?.outcome).toBe("left");
  });

  test("as soon as its request is at the upstream frees it within 100 ms", async () => {
    let leftAt = 0;
    const { app, upstream } = await begin(() => {
      leftAt = performance.now();
      client.socket.destroy();
    });
    const client = rawClient(app.url, post("/v1/chat/completions", BODY));
    await until("the upstream's connection is closed", () => upstream.got[0]?.closed === true, 2_000);

    expect(upstream.got[0]!.closedAt - leftAt).toBeLessThan(100);
    await until("nothing is in flight", () => isIdle(app));
    expect(app.ended.at(-1)?.outcome).toBe("left");
  });

  test("in the middle of a stream frees the upstream within 100 ms", async () => {
    const { app, upstream } = await begin((socket) => socket.write(head("text/event-stream") + chunk("data: 1\n\n")));
    const client = rawClient(app.url, post("/v1/chat/completions", BODY));
    await until("the first event is there", () => client.said().includes("data: 1"));

    expect(await leaves(client, upstream)).toBeLessThan(100);
    await until("nothing is in flight", () => isIdle(app));
  });

  test("during its upload frees the upstream within 100 ms", async () => {
    const { app, upstream } = await begin(() => undefined);
    const text = "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n";
    const client = rawClient(app.url, text + "x".repeat(200_000));
    await until("some of it is at the upstream", () => (upstream.got[0]?.text.length ?? 0) > 100_000);

    expect(await leaves(client, upstream)).toBeLessThan(100);
    await until("nothing is in flight", () => isIdle(app));
  });

  test("while it waits in the queue is never sent on, and its place is free", async () => {
    const { app, upstream } = await begin(() => undefined, {
      limits: { chat: { inFlight: 1, queue: 5, waitMs: 10_000 } },
    });
    const first = rawClient(app.url, post("/v1/chat/completions", BODY));
    await until("one is in flight", () => upstream.got.length === 1);
    const second = rawClient(app.url, post("/v1/chat/completions", BODY));
    await until("one waits", () => app.gateway.load()[0]?.queued === 1);
    second.socket.destroy();
    await until("nobody waits", () => app.gateway.load()[0]?.queued === 0);
    first.socket.destroy();
    await until("nothing is in flight", () => isIdle(app));

    expect(upstream.got).toHaveLength(1);
  });
});

describe("a client that ends its sending side and reads on", () => {
  test("before the answer has begun is taken for one that has left", async () => {
    const { app, upstream } = await begin(() => undefined);
    const client = rawClient(app.url, post("/v1/chat/completions", BODY));
    await until("the request is at the upstream", () => upstream.got[0]?.text.endsWith(BODY) === true);
    client.socket.end();
    await until("the connection is closed", () => client.closed());
    await until("the upstream is free", () => upstream.got[0]?.closed === true && isIdle(app));

    expect([client.said(), app.ended.at(-1)?.outcome]).toEqual(["", "left"]);
  });

  test("in the middle of a stream gets no more of it, and no end", async () => {
    const { app, upstream } = await begin((socket) => socket.write(head("text/event-stream") + chunk("data: 1\n\n")));
    const client = rawClient(app.url, post("/v1/chat/completions", BODY));
    await until("the first event is there", () => client.said().includes("data: 1"));
    client.socket.end();
    await until("the connection is closed", () => client.closed());
    await until("the upstream is free", () => upstream.got[0]?.closed === true && isIdle(app));

    expect(client.said()).not.toContain("\r\n0\r\n\r\n");
    expect(app.ended.at(-1)?.outcome).toBe("left");
  });

  test("with a request that is answered here, has its answer", async () => {
    const { app } = await begin(() => undefined);
    const client = rawClient(app.url, "");
    client.socket.end("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await until("the connection is closed", () => client.closed());

    expect(client.said()).toStartWith("HTTP/1.1 200");
  });
});

describe("a body that is too large", () => {
  const MOST = 201 * 1024 * 1024;

  test("by its own word is refused before any of it is sent on", async () => {
    const { app, upstream } = await begin(() => undefined);
    const client = rawClient(
      app.url,
      `POST /v1/audio/transcriptions HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${MOST + 1}\r\n\r\nxxx`,
    );
    await until("it is answered", () => client.said().includes("\r\n\r\n"));

    expect(client.said()).toStartWith("HTTP/1.1 413");
    expect(upstream.got).toEqual([]);
  });

  test("by its chunks is refused when it has become so", async () => {
    const { app } = await begin(() => undefined);
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"input":"'));
      },
      pull(controller) {
        controller.enqueue(new Uint8Array(256 * 1024).fill(0x61));
      },
    });
    const got = await fetch(`${app.url}/v1/audio/speech`, { method: "POST", body });

    expect(got.status).toBe(413);
    expect(await errorOf(got)).toMatchObject({
      code: "too_large",
      failed_by: "controller",
      limit_bytes: 2 * 1024 * 1024,
    });
    await until("nothing is in flight", () => isIdle(app));
  });
});
