import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { until } from "./until.ts";

setDefaultTimeout(20_000);

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** What one end has seen. */
class End {
  received = Buffer.alloc(0);
  ended = false;
  closed = false;
  error: string | undefined;

  constructor(readonly socket: Socket) {
    socket.on("data", (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
    });
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("close", () => {
      this.closed = true;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.error = error.code;
    });
    cleanups.push(() => socket.destroy());
  }

  get text(): string {
    return this.received.toString();
  }
}

/** A server that keeps what it hears, and a proxy in front of it. */
async function bench() {
  const servers: End[] = [];
  const server = createServer((socket) => servers.push(new End(socket)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const proxy = await startFaultProxy({ target: () => ({ host: "127.0.0.1", port }) });
  cleanups.push(() => proxy.close());
  return { proxy, servers };
}

function dial(proxy: FaultProxy): End {
  return new End(connect({ host: proxy.host, port: proxy.port }));
}

/** A connection over which a word has gone each way. */
async function conversation() {
  const { proxy, servers } = await bench();
  const client = dial(proxy);
  client.socket.write("hello");
  await until("the server hears it", () => servers[0]?.text === "hello");
  const server = servers[0]!;
  server.socket.write("welcome");
  await until("the client hears the answer", () => client.text === "welcome");
  return { proxy, client, server, servers };
}

test("passes bytes in both directions, and the end of a connection", async () => {
  const { proxy, client, server } = await conversation();
  client.socket.end("bye");
  await until("the server sees the end", () => server.ended);
  expect(server.text).toBe("hellobye");
  await until("nothing is left", () => proxy.open === 0);
});

test("a black hole holds everything back, and gives it in order when the line is back", async () => {
  const { proxy, client, server } = await conversation();
  proxy.blackHole();
  client.socket.write("one ");
  server.socket.write(" two");
  await until("the proxy has both", () => proxy.heldBytes === 8);
  expect([client.text, server.text]).toEqual(["welcome", "hello"]);
  proxy.pass();
  await until("both arrive", () => client.text === "welcome two" && server.text === "helloone ");
});

test("a black hole hides that one end has gone, until the line is back", async () => {
  const { proxy, client, server } = await conversation();
  proxy.blackHole();
  client.socket.write("last words");
  await until("the proxy has them", () => proxy.heldBytes === 10);
  client.socket.destroy();
  await until("the client has gone", () => client.closed);
  expect([server.closed, server.text, proxy.open]).toEqual([false, "hello", 1]);
  proxy.pass();
  await until("the server sees the end", () => server.closed);
  expect(server.text).toBe("hellolast words");
});

test("a connection made into a black hole is accepted and not answered", async () => {
  const { proxy, servers } = await bench();
  proxy.blackHole();
  const client = dial(proxy);
  client.socket.write("anybody?");
  await until("the proxy has the question", () => proxy.heldBytes === 8);
  expect(servers.map(({ text }) => text).join("")).toBe("");
  proxy.pass();
  await until("the server hears it", () => servers[0]?.text === "anybody?");
});

for (const dead of ["to_server", "to_client"] as const)
  test(`half-open: nothing goes ${dead}, the other direction works`, async () => {
    const { proxy, client, server } = await conversation();
    proxy.halfOpen(dead);
    client.socket.write("up");
    server.socket.write("down");
    const heard = () => [client.text, server.text];
    await until("one word arrives", () => heard().some((text) => text.endsWith(dead === "to_server" ? "down" : "up")));
    await until("the other is held", () => proxy.heldBytes === (dead === "to_server" ? 2 : 4));
    expect(heard()).toEqual(dead === "to_server" ? ["welcomedown", "hello"] : ["welcome", "helloup"]);
  });

test("slow: bytes take as long as the rate says, and arrive whole", async () => {
  const { proxy, client, server } = await conversation();
  proxy.slow({ bytesPerSecond: 100_000 });
  const sent = Buffer.alloc(30_000, "0123456789");
  const began = performance.now();
  client.socket.write(sent);
  await until("all arrived", () => server.received.length === 5 + sent.length);
  // 0.3 s, less what a late timer may make up for.
  expect(performance.now() - began).toBeGreaterThan(200);
  expect(server.received.subarray(5).equals(sent)).toBe(true);
});

test("slow: a delay is added in each direction", async () => {
  const { proxy, client, server } = await conversation();
  server.socket.on("data", () => server.socket.write("!"));
  proxy.slow({ delayMs: 60 });
  const began = performance.now();
  client.socket.write("?");
  await until("the answer arrives", () => client.text === "welcome!");
  expect(performance.now() - began).toBeGreaterThanOrEqual(119);
});

test("a sender does not outrun a receiver that reads nothing", async () => {
  const { proxy, client } = await conversation();
  proxy.blackHole();
  client.socket.write(Buffer.alloc(50_000_000));
  await until("the window is full", () => proxy.heldBytes >= 256 * 1024);
  expect(proxy.heldBytes).toBeLessThan(2_000_000);
});

test("a reset reaches both ends as an error; the next connection works", async () => {
  const { proxy, client, server, servers } = await conversation();
  proxy.cut("reset");
  await until("both are closed", () => client.closed && server.closed);
  expect([client.error, server.error]).toEqual(["ECONNRESET", "ECONNRESET"]);
  const next = dial(proxy);
  next.socket.write("again");
  await until("it is heard", () => servers[1]?.text === "again");
  expect([proxy.open, proxy.accepted]).toEqual([1, 2]);
});

test("an orderly end reaches both ends without an error", async () => {
  const { proxy, client, server } = await conversation();
  proxy.cut("end");
  await until("both are closed", () => client.closed && server.closed);
  expect([client.ended, client.error, server.ended, server.error]).toEqual([true, undefined, true, undefined]);
  await until("nothing is left", () => proxy.open === 0);
});

test("refuses new connections and keeps open ones, then accepts on the same port", async () => {
  const { proxy, client, server } = await conversation();
  proxy.refuse();
  const refused = dial(proxy);
  await until("it is refused", () => refused.closed);
  expect(refused.error).toBe("ECONNREFUSED");
  client.socket.write(" still");
  await until("the open one goes on", () => server.text === "hello still");
  await proxy.accept();
  const next = dial(proxy);
  next.socket.write("x");
  await until("two are open", () => proxy.open === 2);
});
