/** What is held back of an answer and what is not: the upstream sends its second piece only after the client has the first. */
import { afterEach, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { Connections } from "../../../lib/gateway/connections.ts";
import { PATIENCE } from "../../../lib/gateway/patience.ts";
import { Passage } from "../../../lib/gateway/proxy.ts";

let server: Server | null = null;
const connections = new Connections();
afterEach(() => {
  connections.close();
  server?.close();
  server = null;
});

const FIRST = "data: 1\n\n";
const SECOND = "data: 2\n\n";
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

test.each([
  ["chunked JSON", "application/json", "transfer-encoding: chunked", chunk],
  ["chunked events", "text/event-stream", "transfer-encoding: chunked", chunk],
  [
    "events with a length",
    "text/event-stream",
    `content-length: ${FIRST.length + SECOND.length}`,
    (text: string) => text,
  ],
])("%s go on as they come", async (_, type, framing, framed) => {
  const asked = Promise.withResolvers<Socket>();
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => asked.resolve(socket));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const request = new Request("http://localhost/v1/x", { method: "POST" });
  const passage = new Passage(request, { name: "It", origin, host: null }, PATIENCE.text, connections, () => undefined);
  const answer = passage.forward("/v1/x", { content: null, length: null });
  const socket = await asked.promise;
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${framing}\r\n\r\n${framed(FIRST)}`);
  const reader = (await answer).body!.getReader();
  const read = async () => Buffer.from((await reader.read()).value ?? []).toString();

  expect(await read()).toBe(FIRST);
  socket.write(`${framed(SECOND)}${framed === chunk ? "0\r\n\r\n" : ""}`);
  expect(await read()).toBe(SECOND);
  expect(await read()).toBe("");
});
