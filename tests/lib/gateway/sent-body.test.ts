/** A body that was kept whole is not kept on while its answer is made, which may take half an hour. */
import { afterEach, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { type Body, namedBody } from "../../../lib/gateway/body.ts";
import { Connections } from "../../../lib/gateway/connections.ts";
import { LateBody } from "../../../lib/gateway/late-body.ts";
import { PATIENCE } from "../../../lib/gateway/patience.ts";
import { Passage } from "../../../lib/gateway/proxy.ts";
import { until } from "../../support/until.ts";

let server: Server | null = null;
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server?.close();
  server = null;
});

/** Answers with one event at once, and never ends. */
async function talker(): Promise<string> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => undefined);
    socket.once("data", () =>
      socket.write(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n",
      ),
    );
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

const text = JSON.stringify({ messages: "x".repeat(100_000), model: "acme/one" });
const BODIES: Readonly<Record<string, (bytes: Uint8Array) => Body | Promise<Body>>> = {
  "bytes that were there already": (bytes) => ({ content: bytes, length: bytes.length }),
  "a stream that was read as far as its model's name": (bytes) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
    const request = new Request("http://localhost/v1/x", { method: "POST", body });
    return namedBody(request, 1_000_000, new LateBody(), null);
  },
};

test.each(Object.keys(BODIES))("%s", async (kind) => {
  const origin = await talker();
  const begin = async () => {
    const bytes = new TextEncoder().encode(text);
    const kept = new WeakRef(bytes);
    const passage = new Passage(
      new Request("http://localhost/v1/x", { method: "POST" }),
      { name: "The model", origin, host: null },
      PATIENCE.chat,
      new Connections(),
      () => undefined,
    );
    const answer = await passage.forward("/v1/x", await BODIES[kind]!(bytes));
    const reader = answer.body!.getReader();
    await reader.read();
    return { kept, reader, passage };
  };
  const { kept, reader, passage } = await begin();

  await until("it is gone", () => {
    Bun.gc(true);
    return kept.deref() === undefined;
  });
  expect(passage.bytesOut).toBeGreaterThan(0);
  await reader.cancel();
});
