/** What the official client makes of a stream that breaks: an error that says who failed, never a half answer or bad JSON. */
import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import OpenAI, { APIError } from "openai";
import { type GatewayApp, MODEL, startGatewayApp } from "../support/gateway-app.ts";
import { opened, parsed, whole } from "../support/raw-http.ts";

let app: GatewayApp | null = null;
let server: Server | null = null;
const sockets = new Set<Socket>();
afterEach(async () => {
  await app?.close();
  for (const socket of sockets) socket.destroy();
  server?.close();
  app = server = null;
});

/** An upstream that answers with these writes, a moment apart, and then ends in its way. */
async function begin(writes: readonly string[], end: (socket: Socket) => void): Promise<GatewayApp> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.once("data", async () => {
      for (const text of writes) {
        socket.write(text);
        await Bun.sleep(20);
      }
      end(socket);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  app = await startGatewayApp({ upstream: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` });
  return app;
}

const CHUNKED = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const UNFRAMED = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const asIs = (text: string) => text;
const closes = (socket: Socket) => void socket.end();
const resets = (socket: Socket) => void socket.resetAndDestroy();

const token = (content: string) =>
  `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const HALF = token("never").slice(0, 60);
const responsesEvent = (type: string) => `event: ${type}\ndata: ${JSON.stringify({ type, delta: "x" })}\n\n`;

interface Heard {
  readonly count: number;
  readonly error: unknown;
}

async function hear(stream: Promise<AsyncIterable<unknown>>): Promise<Heard> {
  let count = 0;
  try {
    for await (const _ of await stream) count++;
    return { count, error: null };
  } catch (error) {
    return { count, error };
  }
}

const clientOf = ({ url }: GatewayApp) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "x", maxRetries: 0 });
const chat = (of: GatewayApp) =>
  hear(clientOf(of).chat.completions.create({ model: MODEL, messages: [], stream: true }));
const responses = (of: GatewayApp) => hear(clientOf(of).responses.create({ model: MODEL, input: "x", stream: true }));

describe("the upstream breaks off", () => {
  test.each([
    ["between two events, in chunks", CHUNKED, chunk, [token("a")], closes],
    ["in the middle of an event, in chunks", CHUNKED, chunk, [token("a"), HALF], closes],
    ["in the middle of an event, by a reset", CHUNKED, chunk, [token("a"), HALF], resets],
    ["in the middle of an event that came in one piece with a whole one", CHUNKED, chunk, [token("a") + HALF], resets],
    ["without framing, by a reset", UNFRAMED, asIs, [token("a")], resets],
    ["without framing, in the middle of an event", UNFRAMED, asIs, [token("a"), HALF], resets],
    ["without framing, by the end of its process", UNFRAMED, asIs, [token("a")], closes],
  ] as const)("%s: the whole events, then an error that names the upstream", async (_, head, framed, events, end) => {
    const { count, error } = await chat(await begin([head, ...events.map(framed)], end));

    expect(count).toBe(1);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: "upstream_closed", type: "server_error", error: { failed_by: "upstream" } });
  });

  test.each([
    ["in chunks", CHUNKED, chunk],
    ["without framing", UNFRAMED, asIs],
  ] as const)("in the middle of a response, %s", async (_, head, framed) => {
    const events = [responsesEvent("response.output_text.delta"), "event: response.output_text.delta\ndata: {"];
    const { count, error } = await responses(await begin([head, ...events.map(framed)], resets));

    expect(count).toBe(1);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: "upstream_closed" });
  });

  test("in the middle of an event that is too long to be held back: the body breaks", async () => {
    const events = [token("a"), `data: {"choices":"${"x".repeat(600_000)}`];
    const under = await begin([CHUNKED, ...events.map(chunk)], resets);
    const { count, error } = await chat(under);

    expect(count).toBe(1);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(SyntaxError);
    expect(under.ended.at(-1)?.outcome).toBe("failed");
  });
});

describe("the upstream ends in its own way", () => {
  const EVENTS = [token("a"), token("b"), "data: [DONE]\n\n"];

  test.each([
    ["in chunks", `${CHUNKED}`, chunk, "0\r\n\r\n"],
    ["without framing", UNFRAMED, asIs, ""],
    ["in HTTP/1.0", UNFRAMED.replace("HTTP/1.1", "HTTP/1.0"), asIs, ""],
  ] as const)("%s, each event cut in three: every byte arrives", async (_, head, framed, last) => {
    const cut = EVENTS.flatMap((event) => [event.slice(0, 5), event.slice(5, -1), event.slice(-1)]);
    const under = await begin([head, ...cut.map(framed), last].filter(Boolean), closes);
    const socket = await opened(Number(new URL(under.url).port));
    const ended = whole(socket);
    const body = JSON.stringify({ model: MODEL });
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const answer = parsed(await ended);

    expect([answer.isComplete, answer.body.toString()]).toEqual([true, EVENTS.join("")]);
    expect(under.ended.at(-1)?.outcome).toBe("complete");
  });

  test("without framing: the client is content", async () => {
    expect(await chat(await begin([UNFRAMED, ...EVENTS], closes))).toEqual({ count: 2, error: null });
  });
});
