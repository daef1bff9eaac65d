/** Requests that no client library would send, each with the answer that docs/GATEWAY.md gives for it. */
import { MODEL } from "../../support/gateway-app.ts";

export interface Case {
  readonly name: string;
  readonly sent: string;
  /** Statuses in order; then whether the connection was closed without one. */
  readonly answers: readonly (number | "closed")[];
  /** Paths that the upstream was asked for. */
  readonly upstream?: readonly string[];
  /** It may have been asked for them, or not yet when the connection was closed. */
  readonly isOpen?: true;
}

export const CHAT = "/v1/chat/completions";
const SPEECH = "/v1/audio/speech";
export const BODY = JSON.stringify({ model: MODEL });
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const CHUNKS = `${chunk(BODY.slice(0, 7))}${chunk(BODY.slice(7))}0\r\n\r\n`;
/** What an attacker would like to reach the upstream unseen. */
const HIDDEN = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";

const request = (first: string, headers: readonly string[], body = "") => [first, ...headers, "", body].join("\r\n");
const post = (headers: readonly string[], body = "") =>
  request(`POST ${CHAT} HTTP/1.1`, ["Host: localhost", ...headers], body);
const plain = (headers: readonly string[], body = BODY) => post([`Content-Length: ${body.length}`, ...headers], body);
const chunked = (body: string, more: readonly string[] = []) => post(["Transfer-Encoding: chunked", ...more], body);
const line = (first: string, headers: readonly string[] = []) =>
  request(first, ["Host: localhost", `Content-Length: ${BODY.length}`, ...headers], BODY);
const hosts = (...names: string[]) =>
  request(`POST ${CHAT} HTTP/1.1`, [...names.map((name) => `Host: ${name}`), `Content-Length: ${BODY.length}`], BODY);

const PASSES = { answers: [200], upstream: [CHAT] } as const;
const REFUSED = { answers: [400] } as const;

export const CASES: readonly Case[] = [
  { name: "a good request", sent: plain([]), ...PASSES },
  { name: "a good request in chunks", sent: chunked(CHUNKS), ...PASSES },
  {
    name: "two good requests in one write",
    sent: plain([]) + plain([]),
    answers: ["closed"],
    upstream: [CHAT],
    isOpen: true,
  },
  // Where a body ends.
  {
    name: "Content-Length before Transfer-Encoding",
    sent: post(["Content-Length: 4", "Transfer-Encoding: chunked"], CHUNKS + HIDDEN),
    ...REFUSED,
  },
  {
    name: "Transfer-Encoding before Content-Length",
    sent: post(["Transfer-Encoding: chunked", "Content-Length: 4"], CHUNKS + HIDDEN),
    ...REFUSED,
  },
  {
    name: "two different Content-Length",
    sent: post(["Content-Length: 2", `Content-Length: ${BODY.length}`], BODY),
    ...REFUSED,
  },
  { name: "the same Content-Length twice", sent: plain([`Content-Length: ${BODY.length}`]), ...REFUSED },
  { name: "a list of lengths", sent: post([`Content-Length: ${BODY.length}, ${BODY.length}`], BODY), ...REFUSED },
  { name: "a length with a sign", sent: post([`Content-Length: +${BODY.length}`], BODY), ...REFUSED },
  { name: "a negative length", sent: post(["Content-Length: -1"], BODY), ...REFUSED },
  { name: "a length in hexadecimal", sent: post(["Content-Length: 0x10"], BODY), ...REFUSED },
  { name: "a length beyond 2^64", sent: post(["Content-Length: 99999999999999999999999"], BODY), ...REFUSED },
  { name: "an empty length", sent: post(["Content-Length: "]), ...REFUSED },
  {
    name: "a space before the colon of Content-Length",
    sent: post([`Content-Length : ${BODY.length}`], BODY),
    ...REFUSED,
  },
  { name: "a length beyond the route's cap", sent: post(["Content-Length: 70000000"]), answers: [413] },
  {
    name: "a body that is longer than its length",
    sent: plain([], BODY) + HIDDEN,
    answers: ["closed"],
    upstream: [CHAT],
    isOpen: true,
  },
  {
    name: "a request in the body of one that is refused before its end",
    sent: post(["Content-Length: 100000"], `{"model":"nobody","x":"${HIDDEN}${HIDDEN}`),
    answers: [404],
  },
  { name: "an unknown transfer coding", sent: post(["Transfer-Encoding: xchunked"], CHUNKS), ...REFUSED },
  { name: "chunked, then another coding", sent: post(["Transfer-Encoding: chunked, identity"], CHUNKS), ...REFUSED },
  { name: "another coding, then chunked", sent: post(["Transfer-Encoding: gzip, chunked"], CHUNKS), ...REFUSED },
  {
    name: "two Transfer-Encoding",
    sent: post(["Transfer-Encoding: chunked", "Transfer-Encoding: cow"], CHUNKS),
    ...REFUSED,
  },
  {
    name: "a space before the colon of Transfer-Encoding",
    sent: post(["Transfer-Encoding : chunked"], CHUNKS),
    ...REFUSED,
  },
  { name: "a vertical tab in Transfer-Encoding", sent: post(["Transfer-Encoding: \u000bchunked"], CHUNKS), ...REFUSED },
  { name: "chunked twice in a list", sent: post(["Transfer-Encoding: chunked, chunked"], CHUNKS), ...REFUSED },
  { name: "Transfer-Encoding: identity", sent: plain(["Transfer-Encoding: identity"]), ...REFUSED },
  { name: "an empty Transfer-Encoding", sent: plain(["Transfer-Encoding: "]), ...REFUSED },
  { name: "a comma after chunked", sent: post(["Transfer-Encoding: chunked,"], CHUNKS), ...PASSES },
  { name: "Transfer_Encoding with an underscore", sent: plain(["Transfer_Encoding: chunked"]), ...PASSES },
  { name: "a tab before chunked", sent: post(["Transfer-Encoding:\tchunked"], CHUNKS), ...PASSES },
  { name: "CHUNKED in capitals", sent: post(["Transfer-Encoding: CHUNKED"], CHUNKS), ...PASSES },
  {
    name: "chunks in HTTP/1.0",
    sent: request(`POST ${CHAT} HTTP/1.0`, ["Host: localhost", "Transfer-Encoding: chunked"], CHUNKS),
    ...REFUSED,
  },
  // Chunks.
  { name: "a chunk size that is no number", sent: chunked(`zz\r\n${BODY}\r\n0\r\n\r\n`), ...REFUSED },
  { name: "a chunk size with 0x", sent: chunked(`0x${chunk(BODY)}0\r\n\r\n`), ...REFUSED },
  { name: "a negative chunk size", sent: chunked(`-${chunk(BODY)}0\r\n\r\n`), ...REFUSED },
  { name: "a chunk size beyond 2^64", sent: chunked(`fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`), ...REFUSED },
  { name: "a space before a chunk size", sent: chunked(` ${chunk(BODY)}0\r\n\r\n`), ...REFUSED },
  { name: "an empty chunk size", sent: chunked(`\r\n${BODY}\r\n0\r\n\r\n`), ...REFUSED },
  { name: "a chunk that is longer than its size", sent: chunked(`3\r\n${BODY}\r\n0\r\n\r\n`), ...REFUSED },
  { name: "chunks that end with a bare line feed", sent: chunked(CHUNKS.replaceAll("\r\n", "\n")), ...REFUSED },
  {
    name: "a line feed in a chunk extension",
    sent: chunked(`${BODY.length.toString(16)};x\n\r\n${BODY}\r\n0\r\n\r\n`),
    ...REFUSED,
  },
  { name: "a chunk extension", sent: chunked(`${BODY.length.toString(16)};x=y\r\n${BODY}\r\n0\r\n\r\n`), ...PASSES },
  {
    name: "trailers",
    sent: chunked(`${chunk(BODY)}0\r\nX-Trailer: 1\r\nHost: evil.example\r\n\r\n`),
    answers: [400],
    upstream: [CHAT],
    isOpen: true,
  },
  {
    name: "a request in the place of trailers",
    sent: chunked(`${chunk(BODY)}0\r\n${HIDDEN}`),
    answers: [400],
    upstream: [CHAT],
    isOpen: true,
  },
  // Host.
  { name: "two different Host", sent: hosts("localhost", "evil.example"), ...REFUSED },
  { name: "the same Host twice", sent: hosts("localhost", "localhost"), ...REFUSED },
  { name: "no Host", sent: hosts(), ...REFUSED },
  { name: "an empty Host", sent: hosts(""), ...REFUSED },
  { name: "a Host that is not allowed", sent: hosts("evil.example"), answers: [421] },
  { name: "a path in the Host", sent: hosts("localhost/x"), ...REFUSED },
  { name: "a user in the Host", sent: hosts("evil.example@localhost"), ...REFUSED },
  { name: "a port that is none in the Host", sent: hosts("localhost:99999"), ...REFUSED },
  { name: "a Host with a space", sent: hosts("local host"), ...REFUSED },
  // The request line.
  {
    name: "HTTP/1.0",
    sent: request(`POST ${CHAT} HTTP/1.0`, ["Host: localhost", `Content-Length: ${BODY.length}`], BODY),
    ...PASSES,
  },
  {
    name: "HTTP/1.0 without Host",
    sent: request(`POST ${CHAT} HTTP/1.0`, [`Content-Length: ${BODY.length}`], BODY),
    ...REFUSED,
  },
  { name: "HTTP/0.9", sent: "GET /v1/models\r\n\r\n", answers: [505] },
  { name: "HTTP/2.0 in the request line", sent: line(`POST ${CHAT} HTTP/2.0`), answers: [505] },
  { name: "the preface of HTTP/2", sent: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ...REFUSED },
  { name: "a TLS handshake", sent: "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001", ...REFUSED },
  { name: "TRACE", sent: line(`TRACE ${CHAT} HTTP/1.1`), answers: [405] },
  { name: "CONNECT", sent: request("CONNECT evil.example:80 HTTP/1.1", ["Host: localhost"]), answers: [405] },
  { name: "an unknown method", sent: line(`FOO ${CHAT} HTTP/1.1`), answers: ["closed"] },
  { name: "a method in small letters", sent: line(`post ${CHAT} HTTP/1.1`), answers: ["closed"] },
  { name: "GET with a body", sent: line(`GET ${CHAT} HTTP/1.1`), answers: [405] },
  { name: "OPTIONS *", sent: request("OPTIONS * HTTP/1.1", ["Host: localhost"]), ...REFUSED },
  { name: "an absolute target with a foreign name", sent: line(`POST http://evil.example${CHAT} HTTP/1.1`), ...PASSES },
  { name: "a target without a slash", sent: line("POST v1/chat/completions HTTP/1.1"), ...REFUSED },
  { name: "a space in the target", sent: line(`POST ${CHAT} x HTTP/1.1`), answers: [505] },
  { name: "a tab in the target", sent: line(`POST ${CHAT}?a=\tb HTTP/1.1`), answers: [505] },
  { name: "a line feed in the target", sent: line(`POST ${CHAT}?a=\nX: HTTP/1.1`), answers: [505] },
  { name: "HTTP/1.2", sent: line(`POST ${CHAT} HTTP/1.2`), answers: [505] },
  { name: "a NUL in the target", sent: line(`POST ${CHAT}\u0000 HTTP/1.1`), answers: [505] },
  {
    name: "dot segments out of /v1",
    sent: line("POST /v1/../api/swap HTTP/1.1", ["Origin: http://evil.example"]),
    answers: [403],
  },
  { name: "encoded dot segments", sent: line("POST /v1/%2e%2e/metrics HTTP/1.1"), answers: [405] },
  { name: "two slashes before the path", sent: line(`POST /${CHAT} HTTP/1.1`), answers: [415] },
  { name: "a path below the route", sent: line(`POST ${CHAT}/x HTTP/1.1`), answers: [404] },
  { name: "a target of 20,000 bytes", sent: line(`POST ${CHAT}?${"a".repeat(20_000)} HTTP/1.1`), answers: [431] },
  // Headers.
  { name: "a header that goes on in the next line", sent: plain(["X-A: b\r\n c"]), ...REFUSED },
  {
    name: "a space before the first header",
    sent: request(`POST ${CHAT} HTTP/1.1`, [" X: y", "Host: localhost"], ""),
    ...REFUSED,
  },
  { name: "a NUL in a value", sent: plain(["X-A: b\u0000c"]), ...REFUSED },
  { name: "a NUL in a name", sent: plain(["X\u0000A: b"]), ...REFUSED },
  { name: "a line feed in a value", sent: plain(["X-A: b\nX-B: evil.example"]), ...REFUSED },
  {
    name: "a request behind two line feeds in a value",
    sent: plain([`X-A: b\n\n${HIDDEN.replaceAll("\r\n", "\n")}`]),
    ...REFUSED,
  },
  { name: "a line feed after Host", sent: `POST ${CHAT} HTTP/1.1\r\nHost: localhost\nX-B: c\r\n\r\n`, ...REFUSED },
  { name: "a carriage return in a value", sent: plain(["X-A: b\rc"]), ...REFUSED },
  { name: "a space in a name", sent: plain(["X A: b"]), ...REFUSED },
  { name: "an empty name", sent: plain([": b"]), ...REFUSED },
  { name: "a line without a colon", sent: plain(["nothing"]), ...REFUSED },
  { name: "bare line feeds", sent: plain([]).replaceAll("\r\n", "\n"), answers: [505] },
  { name: "300 headers", sent: plain(Array.from({ length: 300 }, (_, at) => `X-${at}: 1`)), answers: [431] },
  { name: "a header of 100,000 bytes", sent: plain([`X: ${"a".repeat(100_000)}`]), answers: [431] },
  { name: "bytes beyond ASCII in a value", sent: plain(["X-A: \u00e9"]), ...PASSES },
  { name: "Connection names Content-Length", sent: plain(["Connection: content-length"]), ...PASSES },
  {
    name: "an upgrade to HTTP/2",
    sent: plain(["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"]),
    ...PASSES,
  },
  { name: "an upgrade to a WebSocket", sent: plain(["Connection: Upgrade", "Upgrade: websocket"]), ...PASSES },
  { name: "Expect: 100-continue", sent: plain(["Expect: 100-continue"]), answers: [100, 200], upstream: [CHAT] },
  { name: "an unknown expectation", sent: plain(["Expect: something"]), ...PASSES },
  { name: "empty lines before the request", sent: `\r\n\r\n${plain([])}`, ...REFUSED },
  { name: "a body without a length", sent: post([], BODY), answers: [400], upstream: [CHAT], isOpen: true },
  {
    name: "speech without a body",
    sent: request(`POST ${SPEECH} HTTP/1.1`, ["Host: localhost"]),
    answers: [200],
    upstream: [SPEECH],
  },
];
