import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { type AppUnderTest, startApp } from "./_app-under-test.ts";

let under: AppUnderTest;
let port: number;
beforeAll(async () => {
  under = await startApp();
  port = under.listen();
});
afterAll(() => under.close());

/** The whole answer to exactly these bytes. */
function ask(lines: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(port, "127.0.0.1", () => socket.write(`${lines.join("\r\n")}\r\n\r\n`));
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.on("end", () => resolve(text));
  socket.on("error", reject);
  return promise;
}
const statusOf = async (lines: readonly string[]) => Number((await ask(lines)).split(" ")[1]);
const get = (...hosts: string[]) => [
  "GET /health HTTP/1.1",
  ...hosts.map((host) => `Host: ${host}`),
  "Connection: close",
];

describe("requests that no client library would send", () => {
  test("a good Host is answered", async () => {
    expect(await statusOf(get("localhost"))).toBe(200);
  });

  test.each(["nas", "pi", "x", "abc", "nas:80"])(
    "a name as short as %s is answered, and guarded like any other",
    async (host) => {
      expect(await statusOf(get(host))).toBe(200);
      const swap = [
        "POST /api/swap HTTP/1.1",
        `Host: ${host}`,
        "Content-Length: 2",
        "Content-Type: application/json",
        "Connection: close",
      ];
      expect(await statusOf([...swap, "Origin: http://evil.example", "", "{}"])).toBe(403);
    },
  );

  test.each([
    ["two different hosts", get("localhost", "evil.example")],
    ["the same host twice", get("localhost", "localhost")],
    ["no host", get()],
    ["no host, HTTP/1.0", ["GET /health HTTP/1.0"]],
    ["an empty host", get("")],
    ["a path in the host", get("x/open?")],
    ["a user in the host", get("localhost@evil.example")],
    ["a space in the host", get("local host")],
    ["a port that is none", get("localhost:x")],
    ["a port beyond 65535", get("localhost:99999")],
    ["two trailing dots", get("localhost..")],
    ["an IPv6 literal without end", get("[::1")],
  ])("%s: 400", async (_, lines) => {
    expect(await statusOf(lines)).toBe(400);
  });

  test("TRACE does not reach a handler", async () => {
    const answer = await ask(["TRACE /health HTTP/1.1", "Host: localhost", "X-Secret: SECRET", "Connection: close"]);

    expect(["405", "501", "400"]).toContain(answer.split(" ")[1]!);
    expect(answer).not.toContain("SECRET");
  });

  test("an absolute target cannot bring in another host", async () => {
    const status = await statusOf([
      "GET http://evil.example/health HTTP/1.1",
      "Host: evil.example",
      "Connection: close",
    ]);

    expect([400, 421]).toContain(status);
  });

  test("dot segments do not carry a foreign page into a guarded route", async () => {
    const lines = [
      "POST /v1/../api/swap HTTP/1.1",
      "Host: localhost",
      "Origin: http://evil.example",
      "Connection: close",
    ];

    expect([403, 404, 405]).toContain(await statusOf([...lines, "Content-Length: 0"]));
  });

  test("an event stream begins with the security headers on it", async () => {
    const response = await fetch(`http://127.0.0.1:${port}/api/events`);
    const first = await response.body!.getReader().read();

    expect(new TextDecoder().decode(first.value)).toStartWith("retry: ");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-type")).toStartWith("text/event-stream");
  });
});
