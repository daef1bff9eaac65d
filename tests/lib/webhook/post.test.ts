import { afterAll, beforeAll, describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { type PostLimits, post } from "../../../lib/webhook/post.ts";
import { until } from "../../support/until.ts";
import { startReceiver } from "./_receiver.ts";

setDefaultTimeout(20_000);

const body = '{"event":"test"}';
const never = new AbortController().signal;
const send = (url: string, limits: Partial<PostLimits> = {}, signal = never) =>
  post(
    { url, headers: { "content-type": "application/json" }, body },
    { deadlineMs: 5_000, ownPort: null, ...limits },
    signal,
  );
const named = (url: string, name: string) => url.replace("127.0.0.1", name);

describe("an attempt", () => {
  test("posts the very bytes, to the name that was configured", async () => {
    using receiver = startReceiver();
    const url = named(receiver.url, "hooks.test");

    const outcome = await send(url, { resolve: async () => ["127.0.0.1"] });

    expect(outcome).toEqual({ status: 204, error: null, retryAfterMs: null });
    expect(receiver.received).toHaveLength(1);
    expect(receiver.received[0]).toMatchObject({ method: "POST", path: "/hook", body });
    expect(receiver.received[0]!.headers.host).toBe(new URL(url).host);
  });

  test.each([301, 302, 303, 307, 308])("does not follow a redirect (%i)", async (status) => {
    using receiver = startReceiver();
    using elsewhere = startReceiver();
    receiver.answer = () => new Response(null, { status, headers: { location: elsewhere.url } });

    expect(await send(receiver.url)).toMatchObject({ status, error: "redirect" });
    expect(receiver.received).toHaveLength(1);
    expect(elsewhere.received).toEqual([]);
  });

  test.each([400, 404, 410, 500, 503])("tells what was answered (%i), and how long to wait", async (status) => {
    using receiver = startReceiver();
    receiver.answer = () => new Response("no", { status, headers: { "retry-after": "7" } });

    expect(await send(receiver.url)).toEqual({ status, error: "status", retryAfterMs: 7_000 });
  });

  test("goes to the next address when nothing listens at the first", async () => {
    using receiver = startReceiver();

    const outcome = await send(named(receiver.url, "hooks.test"), { resolve: async () => ["127.0.0.9", "127.0.0.1"] });

    expect(outcome.status).toBe(204);
  });

  test("that nobody listens to says so", async () => {
    using receiver = startReceiver();
    receiver[Symbol.dispose]();

    expect(await send(receiver.url)).toMatchObject({ status: null, error: "connection_refused" });
  });

  test("to a name that does not exist says so", async () => {
    const missing = Object.assign(new Error("no"), { code: "ENOTFOUND" });

    expect(await send("http://hooks.test/", { resolve: () => Promise.reject(missing) })).toMatchObject({
      error: "name_not_found",
    });
  });

  test("is cut off by a name server that does not answer", async () => {
    const resolve = () => new Promise<string[]>(() => undefined);

    expect(await send("http://hooks.test/", { resolve, deadlineMs: 50 })).toMatchObject({ error: "timeout" });
  });
});

describe("an address that is refused", () => {
  test.each(["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"])(
    "is refused behind a name too, before anything is sent (%s)",
    async (address) => {
      using receiver = startReceiver();
      // One harmless address beside it does not make it harmless.
      const resolve = async () => ["127.0.0.1", address];

      expect(await send(named(receiver.url, "rebound.test"), { resolve })).toMatchObject({ error: "refused_address" });
      expect(receiver.received).toEqual([]);
    },
  );

  test("so is the controller behind a name", async () => {
    using receiver = startReceiver();
    const ownPort = Number(new URL(receiver.url).port);

    const outcome = await send(named(receiver.url, "rebound.test"), { ownPort, resolve: async () => ["127.0.0.1"] });

    expect(outcome.error).toBe("refused_address");
    expect(receiver.received).toEqual([]);
  });
});

describe("a receiver that misbehaves", () => {
  let server: Server;
  let behaviour: (socket: Socket) => void;
  const sockets = new Set<Socket>();
  let url = "";
  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
      socket.once("data", () => behaviour(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test("by never answering is given up in time", async () => {
    behaviour = () => undefined;
    const began = performance.now();

    expect(await send(url, { deadlineMs: 300 })).toMatchObject({ status: null, error: "timeout" });
    expect(performance.now() - began).toBeLessThan(2_000);
    await until("its connection is closed", () => sockets.size === 0);
  });

  test("by answering without an end is left after the status", async () => {
    behaviour = (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      const more = setInterval(() => socket.write(`10000\r\n${"x".repeat(0x10000)}\r\n`), 1);
      socket.on("close", () => clearInterval(more));
    };

    expect(await send(url)).toMatchObject({ status: 200, error: null });
    await until("its connection is closed", () => sockets.size === 0);
  });

  test("by falling silent after the status is left at once, long before the deadline", async () => {
    behaviour = (socket) => socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n");
    // An answer that is collected as garbage ends its connection, too: here it is kept.
    const kept: Response[] = [];
    const real = globalThis.fetch;
    using keeping = spyOn(globalThis, "fetch").mockImplementation((async (...asked: Parameters<typeof fetch>) => {
      const answer = await real(...asked);
      kept.push(answer);
      return answer;
    }) as typeof fetch);

    expect(await send(url, { deadlineMs: 60_000 })).toMatchObject({ status: 200, error: null });
    await until("its connection is closed", () => sockets.size === 0, 5_000);
    expect([keeping.mock.calls.length, kept.length]).toEqual([1, 1]);
  });

  test("by sending header after header is given up in time", async () => {
    behaviour = (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const more = setInterval(() => socket.write("x-more: 1\r\n"), 20);
      socket.on("close", () => clearInterval(more));
    };

    expect(await send(url, { deadlineMs: 300 })).toMatchObject({ status: null });
    await until("its connection is closed", () => sockets.size === 0);
  });

  test("by closing, or by not speaking HTTP, has failed", async () => {
    behaviour = (socket) => socket.destroy();
    expect(await send(url)).toMatchObject({ status: null, error: "network" });

    behaviour = (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n");
    expect(await send(url)).toMatchObject({ status: null, error: "network" });
  });

  test("is left at once when the controller ends", async () => {
    const stopping = new AbortController();
    behaviour = () => stopping.abort(new Error("the controller is shutting down"));

    expect(await send(url, { deadlineMs: 60_000 }, stopping.signal)).toMatchObject({ status: null });
  });
});
