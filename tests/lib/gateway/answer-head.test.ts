/** Heads of answers, as upstreams write them and as none should. */
import { describe, expect, test } from "bun:test";
import { answerHead, BadAnswer } from "../../../lib/gateway/answer-head.ts";

const head = (text: string, method = "POST") => answerHead(Buffer.from(text, "latin1"), method);
const OK = "HTTP/1.1 200 OK\r\n";

test("status, headers in lower case, and where the body begins", () => {
  const text = `${OK}Content-Type: application/json\r\nX-A:  b: c \r\nx-a: d\r\ncontent-length: 5\r\n\r\n`;

  expect(head(`${text}hello`)).toEqual({
    status: 200,
    headers: { "content-type": "application/json", "x-a": "b: c, d", "content-length": "5" },
    framing: 5,
    keepsOpen: true,
    bytes: text.length,
  });
});

test("only spaces and tabs around a value are not part of it", () => {
  // The second byte of a letter may be what JavaScript takes for a space.
  const value = Buffer.from("voil\u00e0").toString("latin1");
  const { headers } = head(`${OK}x-a: \t${value} \t\r\nx-b:\r\nx-c: \t \r\ncontent-length: 0\r\n\r\n`)!;

  expect([headers["x-a"], headers["x-b"], headers["x-c"]]).toEqual([value, "", ""]);
});

test("waits for all of it, at every cut", () => {
  const text = `HTTP/1.1 103 Early\r\nlink: x\r\n\r\n${OK}content-length: 0\r\n\r\n`;
  for (let at = 1; at < text.length; at++) expect([at, head(text.slice(0, at))]).toEqual([at, null]);
  expect(head(text)).toMatchObject({ status: 200, headers: { "content-length": "0" }, bytes: text.length });
});

test("a header named as what every object has is a header like any other", () => {
  const { headers } = head(`${OK}constructor: y\r\n__proto__: z\r\ntoString: s\r\ncontent-length: 0\r\n\r\n`)!;
  const said: [string, string][] = [
    ["constructor", "y"],
    ["__proto__", "z"],
    ["tostring", "s"],
  ];
  expect(Object.entries(headers)).toEqual([...said, ["content-length", "0"]]);
});

test("interim answers without end are no answer", () => {
  const interim = "HTTP/1.1 100 Continue\r\n\r\n";
  expect(head(`${interim.repeat(16)}${OK}content-length: 0\r\n\r\n`)).toMatchObject({ status: 200 });
  for (const times of [17, 60_000]) expect(() => head(interim.repeat(times))).toThrow(BadAnswer);
});

describe("where the body ends", () => {
  test.each([
    ["a length", `${OK}content-length: 7\r\n\r\n`, "POST", 7, true],
    ["the same length twice", `${OK}content-length: 7\r\ncontent-length: 7\r\n\r\n`, "POST", 7, true],
    ["chunks", `${OK}transfer-encoding: Chunked\r\n\r\n`, "POST", "chunks", true],
    [
      "chunks, whatever length is told beside",
      `${OK}content-length: 7\r\ntransfer-encoding: chunked\r\n\r\n`,
      "POST",
      "chunks",
      true,
    ],
    ["neither", `${OK}\r\n`, "POST", "close", false],
    ["a connection that closes", `${OK}connection: x, Close\r\ncontent-length: 7\r\n\r\n`, "POST", 7, false],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 7\r\n\r\n", "POST", 7, false],
    ["no reason", "HTTP/1.1 200\r\ncontent-length: 7\r\n\r\n", "POST", 7, true],
    ["HEAD", `${OK}content-length: 7\r\n\r\n`, "HEAD", 0, true],
    ["204", "HTTP/1.1 204 No Content\r\n\r\n", "POST", 0, true],
    ["304", "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n", "POST", 0, true],
  ] as const)("%s", (_, text, method, framing, keepsOpen) => {
    expect(head(text, method)).toMatchObject({ framing, keepsOpen });
  });

  test("the length beside chunks is passed on to nobody", () => {
    expect(head(`${OK}content-length: 7\r\ntransfer-encoding: chunked\r\n\r\n`)?.headers).toEqual({
      "transfer-encoding": "chunked",
    });
  });
});

describe("is no answer:", () => {
  test.each([
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["another protocol, from its first byte", "S"],
    ["another version", "HTTP/2.0 200 OK\r\n\r\n"],
    ["no status", "HTTP/1.1 OK\r\n\r\n"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["another protocol from here on", "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n"],
    ["a line without a colon", `${OK}nothing\r\n\r\n`],
    ["a header without a name", `${OK}: x\r\n\r\n`],
    ["a space before the colon", `${OK}content-length : 7\r\n\r\n`],
    ["a header that goes on in the next line", `${OK}x-a: b\r\n c: d\r\n\r\n`],
    ["two different lengths", `${OK}content-length: 7\r\ncontent-length: 8\r\n\r\n`],
    ["a negative length", `${OK}content-length: -7\r\n\r\n`],
    ["an empty length", `${OK}content-length:\r\n\r\n`],
    ["a length in hexadecimal", `${OK}content-length: 0x7\r\n\r\n`],
    ["a coding that is not known", `${OK}transfer-encoding: gzip, chunked\r\n\r\n`],
    ["a head without an end", `${OK}x-a: ${"b".repeat(70_000)}`],
  ])("%s", (_, text) => {
    expect(() => head(text)).toThrow(BadAnswer);
  });
});
