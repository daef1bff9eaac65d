/** A reranker that does not answer: given up as soon as any other service is. */
import { expect, test } from "bun:test";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Fault } from "../../../lib/fault.ts";
import { Connections } from "../../../lib/gateway/connections.ts";
import { askReranker } from "../../../lib/gateway/rerank.ts";
import { requirement } from "../../support/requirements.ts";
import { silentListener } from "../../support/silent-listener.ts";
import { until } from "../../support/until.ts";

const QUESTION = { query: "x", documents: ["x"] };
const PATIENCE = { connectMs: 200, firstByteMs: 400, silenceMs: 600, totalMs: 5_000 };
const ask = (port: number, document = "x", more: Partial<typeof PATIENCE> = {}) =>
  askReranker(
    new Connections(),
    { name: "the reranker", origin: `http://127.0.0.1:${port}`, host: null },
    { query: "x", documents: [document] },
    new AbortController().signal,
    { patience: { ...PATIENCE, ...more } },
  ).then(
    () => null,
    (error: unknown) => error as Fault,
  );

const describePython = requirement("a host that is gone", Bun.which("python3") !== null, "needs python3");

describePython("a reranker", () => {
  test("whose address does not answer is unreachable once no connection stands in time", async () => {
    const { child, port } = await silentListener();
    const began = performance.now();
    const error = await ask(port);
    child.kill();

    expect(error).toMatchObject({ kind: "upstream", code: "upstream_unreachable" });
    expect(performance.now() - began).toBeLessThan(PATIENCE.firstByteMs);
  });
});

test("a reranker that takes the question and says nothing is given up after the time to the first byte", async () => {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => undefined) });
  const began = performance.now();
  const error = await ask(server.port!);
  await server.stop(true);

  expect(error).toMatchObject({ kind: "timeout", code: "upstream_timeout" });
  expect(error?.message).toContain("did not begin to answer within 0.4 s");
  expect(performance.now() - began).toBeLessThan(PATIENCE.totalMs / 2);
});

const SCORES = '[{"index":0,"score":1}]';

test("its time to the first byte begins when it has all of a long question", async () => {
  const server = createServer((socket) => {
    let got = 0;
    let length = Number.POSITIVE_INFINITY;
    socket.on("error", () => undefined);
    socket.pause();
    setTimeout(() => socket.resume(), 3 * PATIENCE.firstByteMs);
    socket.on("data", (data) => {
      got += data.length;
      if (got === data.length) length = Number(/content-length: (\d+)/.exec(data.toString("latin1"))?.[1]);
      if (got > length) socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${SCORES.length}\r\n\r\n${SCORES}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  // More than any kernel keeps.
  const error = await ask((server.address() as AddressInfo).port, "x".repeat(8 << 20), { silenceMs: 10_000 });
  server.close();

  expect(error).toBeNull();
});

test.each([
  ["reset before its end is known", "upstream_closed", (socket: Socket): unknown => socket.resetAndDestroy()],
  ["ended in good order", null, (socket: Socket): unknown => socket.end()],
])("an answer without framing that is %s", async (_, code, end) => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n${SCORES}`);
      setTimeout(() => end(socket), 20);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const error = await ask((server.address() as AddressInfo).port);
  server.close();

  expect(error?.code ?? null).toBe(code);
});

test("a client that leaves ends the question at the reranker", async () => {
  let isClosed = false;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () => undefined);
    socket.on("close", () => {
      isClosed = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  let isAsked = false;
  server.on("connection", () => {
    isAsked = true;
  });
  const leaves = new AbortController();
  const upstream = {
    name: "the reranker",
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    host: null,
  };
  const asked = askReranker(new Connections(), upstream, QUESTION, leaves.signal).catch((error: unknown) => error);
  await until("it is asked", () => isAsked);
  leaves.abort(new Error("left"));

  expect(await asked).toMatchObject({ message: "left" });
  await until("the reranker sees it", () => isClosed);
  server.close();
});
