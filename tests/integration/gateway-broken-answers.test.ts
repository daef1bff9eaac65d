/** An upstream that ends in the middle: whichever way and whatever it was saying, the client never takes it for an end. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { type GatewayApp, MODEL, startGatewayApp } from "../support/gateway-app.ts";
import { opened, parsed, whole } from "../support/raw-http.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

/** A busy machine may delay any one of them: what counts is how soon it can be. */
const ATTEMPTS = 3;
const SOON_MS = 100;

let app: GatewayApp | null = null;
let server: Server | null = null;
const sockets = new Set<Socket>();
afterEach(async () => {
  await app?.close();
  for (const socket of sockets) socket.destroy();
  server?.close();
  app = server = null;
});

async function begin(speak: (socket: Socket) => void): Promise<{ port: number; app: GatewayApp }> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => speak(socket));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  app = await startGatewayApp({ upstream: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` });
  return { port: Number(new URL(app.url).port), app };
}

const head = (type: string, framing: string, more = "") =>
  `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${more}${framing}\r\n\r\n`;
const CHUNKED = "transfer-encoding: chunked";
const LONG = "content-length: 1000000";
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const SAYING: Readonly<Record<string, string>> = {
  "events in chunks": head("text/event-stream", CHUNKED) + chunk("data: 1\n\n"),
  "events of a known length": `${head("text/event-stream", LONG)}data: 1\n\n`,
  "events that are compressed": head("text/event-stream", CHUNKED, "content-encoding: gzip\r\n") + chunk("half"),
  "JSON in chunks": head("application/json", CHUNKED) + chunk('{"half":'),
  "a long JSON": `${head("application/json", LONG)}{"half":`,
  "audio in chunks": head("audio/mpeg", CHUNKED) + chunk("half"),
  "an event cut in its middle": head("text/event-stream", CHUNKED) + chunk('data: 1\n\ndata: {"never to be seen'),
  "events until it closes": `${head("text/event-stream", "connection: close")}data: 1\n\n`,
  "events until it closes, cut in the middle of one": `${head("text/event-stream", "connection: close")}data: 1\n\ndata: {"never to be seen`,
  "events in HTTP/1.0": "HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n",
  "a chunk cut in its middle": `${head("audio/mpeg", CHUNKED)}ff\r\nhalf`,
};
const ENDING: Readonly<Record<string, (socket: Socket) => void>> = {
  closes: (socket) => socket.end(),
  resets: (socket) => socket.resetAndDestroy(),
  "breaks the framing of": (socket) => socket.end("zz\r\n"),
};
const KINDS = Object.keys(SAYING).flatMap((what) =>
  Object.keys(ENDING)
    // Bytes of a known length have no framing to break.
    .filter((how) => how !== "breaks the framing of" || SAYING[what]!.includes(CHUNKED))
    .filter((how) => how !== "breaks the framing of" || what !== "a chunk cut in its middle")
    .map((how) => [how, what] as const),
);

describe("an upstream that", () => {
  test.each(KINDS)("%s %s is told or seen at once, never a clean end", async (how, what) => {
    const talking: Socket[] = [];
    const { port, app } = await begin((socket) => {
      socket.write(SAYING[what]!);
      talking.push(socket);
    });
    const body = JSON.stringify({ model: MODEL });
    const times: number[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const client = await opened(port);
      const ended = whole(client);
      let got = "";
      client.on("data", (data) => {
        got += data.toString("latin1");
      });
      client.write(
        `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      await until(
        "the answer has begun",
        () => talking.length > attempt && (got.includes("half") || got.includes("data: ")),
      );
      const at = performance.now();
      ENDING[how]?.(talking[attempt]!);
      const answer = parsed(await ended);
      times.push(performance.now() - at);
      const isTold = answer.body.includes('event: error\ndata: {"error":{"message":"');

      expect([answer.isComplete, isTold]).toEqual(
        what.includes("event") && !what.includes("compressed") ? [true, true] : [false, false],
      );
      expect(answer.body.includes("never to be seen")).toBe(false);
    }
    await until("nothing is in flight", () => app.gateway.load().every(({ inFlight }) => inFlight === 0));

    expect(Math.min(...times)).toBeLessThan(SOON_MS);
    expect(app.ended.map(({ outcome }) => outcome)).toEqual(Array(ATTEMPTS).fill("failed"));
  });

  test.each([
    ["resets", "audio", head("audio/mpeg", "connection: close")],
    ["resets", "compressed events", head("text/event-stream", "connection: close", "content-encoding: gzip\r\n")],
    ["resets", "JSON", "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n"],
    ["closes", "audio", head("audio/mpeg", "connection: close")],
    ["closes", "compressed events", head("text/event-stream", "connection: close", "content-encoding: gzip\r\n")],
    ["closes", "JSON", "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n"],
  ])(
    "%s %s without framing: a reset is no end, and the orderly end of the connection is one",
    async (how, _, begun) => {
      const { port, app } = await begin((socket) => {
        socket.write(`${begun}half`);
        setTimeout(() => ENDING[how]?.(socket), 30);
      });
      const client = await opened(port);
      const ended = whole(client);
      client.write(
        "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
      );
      const answer = parsed(await ended);

      expect([answer.body.toString(), answer.isComplete]).toEqual(["half", how === "closes"]);
      expect(app.ended.map(({ outcome }) => outcome)).toEqual([how === "closes" ? "complete" : "failed"]);
    },
  );

  test.each([
    ["a short answer", "content-length: 2\r\n\r\n{}"],
    ["a long one", `content-type: audio/mpeg\r\n${CHUNKED}\r\n\r\n${chunk("half")}`],
    ["one without a body", "content-length: 0\r\n\r\n"],
  ])("has a line feed in a header of %s: 502, counted as its failure", async (_, rest) => {
    const { port, app } = await begin((socket) => socket.write(`HTTP/1.1 200 OK\r\nx-a: b\nx-b: c\r\n${rest}`));
    const client = await opened(port);
    const ended = whole(client);
    client.write(
      "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    );

    expect(parsed(await ended).status).toBe(502);
    expect(app.ended.map(({ outcome, fault }) => [outcome, fault?.code])).toEqual([["failed", "upstream_failed"]]);
  });

  test("closes while the client still sends its body: 502", async () => {
    const { port } = await begin((socket) => socket.resetAndDestroy());
    const client = await opened(port);
    const ended = whole(client);
    client.write(
      "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n",
    );
    client.write("x".repeat(100_000));

    expect(parsed(await ended).status).toBe(502);
  });
});
