/** What the gateway keeps of bodies in memory: where an upstream takes nothing of an upload, and where a model's name comes last. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type GatewayApp, type GatewayAppOptions, MODEL, startGatewayApp } from "../support/gateway-app.ts";
import { kernelSocket } from "../support/kernel-sockets.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
let app: GatewayApp | null = null;
let server: Server | null = null;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await app?.close();
  server?.close();
  app = server = null;
});

/** @param speak called with each connection to the upstream */
async function begin(speak: (socket: Socket) => void, options: Partial<GatewayAppOptions> = {}) {
  const upstream = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    speak(socket);
  });
  server = upstream;
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", () => resolve()));
  const address = upstream.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  app = await startGatewayApp({ upstream: `http://127.0.0.1:${port}`, ...options });
  return { app, port };
}

function client(url: string, path: string, length: number): Socket {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => undefined);
  socket.write(`POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}\r\n\r\n`);
  return socket;
}

const kernel = requirement("what the kernel knows", existsSync("/proc/net/tcp"), "needs Linux's /proc/net/tcp");
const isIdle = ({ gateway }: GatewayApp) => gateway.load().every(({ inFlight, queued }) => inFlight + queued === 0);

kernel("a client that leaves during its upload", () => {
  /** @param path of a route that takes so much @param restMs how long the client waits before it leaves */
  async function leavesAfter(path: string, length: number, sent: number, restMs: number): Promise<number> {
    let from = 0;
    const { app, port } = await begin((socket) => {
      from = socket.remotePort ?? 0;
      socket.once("data", () => socket.pause());
    });
    const socket = client(app.url, path, length);
    // More than the kernels on the way hold.
    socket.write(path.includes("chat") ? `{"model":"${MODEL}","x":"` : "");
    socket.write(Buffer.alloc(sent, "x"));
    await until("all that was sent is on its way", () => socket.bytesWritten > sent && socket.writableLength === 0);
    expect(kernelSocket(from, port)?.unsent).toBeGreaterThan(0);
    await Bun.sleep(restMs);

    const leftAt = performance.now();
    socket.destroy();
    await until("the upstream's connection is closed", () => kernelSocket(from, port)?.isEstablished !== true);
    const tookMs = performance.now() - leftAt;
    await until("its place is free, and nothing is kept", () => isIdle(app) && app.gateway.keptBytes === 0);
    expect(app.ended.at(-1)?.outcome).toBe("left");
    return tookMs;
  }

  test("while the upstream takes nothing of its upload frees the upstream within 100 ms", async () => {
    expect(await leavesAfter("/v1/audio/transcriptions", 30 * MIB, 20 * MIB, 0)).toBeLessThan(100);
  });

  test.each([
    ["/v1/chat/completions", 60 * MIB],
    ["/v1/audio/transcriptions", 120 * MIB],
  ])(
    "after the upstream of %s has stopped for more than a second, with %i bytes on the way, too",
    async (path, sent) => {
      expect(await leavesAfter(path, sent + MIB, sent, 100)).toBeLessThan(100);
    },
    20_000,
  );
});

test("bodies whose model comes last are kept within one bound for all: 503, and room again once they are sent", async () => {
  const { app } = await begin(() => undefined, { mostKeptBytes: 3 * MIB });
  const text = `{"messages":"${"x".repeat(2 * MIB)}","model":"${MODEL}"}`;
  const first = client(app.url, "/v1/chat/completions", text.length);
  first.write(text.slice(0, -30));
  await until("most of it is kept", () => app.gateway.keptBytes > 1.9 * MIB);
  const second = await fetch(`${app.url}/v1/chat/completions`, { method: "POST", body: text });

  expect([second.status, Number(second.headers.get("retry-after"))]).toEqual([503, 30]);
  expect(((await second.json()) as { error: object }).error).toMatchObject({
    code: "queue_full",
    failed_by: "controller",
  });
  first.destroy();
  await until("nothing is kept for one that left", () => app.gateway.keptBytes === 0);
});

test("what is kept is free once the answer begins", async () => {
  const { app } = await begin((socket) =>
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n")),
  );
  const text = `{"messages":"${"x".repeat(MIB)}","model":"${MODEL}"}`;
  const answer = await fetch(`${app.url}/v1/chat/completions`, { method: "POST", body: text });

  expect([answer.status, app.gateway.keptBytes]).toEqual([200, 0]);
  await answer.body?.cancel();
});

describe("a large body whose request waits for a place", () => {
  const ONE = { inFlight: 1, queue: 5, waitMs: 60_000 };
  const routes = [["/v1/audio/transcriptions"], ["/v1/chat/completions"]] as const;
  const bodyOf = (path: string) => `{"model":"${path.includes("chat") ? MODEL : "x"}","x":"${"y".repeat(30 * MIB)}"}`;

  /** The only place is taken, and that request waits. */
  async function waiting(path: string, more = {}) {
    const got: { socket: Socket; bytes: number; hash: Bun.CryptoHasher }[] = [];
    const { app } = await begin(
      (socket) => {
        const record = { socket, bytes: 0, hash: new Bun.CryptoHasher("sha256") };
        got.push(record);
        socket.on("data", (data) => {
          const at = record.bytes === 0 ? data.indexOf("\r\n\r\n") + 4 : 0;
          record.bytes += data.length - at;
          record.hash.update(data.subarray(at));
        });
      },
      { limits: { audio: ONE, chat: ONE } },
    );
    const first = client(app.url, path, 20);
    first.write(`{"model":"${MODEL}"}`.padEnd(20).slice(0, 20));
    await until("the place is taken", () => app.gateway.load().some(({ inFlight }) => inFlight === 1));
    const text = bodyOf(path);
    const second = client(app.url, `${path}${"query" in more ? more.query : ""}`, text.length);
    second.write(text);
    await until("it waits", () => app.gateway.load().some(({ queued }) => queued === 1));
    return { app, got, first, second, text };
  }

  test.each(routes)("%s: its client is seen to leave within 100 ms", async (path) => {
    const { app, got, second } = await waiting(path);
    await until("all of it is on its way", () => second.writableLength === 0);
    const leftAt = performance.now();
    second.destroy();
    await until("nobody waits", () => app.gateway.load().every(({ queued }) => queued === 0));

    expect(performance.now() - leftAt).toBeLessThan(100);
    expect(got).toHaveLength(1);
    await until("nothing is kept of it", () => app.gateway.keptBytes === 0);
    expect(app.ended.at(-1)?.outcome).toBe("left");
  });

  test.each(routes)("%s: it arrives as it was sent, and nothing is kept", async (path) => {
    const { app, got, first, text } = await waiting(path);
    await until("something of it is kept", () => app.gateway.keptBytes > 0);
    first.destroy();
    await until("all of it is at the upstream", () => got[1]?.bytes === text.length);

    expect(got[1]!.hash.digest("hex")).toBe(new Bun.CryptoHasher("sha256").update(text).digest("hex"));
    got[1]!.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    await until("it is over", () => isIdle(app));
    expect([app.gateway.keptBytes, app.ended.at(-1)?.outcome]).toEqual([0, "complete"]);
  });

  test.each(routes)("%s: nothing is kept of one that may not be sent on", async (path) => {
    const { app, first } = await waiting(path, { query: `?token=sparklock_${"x".repeat(43)}` });
    await until("something of it is kept", () => app.gateway.keptBytes > 0);
    first.destroy();
    await until("it is refused", () => isIdle(app));

    expect(app.ended.at(-1)).toMatchObject({ outcome: "refused", fault: { code: "token_misplaced" } });
    await until("nothing is kept of it", () => app.gateway.keptBytes === 0);
  });
});

describe("a held request whose body still comes", () => {
  const hold = {
    terms: () => ({ waitMs: 60_000, dwellMs: 0, most: 10 }),
    target: () => ({ slot: "main", servingSince: null, isTaken: false }),
    permit: () => undefined,
    begin: () => undefined,
  };
  const HEAD = `{"model":"other","messages":"${"x".repeat(100_000)}`;

  test("takes no place until it is there, so that nothing waits for it", async () => {
    const place = { open: false, served: ["other"] };
    const speak = (socket: Socket) =>
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"));
    const limits = { chat: { inFlight: 1, queue: 0, waitMs: 1_000 } };
    const { app } = await begin(speak, { place, hold, limits });
    const socket = client(app.url, "/v1/chat/completions", HEAD.length + 2);
    let said = "";
    socket.on("data", (data) => {
      said += data.toString();
    });
    socket.write(HEAD);
    await until("what came of it is kept", () => app.gateway.keptBytes === HEAD.length);
    place.open = true;
    app.gateway.line.look();
    await until("it waits for the model no longer", () => app.gateway.line.length === 0);
    await Bun.sleep(20);
    expect(app.gateway.load().every(({ inFlight }) => inFlight === 0)).toBe(true);
    const other = await fetch(`${app.url}/v1/chat/completions`, { method: "POST", body: '{"model":"other"}' });
    expect(other.status).toBe(200);

    socket.write('"}');
    await until("it is answered", () => said.endsWith("{}"));
    expect(said).toStartWith("HTTP/1.1 200");
    await until("its place is free", () => isIdle(app));
  });

  test.each([false, true])(
    "is given up when it drips (its model is loaded: %p): 408, and nothing is kept",
    async (open) => {
      const place = { open: false, served: ["other"] };
      const { app } = await begin(() => undefined, { place, hold, pace: { windowMs: 300, leastBytes: 1_000 } });
      const socket = client(app.url, "/v1/chat/completions", 1_000_000);
      let said = "";
      socket.on("data", (data) => {
        said += data.toString();
      });
      socket.write(HEAD);
      await until("what came of it is kept", () => app.gateway.keptBytes === HEAD.length);
      place.open = open;
      app.gateway.line.look();
      const drips = setInterval(() => socket.write("x"), 50);
      await until("it is refused", () => said !== "");
      clearInterval(drips);

      expect(said).toStartWith("HTTP/1.1 408");
      await until("nothing is kept of it", () => app.gateway.keptBytes === 0 && isIdle(app));
      expect(app.gateway.line.length).toBe(0);
      expect(app.ended.at(-1)).toMatchObject({ outcome: "refused", fault: { code: "upload_too_slow" } });
    },
  );
});

test("a body that was held is kept until its answer begins, also where the upstream takes nothing of it", async () => {
  const place = { open: false, served: ["other"] };
  const hold = {
    terms: () => ({ waitMs: 60_000, dwellMs: 0, most: 10 }),
    target: () => ({ slot: "main", servingSince: null, isTaken: false }),
    permit: () => undefined,
    begin: () => undefined,
  };
  let upstream: Socket | null = null;
  const speak = (socket: Socket) => {
    upstream = socket;
    socket.pause();
  };
  const { app } = await begin(speak, { mostKeptBytes: 20 * MIB, place, hold });
  const text = JSON.stringify({ model: "other", messages: "x".repeat(12 * MIB) });
  const ask = () => fetch(`${app.url}/v1/chat/completions`, { method: "POST", body: text });
  const first = ask();
  await until("it is held, with all of it", () => app.gateway.keptBytes === text.length);
  place.open = true;
  app.gateway.line.look();
  await until("it is on its way", () => upstream !== null);
  await Bun.sleep(50);
  expect(app.gateway.keptBytes).toBe(text.length);

  upstream!.once("data", () => upstream!.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
  upstream!.resume();
  expect([(await first).status, app.gateway.keptBytes]).toEqual([200, 0]);
});
