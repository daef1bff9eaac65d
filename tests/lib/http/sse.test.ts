import { afterEach, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { Fault } from "../../../lib/fault.ts";
import { SERVE_OPTIONS } from "../../../lib/http/serve-options.ts";
import { pullStream, pushStream, type SseContext, type SseStream } from "../../../lib/http/sse.ts";

const contextOf = (init: RequestInit = {}): SseContext => ({
  request: new Request("http://localhost/stream", init),
  server: null,
  set: { headers: { "x-request-id": "request-1" } },
});

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function listen(answer: (context: SseContext) => Response): number {
  const server = Bun.serve({
    ...SERVE_OPTIONS,
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request, server) => answer({ request, server, set: { headers: {} } }),
  });
  closers.push(() => server.stop(true));
  return server.port!;
}

function ask(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  closers.push(() => socket.destroy());
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return socket;
}

describe("frames", () => {
  test("carry id, event and JSON data; retry comes first", async () => {
    const response = pushStream(contextOf(), (stream) => {
      stream.send({ id: 7, event: "swap.changed", data: { line: "a\nb" } });
      stream.end();
      return undefined;
    });

    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(await response.text()).toBe('retry: 2000\n\nid: 7\nevent: swap.changed\ndata: {"line":"a\\nb"}\n\n');
  });

  test("a line break in an id cannot forge a field", async () => {
    const response = pushStream(contextOf(), (stream) => {
      stream.send({ id: "1\nevent: forged", data: 1 });
      stream.end();
      return undefined;
    });

    expect(await response.text()).toContain("id: 1 event: forged\ndata: 1\n\n");
  });

  test("silence is filled with heartbeats", async () => {
    const response = pushStream(contextOf(), () => undefined, { heartbeatMs: 1 });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";

    while (!text.endsWith(": \n\n: \n\n")) text += (await reader.read()).value;

    expect(text).toStartWith("retry: 2000\n\n");
    await reader.cancel();
  });
});

describe("errors", () => {
  test("a generator that throws ends with an error event that keeps a Fault's words", async () => {
    const response = pullStream(contextOf(), async function* () {
      yield { data: 1 };
      throw new Fault("upstream", "spark_unreachable", "spark-1 does not answer.");
    });

    const text = await response.text();

    expect(text).toContain("data: 1\n\nevent: error\ndata: ");
    expect(text).toContain('"code":"spark_unreachable"');
  });

  test("the message of an unknown error does not reach the client", async () => {
    const response = pushStream(contextOf(), () => {
      throw new Error("SECRET");
    });

    const text = await response.text();

    expect(text).toContain('"code":"internal"');
    expect(text).toContain('"request_id":"request-1"');
    expect(text).not.toContain("SECRET");
  });
});

describe("ends", () => {
  test("HEAD does not start the source", async () => {
    let starts = 0;
    const count = () => {
      starts++;
      return undefined;
    };

    const response = pushStream(contextOf({ method: "HEAD" }), count);

    expect(response.headers.get("content-type")).toStartWith("text/event-stream");
    expect([starts, response.body]).toEqual([0, null]);
  });

  test("Last-Event-ID reaches the source", async () => {
    const response = pullStream(contextOf({ headers: { "last-event-id": "41" } }), async function* ({ lastEventId }) {
      yield { data: lastEventId };
    });

    expect(await response.text()).toContain('data: "41"\n\n');
  });

  test("a client that leaves ends the source, once", async () => {
    const closed = Promise.withResolvers<number>();
    let closes = 0;
    const opened = Promise.withResolvers<SseStream>();
    const port = listen((context) =>
      pushStream(context, (stream) => {
        opened.resolve(stream);
        return () => closed.resolve(++closes);
      }),
    );
    const socket = ask(port);
    const stream = await opened.promise;

    socket.destroy();
    await closed.promise;
    stream.end();
    stream.send({ data: "after the end" });

    expect(closes).toBe(1);
    expect(stream.signal.aborted).toBe(true);
  });

  test("a client that leaves runs the generator's finally", async () => {
    const finished = Promise.withResolvers<void>();
    const port = listen((context) =>
      pullStream(context, async function* ({ signal }) {
        try {
          yield { data: "first" };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        } finally {
          finished.resolve();
        }
      }),
    );
    const socket = ask(port);
    await new Promise((resolve) => socket.once("data", resolve));

    socket.destroy();

    expect(await finished.promise).toBeUndefined();
  });

  test("a reader that is stuck is dropped with a bounded buffer; another goes on", async () => {
    const streams: SseStream[] = [];
    const port = listen((context) => pushStream(context, (stream) => void streams.push(stream)));
    const stuck = ask(port);
    await new Promise((resolve) => stuck.once("data", resolve));
    stuck.pause();
    const healthy = ask(port);
    let received = 0;
    healthy.on("data", (bytes) => {
      received += bytes.byteLength;
    });
    while (streams.length < 2) await new Promise(setImmediate);

    const line = "x".repeat(64 * 1024);
    let sent = 0;
    while (!streams[0]!.signal.aborted && sent < 2000) {
      for (const stream of streams) stream.send({ data: line });
      sent++;
      while (received < sent * line.length && !streams[1]!.signal.aborted) await new Promise(setImmediate);
    }

    expect(streams.map((stream) => stream.signal.aborted)).toEqual([true, false]);
  });
});
