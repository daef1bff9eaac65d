/** The gateway's own connections, with upstreams on bare sockets. */
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Body } from "../../../lib/gateway/body.ts";
import { ConnectionClosed, type Question } from "../../../lib/gateway/connection.ts";
import { Connections, ConnectTimeout } from "../../../lib/gateway/connections.ts";
import { Stop } from "../../../lib/gateway/stop.ts";
import { requirement } from "../../support/requirements.ts";
import { silentListener } from "../../support/silent-listener.ts";
import { until } from "../../support/until.ts";

const MIB = 1024 * 1024;
const CONNECT_MS = 5_000;
let server: Server | null = null;
let connections = new Connections();
const sockets: Socket[] = [];
afterEach(() => {
  connections.close();
  connections = new Connections();
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
  server = null;
});

/** @param speak called with each request's first bytes @returns its origin */
async function upstream(speak: (socket: Socket, text: string) => void): Promise<string> {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      const text = data.toString("latin1");
      if (text.startsWith("POST ")) speak(socket, text);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

const NOTHING: Body = { content: new Uint8Array(0), length: null };
const QUESTION: Question = {
  method: "POST",
  head: "POST / HTTP/1.1\r\nhost: x\r\n\r\n",
  body: NOTHING,
  stallMs: 60_000,
};
const ask = (origin: string, body: Body = NOTHING, stop = new Stop()) =>
  connections.ask(origin, { ...QUESTION, body }, CONNECT_MS, stop);
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const textOf = async (origin: string) => Buffer.from(await (await ask(origin)).whole()).toString();
const failure = (work: Promise<unknown>) => work.then(String, (error: unknown) => error);

describe("a connection", () => {
  test("is used again by the next request", async () => {
    const origin = await upstream((socket) => socket.write(OK));
    for (let count = 0; count < 20; count++) expect(await textOf(origin)).toBe("{}");

    expect(sockets).toHaveLength(1);
  });

  test("that nobody has used again in time is closed, and its origin is forgotten", async () => {
    connections = new Connections({ freshMs: 30 });
    let isClosed = false;
    const origin = await upstream((socket) => {
      socket.on("close", () => {
        isClosed = true;
      });
      socket.write(OK);
    });
    await textOf(origin);

    expect(connections.origins).toBe(1);
    await until("the upstream sees it closed", () => isClosed);
    expect(connections.origins).toBe(0);
  });

  test("serves one request at a time", async () => {
    const origin = await upstream((socket) => void setTimeout(() => socket.write(OK), 20));
    await Promise.all(Array.from({ length: 10 }, () => textOf(origin)));
    expect(sockets).toHaveLength(10);
    await Promise.all(Array.from({ length: 10 }, () => textOf(origin)));

    expect(sockets).toHaveLength(10);
  });

  test("is made for each of 600 requests at a time", async () => {
    const held: Socket[] = [];
    const origin = await upstream((socket) => void held.push(socket));
    const answers = Array.from({ length: 600 }, () => textOf(origin));
    await until("all of them are at the upstream", () => held.length === 600);
    for (const socket of held) socket.write(OK);

    expect(new Set(await Promise.all(answers))).toEqual(new Set(["{}"]));
  });

  test.each([
    ["that the upstream will close", "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"],
    ["in HTTP/1.0", OK.replace("1.1", "1.0")],
    ["with more behind the answer than was promised", `${OK}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong`],
  ])("%s is not used again", async (_, said) => {
    const origin = await upstream((socket) => socket.write(said));
    for (let count = 0; count < 3; count++) expect(await textOf(origin)).toBe("{}");

    expect(sockets).toHaveLength(3);
  });

  test("that spoke without having been asked is not used again", async () => {
    const origin = await upstream((socket) => socket.write(OK));
    await textOf(origin);
    const closed = new Promise((resolve) => sockets[0]?.once("close", resolve));
    sockets[0]?.write(OK);
    await closed;

    expect(await textOf(origin)).toBe("{}");
    expect(sockets).toHaveLength(2);
  });

  test("that was closed before the request reached it: the request goes out once more", async () => {
    const origin = await upstream((socket) => socket.write(OK));
    await textOf(origin);
    // Nobody here has seen it yet.
    sockets[0]?.destroy();

    expect(await textOf(origin)).toBe("{}");
    expect(sockets).toHaveLength(2);
  });

  test("that is closed with the request unread: the request goes out once more", async () => {
    let opened = 0;
    const listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: () => void opened++,
        data(socket) {
          socket.write(OK);
          if (opened > 1) return;
          socket.pause();
          setTimeout(() => socket.end(), 50);
        },
      },
    });
    const origin = `http://127.0.0.1:${listener.port}`;
    const answers = [await textOf(origin), await textOf(origin)];
    listener.stop(true);

    expect(answers).toEqual(["{}", "{}"]);
    expect(opened).toBe(2);
  });

  test.each([
    ["POST", 1, ConnectionClosed],
    ["GET", 2, "{}"],
  ])("that is closed once the request was read: a %s is at the upstream %i times", async (method, times, outcome) => {
    const read: string[] = [];
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
      socket.on("data", (data) => {
        if (data.includes("/again")) read.push(data.toString());
        if (read.length === 1) socket.destroy();
        else socket.write(OK);
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", () => resolve()));
    const origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    await textOf(origin);
    const question = { ...QUESTION, method, head: `${method} /again HTTP/1.1\r\nhost: x\r\n\r\n` };
    const answer = await failure(
      connections.ask(origin, question, CONNECT_MS, new Stop()).then(async (one) => Buffer.from(await one.whole())),
    );

    if (typeof outcome === "string") expect(answer).toBe(outcome);
    else expect(answer).toBeInstanceOf(outcome);
    expect(read).toHaveLength(times);
  });

  test("that breaks when its answer has begun: the request does not go out again", async () => {
    const origin = await upstream((socket) => {
      if (socket.bytesWritten === 0) return void socket.write(OK);
      socket.write("HTTP/1.1 20");
      setTimeout(() => socket.destroy(), 10);
    });
    await textOf(origin);

    expect(await failure(ask(origin))).toBeInstanceOf(ConnectionClosed);
    expect(sockets).toHaveLength(1);
  });

  test("that is new and closed without an answer: the request does not go out again", async () => {
    const origin = await upstream((socket) => socket.destroy());

    expect(await failure(ask(origin))).toBeInstanceOf(ConnectionClosed);
    expect(sockets).toHaveLength(1);
  });

  test("that is closed as soon as it is open leaves no request waiting", async () => {
    const origin = await upstream(() => undefined);
    server?.on("connection", (socket: Socket) => socket.resetAndDestroy());
    const errors = await Promise.all(Array.from({ length: 50 }, () => failure(ask(origin))));

    expect(errors.every((error) => error instanceof ConnectionClosed)).toBe(true);
  });

  test("that does not come about leaves the body to nobody", async () => {
    const origin = await upstream(() => undefined);
    server?.close();
    let isCancelled = false;
    const content = new ReadableStream<Uint8Array>({
      cancel() {
        isCancelled = true;
      },
    });

    expect(await failure(ask(origin, { content, length: null }))).toMatchObject({ code: "ECONNREFUSED" });
    expect(isCancelled).toBe(true);
  });

  test("is not opened for a request that is over, and ends with one that is stopped", async () => {
    const origin = await upstream(() => undefined);
    const stop = new Stop();
    const answer = failure(ask(origin, NOTHING, stop));
    await until("it is at the upstream", () => sockets.length === 1);
    const closed = new Promise((resolve) => sockets[0]?.once("close", resolve));
    stop.stop(new Error("enough"));
    await closed;

    expect(await answer).toMatchObject({ message: "enough" });
    expect(await failure(ask(origin, NOTHING, stop))).toMatchObject({ message: "enough" });
    expect(sockets).toHaveLength(1);
  });
});

const SYN_SENT = "02";
/** Connections that the kernel still tries to make. */
function attempts(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  return lines.filter((line) => line.includes(`:${hex} ${SYN_SENT} `)).length;
}
const describePython = requirement("a host that is gone", Bun.which("python3") !== null, "needs python3");

describePython("an address that does not answer", () => {
  test("is given up in time", async () => {
    const { child, port } = await silentListener();
    const origin = `http://127.0.0.1:${port}`;
    const error = await failure(connections.ask(origin, QUESTION, 200, new Stop()));
    child.kill();

    expect(error).toBeInstanceOf(ConnectTimeout);
  });

  test("attempts that are given up end then, all but the first; once it answers it is asked", async () => {
    const { child, port } = await silentListener();
    const origin = `http://127.0.0.1:${port}`;
    const before = attempts(port);
    for (let count = 0; count < 5; count++)
      expect(await failure(connections.ask(origin, QUESTION, 50, new Stop()))).toBeInstanceOf(ConnectTimeout);
    const left = new Stop();
    const asked = failure(connections.ask(origin, QUESTION, CONNECT_MS, left));
    await until("another goes on", () => attempts(port) === before + 2);
    left.stop(new Error("its client has left"));
    expect(String(await asked)).toContain("left");

    await until("they have ended", () => attempts(port) <= before + 1);
    child.kill();
    await child.exited;
    expect(await failure(connections.ask(origin, QUESTION, CONNECT_MS, new Stop()))).toMatchObject({
      code: "ECONNREFUSED",
    });
    server = createServer((socket) => socket.once("data", () => socket.write(OK)));
    await new Promise<void>((resolve) => server?.listen(port, "127.0.0.1", () => resolve()));
    expect(await textOf(origin)).toBe("{}");
  });
});

describe("an answer", () => {
  const UNFRAMED = "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n\r\nhalf";

  test.each([
    ["closed", (socket: Socket): unknown => socket.end(), null],
    ["reset", (socket: Socket): unknown => socket.resetAndDestroy(), ConnectionClosed],
  ] as const)("without framing ends when its connection is %s", async (_, end, error) => {
    const origin = await upstream((socket) => socket.write(UNFRAMED));
    const answer = await ask(origin);
    expect(Buffer.from((await answer.read()) ?? []).toString()).toBe("half");
    end(sockets[0]!);
    const last = await failure((async () => answer.read())());

    if (error) expect(last).toBeInstanceOf(error);
    else expect(last).toBe("null");
  });

  test.each([
    ["of a known length", `content-length: ${64 * MIB}`],
    ["without framing", "connection: close"],
  ])("%s that is not read stalls its upstream, and arrives whole when it is read", async (_, header) => {
    let written = 0;
    const origin = await upstream((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n`);
      const piece = Buffer.alloc(MIB, "x");
      const speak = () => {
        while (written < 64 * MIB) {
          written += MIB;
          if (!socket.write(piece)) return void socket.once("drain", speak);
        }
        socket.end();
      };
      speak();
    });
    const answer = await ask(origin);
    let before = -1;
    await until("it has stalled", async () => {
      const isSame = written === before;
      before = written;
      await Bun.sleep(100);
      return isSame && written === before;
    });
    expect(written).toBeLessThan(32 * MIB);
    let size = 0;
    for (let piece = await answer.read(); piece; piece = await answer.read()) size += piece.byteLength;

    expect(size).toBe(64 * MIB);
  });

  test("that comes before the upload has ended ends the upload", async () => {
    const origin = await upstream((socket) => socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}"));
    let isCancelled = false;
    const content = new ReadableStream<Uint8Array>({
      pull: () => new Promise(() => undefined),
      cancel() {
        isCancelled = true;
      },
    });
    const answer = await ask(origin, { content, length: 5 });

    expect([answer.status, Buffer.from(await answer.whole()).toString()]).toEqual([413, "{}"]);
    await until("the upload is cancelled", () => isCancelled);
  });
});

test("connections of streamed bodies do not pile up: one is kept", async () => {
  const origin = await upstream((socket) => setTimeout(() => socket.write(OK), 50));
  const content = () => new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  const answers = Array.from({ length: 5 }, () => ask(origin, { content: content(), length: null }));
  for (const answer of await Promise.all(answers)) await answer.whole();
  const open = () => sockets.filter((socket) => !socket.closed).length;
  await until("the others are closed", () => open() === 1);

  expect(await textOf(origin)).toBe("{}");
  expect([sockets.length, open()]).toEqual([5, 1]);
});

test("an upload waits for an upstream that does not read", async () => {
  let taken = 0;
  const origin = await upstream((socket) => {
    socket.pause();
  });
  let handed = 0;
  const content = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (handed >= 64 * MIB) return controller.close();
        handed += MIB;
        controller.enqueue(new Uint8Array(MIB));
      },
    },
    { highWaterMark: 0 },
  );
  const answer = ask(origin, { content, length: null });
  await until("the first of it is there", () => sockets.length === 1);
  sockets[0]?.on("data", (data) => {
    taken += data.length;
    if (data.toString("latin1").endsWith("0\r\n\r\n")) sockets[0]?.write(OK);
  });
  let before = -1;
  await until("it has stalled", async () => {
    const isSame = handed === before;
    before = handed;
    await Bun.sleep(50);
    return isSame && handed === before;
  });
  expect(handed).toBeLessThan(32 * MIB);
  sockets[0]?.resume();

  expect((await answer).status).toBe(200);
  expect(taken).toBeGreaterThan(32 * MIB);
  expect(handed).toBe(64 * MIB);
});
