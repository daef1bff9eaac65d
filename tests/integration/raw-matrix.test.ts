/** Requests on bare sockets: each is answered as docs/GATEWAY.md says, and none reaches an upstream that should not. */
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:net";
import { type GatewayApp, startGatewayApp } from "../support/gateway-app.ts";
import { opened } from "../support/raw-http.ts";
import { until } from "../support/until.ts";
import { BODY, CASES, CHAT } from "./raw-matrix/cases.ts";

setDefaultTimeout(30_000);
const IDLE_SECONDS = 1;
/** Its body is read before it is passed on. */
const RERANK = "/v1/rerank";
/** Longer than a request whose connection may not be silent. */
const LATE_MS = 100;

/** What came to the upstream, by connection. */
const got: { text: string }[] = [];
const upstream = createServer((socket) => {
  const record = { text: "" };
  got.push(record);
  socket.on("error", () => undefined);
  socket.on("data", (data) => {
    record.text += data.toString("latin1");
    if (!isWhole(record.text)) return;
    const answer = /x-streamed: 1/i.test(record.text)
      ? "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
      : "content-length: 2\r\n\r\n{}";
    const send = () => socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${answer}`);
    if (/x-late: 1/i.test(record.text)) setTimeout(send, LATE_MS);
    else send();
  });
});

/** Whether the last request of ours is there: it has a length, or chunks. */
function isWhole(text: string): boolean {
  const [head = "", body = ""] = text.slice(text.lastIndexOf("POST /")).split(/\r\n\r\n([\s\S]*)/);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return /transfer-encoding: chunked/i.test(head) ? body.endsWith("0\r\n\r\n") : body.length >= length;
}

const asked = () =>
  got.flatMap(({ text }) => [...text.matchAll(/^([A-Z]+) (\S+) HTTP\/1\.1\r$/gm)].map(([, , path]) => path!));

let app: GatewayApp;
let port: number;
beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", () => resolve()));
  const address = upstream.address();
  app = await startGatewayApp({
    upstream: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    idleTimeout: IDLE_SECONDS,
    pace: { windowMs: 1_500, leastBytes: 100 },
  });
  port = Number(new URL(app.url).port);
});
afterAll(async () => {
  await app.close();
  upstream.close();
});
beforeEach(() => {
  for (const record of got) record.text = "";
});

/** The statuses of what comes back until nothing more does, and whether the connection was closed. */
async function answersTo(sent: string, expected: number): Promise<(number | "closed")[]> {
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
  const statuses = () => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  socket.write(Buffer.from(sent, "latin1"));
  await until("it is answered or closed", () => isClosed || statuses().length >= expected, 20_000);
  // More than was expected would come at once.
  if (!isClosed) await Bun.sleep(30);
  socket.destroy();
  return statuses().length === 0 ? ["closed"] : statuses();
}

describe("a request on a bare socket", () => {
  test.each(CASES.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    const { sent, answers, upstream: paths = [], isOpen = false } = one;
    expect(await answersTo(sent, answers.length)).toEqual([...answers]);
    expect(asked()).toEqual(isOpen && asked().length === 0 ? [] : [...paths]);
    expect(got.map(({ text }) => text).join("")).not.toContain("evil.example");
  });

  test("there are at least forty, each with a name of its own", () => {
    expect(CASES.length).toBeGreaterThanOrEqual(40);
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  });

  test("docs/GATEWAY.md tells each of them", async () => {
    const text = await Bun.file(new URL("../../docs/GATEWAY.md", import.meta.url)).text();
    const rows = CASES.map(({ name, answers, upstream: paths = [], isOpen = false }) => {
      const said = answers.map((one) => (one === "closed" ? "closed without an answer" : one)).join(", then ");
      const reaches = paths.length === 0 ? "nothing" : isOpen ? "the first request, or nothing" : "the request";
      return `| ${name} | ${said} | ${reaches} |`;
    });

    const told = text.replace(/ +/g, " ");
    expect(rows.filter((row) => !told.includes(row))).toEqual([]);
  });
});

describe("a client that takes its time", () => {
  /** Writes one piece after the other. @returns what it was told until its connection was closed */
  async function drips(head: string, piece: string, everyMs: number): Promise<string> {
    const socket = await opened(port);
    let text = "";
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      text += data.toString("latin1");
    });
    socket.write(head);
    const writing = piece === "" ? null : setInterval(() => socket.write(piece), everyMs);
    await new Promise<void>((resolve) => {
      socket.on("close", resolve);
      socket.on("data", () => resolve());
    });
    if (writing) clearInterval(writing);
    await until("it is told", () => text === "" || text.includes("\r\n\r\n"));
    socket.destroy();
    return text.split("\r\n")[0] ?? "";
  }
  const head = (path: string, framing: string) => `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n\r\n`;

  test("is closed or told, and nothing of it is sent on", async () => {
    const long = "Content-Length: 100000";
    const short = `Content-Length: ${BODY.length}`;
    const CLOSED = "";
    const TOLD = "HTTP/1.1 408 Request Timeout";
    const cases = [
      ["says nothing", "", "", 0, CLOSED],
      ["stops within its headers", "POST /v1/chat/completions HTTP/1.1\r\nHost: loc", "", 0, CLOSED],
      ["drips its headers", `POST ${CHAT} HTTP/1.1\r\nX: `, "a", 200, CLOSED],
      ["stops within a short body", head(CHAT, short) + BODY.slice(0, 5), "", 0, CLOSED],
      ["drips a short body", head(CHAT, "Content-Length: 60000"), " ", 200, CLOSED],
      ["stops within a long body", head(CHAT, long), "", 0, TOLD],
      ["drips a long body", head(CHAT, long), " ", 100, TOLD],
      ["drips its chunks", head(CHAT, "Transfer-Encoding: chunked"), "1\r\n \r\n", 100, TOLD],
      ["drips a short question", head(RERANK, `Content-Type: application/json\r\n${short}`), " ", 200, CLOSED],
      ["stops within a long question", head(RERANK, `Content-Type: application/json\r\n${long}`), "", 0, TOLD],
      ["drips a long question", head(RERANK, `Content-Type: application/json\r\n${long}`), " ", 100, TOLD],
      [
        "drips a question's chunks",
        head(RERANK, "Content-Type: application/json\r\nTransfer-Encoding: chunked"),
        "1\r\n \r\n",
        100,
        TOLD,
      ],
    ] as const;
    const said = await Promise.all(
      cases.map(async ([name, begin, piece, everyMs]) => [name, await drips(begin, piece, everyMs)]),
    );

    expect(said).toEqual(cases.map(([name, , , , told]) => [name, told]));
    expect(asked()).toEqual([]);
  });

  test("is closed after an answer that took its time, too", async () => {
    const request = (path: string, more: readonly string[]) =>
      `${head(path, ["X-Late: 1", ...more, `Content-Length: ${BODY.length}`].join("\r\n"))}${BODY}`;
    const firsts = [request(CHAT, []), request(CHAT, ["X-Streamed: 1"]), request("/v1/audio/speech", [])];
    const next = `POST ${CHAT} HTTP/1.1\r\nX: `;
    const cases = firsts.flatMap((first) => [
      [first, "", ""] as const,
      [first, next, ""] as const,
      [first, next, "a"] as const,
    ]);
    const closed = await Promise.all(
      cases.map(async ([first, then, piece]) => {
        const socket = await opened(port);
        let [text, isClosed] = ["", false];
        socket.on("error", () => undefined);
        socket.on("data", (data) => {
          text += data.toString("latin1");
        });
        socket.on("close", () => {
          isClosed = true;
        });
        socket.write(first);
        await until("it is answered", () => text.includes("{}"));
        socket.write(then);
        const writing = piece === "" ? null : setInterval(() => socket.write(piece), 200);
        const deadline = performance.now() + 15_000;
        while (!isClosed && performance.now() < deadline) await Bun.sleep(50);
        if (writing) clearInterval(writing);
        socket.destroy();
        return isClosed;
      }),
    );

    expect(closed).toEqual(cases.map(() => true));
  });

  test("drips its upload to a service, which has begun: 408, and the service is free", async () => {
    expect(await drips(head("/v1/audio/transcriptions", "Transfer-Encoding: chunked"), "1\r\n \r\n", 100)).toBe(
      "HTTP/1.1 408 Request Timeout",
    );
    await until("nothing is in flight", () => app.gateway.load().every(({ inFlight }) => inFlight === 0));
  });

  test("but goes on is waited for, longer than an idle connection is", async () => {
    const size = 200_000;
    const socket = await opened(port);
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
    });
    socket.write(head("/v1/audio/transcriptions", `Content-Length: ${size}`));
    const began = performance.now();
    for (let sent = 0; sent < size; sent += 4_000) {
      socket.write("a".repeat(4_000));
      await Bun.sleep(120);
    }
    await until("it is answered", () => text.includes("\r\n\r\n"));
    socket.destroy();

    expect(performance.now() - began).toBeGreaterThan((IDLE_SECONDS * 1000 + 4_000) * 1.1);
    expect(text).toStartWith("HTTP/1.1 200");
    expect(Math.max(...got.map(({ text: one }) => one.length))).toBeGreaterThan(size);
  });
});
