/** An upstream that takes no more of an upload: nobody else would notice, for the client may have left behind what it sent. */
import { afterEach, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import type { Fault } from "../../../lib/fault.ts";
import { Connections } from "../../../lib/gateway/connections.ts";
import { Passage } from "../../../lib/gateway/proxy.ts";
import type { Outcome } from "../../../lib/gateway/relay.ts";

const PIECE = new Uint8Array(256 * 1024);
const PIECES = 60;
/** More than is read ahead of an upstream that takes nothing. */
const MANY_PIECES = 200;
let server: Server | null = null;
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server?.close();
  server = null;
});

/** Uploads so much that no kernel keeps it. @param take what the upstream does with its connection */
async function upload(
  silenceMs: number,
  take: (socket: Socket) => void,
  { pieces = PIECES, firstByteMs = 5_000 } = {},
) {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    take(socket);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const ends: Outcome[] = [];
  let isCancelled = false;
  let left = pieces;
  const passage = new Passage(
    new Request("http://localhost/v1/x", { method: "POST" }),
    { name: "The service", origin, host: null },
    { connectMs: 5_000, firstByteMs, silenceMs, totalMs: 30_000, mostBytes: 1_000 },
    new Connections(),
    (outcome) => ends.push(outcome),
  );
  const content = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (left-- > 0) return controller.enqueue(PIECE);
        controller.close();
        passage.uploaded(pieces * PIECE.length);
      },
      cancel() {
        isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  const answer = await passage
    .forward("/v1/x", { content, length: pieces * PIECE.length })
    .catch((fault: Fault) => fault);
  return { answer, ends, isCancelled };
}

test("within its time: 504, the place is free, and the rest of the upload is not wanted", async () => {
  const { answer, ends, isCancelled } = await upload(60, (socket) => socket.once("data", () => socket.pause()), {
    pieces: MANY_PIECES,
  });

  expect(answer).toMatchObject({ kind: "timeout", code: "upstream_timeout" });
  expect((answer as Fault).message).toContain("took no more of the upload");
  expect([ends, isCancelled]).toEqual([["failed"], true]);
});

test("one that takes it slowly is waited for", async () => {
  let got = 0;
  const { answer, ends } = await upload(1_000, (socket) =>
    socket.on("data", (data) => {
      got += data.length;
      socket.pause();
      setTimeout(() => socket.resume(), 5);
      if (got > PIECES * PIECE.length) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    }),
  );

  expect([(answer as Response).status, ends]).toEqual([200, ["complete"]]);
});

test("its time to answer begins when it has the upload, not when the gateway has", async () => {
  let got = 0;
  const firstByteMs = 400;
  const { answer, ends } = await upload(
    5_000,
    (socket) => {
      socket.pause();
      setTimeout(() => socket.resume(), 3 * firstByteMs);
      socket.on("data", (data) => {
        got += data.length;
        if (got > PIECES * PIECE.length) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
      });
    },
    { firstByteMs },
  );

  expect([(answer as Response).status, ends]).toEqual([200, ["complete"]]);
});
