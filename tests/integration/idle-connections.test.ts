/** Whatever a connection was used for: once it is idle it is closed, like any other. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { listen } from "../../lib/http/listen.ts";
import { createApp } from "../../routes/_app.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { opened } from "../support/raw-http.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);
const IDLE_SECONDS = 1;
/** Bun looks every few seconds. */
const CLOSED_WITHIN_MS = 15_000;

let demo: Demo;
let app: ReturnType<typeof createApp>;
let port: number;
beforeAll(async () => {
  demo = await startDemo();
  app = createApp(demo.plane);
  port = listen(app, { port: 0, hostname: "127.0.0.1", idleTimeout: IDLE_SECONDS }).port!;
});
afterAll(async () => {
  await app.stop(true);
  await demo.close();
});

/** @returns whether the connection is closed once it has been idle after that request */
async function isClosedAfter(line: string, body: string | null, isOver: (text: string) => boolean): Promise<boolean> {
  const socket = await opened(port);
  let text = "";
  let isClosed = false;
  socket.on("data", (data) => {
    text += data.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isClosed = true;
  });
  const framing = body === null ? "" : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n${body ?? ""}`);
  await until("it is answered", () => isOver(text), 30_000);
  expect(isClosed).toBe(false);
  await until("it is closed", () => isClosed, CLOSED_WITHIN_MS).catch(() => undefined);
  socket.destroy();
  return isClosed;
}

test("a connection that waited in silence once, or carried events, is closed when it is idle", async () => {
  const { job_id } = await demo.swap("gpt-oss-20b");
  const held = { holder: "a", ttl_seconds: 600 };
  expect((await demo.post("/api/swap/lock", held)).status).toBe(200);
  const isWhole = (text: string) => text.includes("\r\n\r\n") && /[}\]]$/.test(text);
  const hasEnded = (text: string) => text.endsWith("0\r\n\r\n");
  const cases = [
    ["GET /api/status", null, isWhole],
    ["POST /api/swap/lock?wait=1", JSON.stringify({ ...held, holder: "b" }), isWhole],
    ["POST /api/services/check", "{}", isWhole],
    ["POST /api/services/main/deep-check", "{}", isWhole],
    ["POST /api/services/main/start", "{}", isWhole],
    [`GET /api/swap/${job_id}/stream`, null, hasEnded],
  ] as const;
  const closed = await Promise.all(
    cases.map(async ([line, body, isOver]) => [line, await isClosedAfter(line, body, isOver)]),
  );

  expect(closed).toEqual(cases.map(([line]) => [line, true]));
});
