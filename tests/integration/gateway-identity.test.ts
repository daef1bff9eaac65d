/** Bodies of any bytes, cut anywhere, framed either way, of any encoding: both directions at once, SHA-256 equal. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { plainBody } from "../../lib/gateway/body.ts";
import { Connections } from "../../lib/gateway/connections.ts";
import { LateBody } from "../../lib/gateway/late-body.ts";
import { PATIENCE } from "../../lib/gateway/patience.ts";
import { Passage } from "../../lib/gateway/proxy.ts";
import { type GatewayApp, MODEL, startGatewayApp } from "../support/gateway-app.ts";
import { exchange, type Framing } from "../support/raw-http.ts";

setDefaultTimeout(120_000);

const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const MIB = 1024 * 1024;

/** What the upstream answers next, and what it was asked. */
let answer: { pieces: readonly Uint8Array[]; framing: Framing; headers: Record<string, string> };
let seen: { sha: string; size: number; framing: string | undefined };
const upstream = createServer(async (request, response) => {
  if (request.url === "/large") return large(request, response);
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  seen = { sha: sha(body), size: body.length, framing: request.headers["transfer-encoding"] ?? "length" };
  const size = answer.pieces.reduce((sum, { length }) => sum + length, 0);
  response.writeHead(200, {
    ...answer.headers,
    ...(answer.framing === "length" ? { "content-length": String(size) } : { "transfer-encoding": "chunked" }),
  });
  for (const piece of answer.pieces) await new Promise<void>((resolve) => response.write(piece, () => resolve()));
  response.end();
});
let app: GatewayApp;
let port: number;

beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", () => resolve()));
  app = await startGatewayApp({ upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` });
  port = Number(new URL(app.url).port);
});
afterAll(async () => {
  await app.close();
  upstream.closeAllConnections();
  upstream.close();
});

/** Cut at these fractions of the whole. */
function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...at.map((part) => Math.floor(part * bytes.length)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).flatMap((end, index) => (end > places[index]! ? [bytes.subarray(places[index]!, end)] : []));
}

const ENCODINGS = {
  gzip: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)),
  deflate: (bytes: Uint8Array) => new Uint8Array(deflateSync(bytes)),
  br: (bytes: Uint8Array) => new Uint8Array(brotliCompressSync(bytes)),
  identity: (bytes: Uint8Array) => bytes,
};
const encoding = fc.constantFrom(...(Object.keys(ENCODINGS) as (keyof typeof ENCODINGS)[]));
const framing = fc.constantFrom<Framing>("length", "chunked");
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }),
  // Around the sizes at which the way of a body changes.
  fc.constantFrom(65_535, 65_536, 65_537, 200_000).map(randomBytes),
);
const type = fc.constantFrom("application/json", "text/event-stream", "audio/mpeg", "text/plain; charset=utf-8");

function randomBytes(size: number): Uint8Array {
  const all = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(all.subarray(at, Math.min(size, at + 65_536)));
  return all;
}

describe("any body", () => {
  test("in either framing, cut anywhere, of any encoding, through a service", async () => {
    await fc.assert(
      fc.asyncProperty(
        bytes,
        cuts,
        framing,
        bytes,
        cuts,
        framing,
        encoding,
        type,
        async (up, upCuts, upFraming, plain, downCuts, downFraming, encoded, contentType) => {
          const down = ENCODINGS[encoded](plain);
          const headers = encoded === "identity" ? {} : { "content-encoding": encoded };
          answer = {
            pieces: cut(down, downCuts),
            framing: downFraming,
            headers: { "content-type": contentType, ...headers },
          };
          const got = await exchange(port, { path: "/v1/audio/transcriptions", framing: upFraming }, cut(up, upCuts));

          expect([seen.size, seen.sha]).toEqual([up.length, sha(up)]);
          expect([got.status, got.isComplete, got.body.length, sha(got.body)]).toEqual([
            200,
            true,
            down.length,
            sha(down),
          ]);
          expect(got.headers.get("content-encoding")).toBe(encoded === "identity" ? undefined : encoded);
          expect(got.headers.get("content-type")).toBe(contentType);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("that is routed by its model, cut anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", maxLength: 400 }),
        fc.nat(3),
        cuts,
        framing,
        async (content, size, upCuts, upFraming) => {
          const padding = "漢é😀".repeat([0, 10, 3_000, 9_000][size]!);
          const text = new TextEncoder().encode(
            JSON.stringify({ messages: [{ content: content + padding }], model: MODEL, x: content }),
          );
          answer = { pieces: [], framing: "length", headers: {} };
          const got = await exchange(port, { path: "/v1/chat/completions", framing: upFraming }, cut(text, upCuts));

          expect([got.status, seen.sha]).toEqual([200, sha(text)]);
        },
      ),
      { numRuns: 80 },
    );
  });
});

describe("UTF-8 cut at every offset", () => {
  const text = `{"model":"${MODEL}","messages":[{"content":"é😀漢字\u{10ffff}"}]}`;
  const whole = new TextEncoder().encode(text);

  test("on its way to a model", async () => {
    answer = { pieces: [], framing: "length", headers: {} };
    for (let at = 1; at < whole.length; at++) {
      await exchange(port, { path: "/v1/chat/completions", framing: "chunked" }, [
        whole.subarray(0, at),
        whole.subarray(at),
      ]);
      expect([at, seen.sha]).toEqual([at, sha(whole)]);
    }
  });

  test("on its way back, as events and as JSON", async () => {
    for (const contentType of ["text/event-stream", "application/json"])
      for (let at = 1; at < whole.length; at++) {
        answer = {
          pieces: [whole.subarray(0, at), whole.subarray(at)],
          framing: "chunked",
          headers: { "content-type": contentType },
        };
        const got = await exchange(port, { path: "/v1/completions", framing: "length" }, [whole]);
        expect([at, got.isComplete, sha(got.body)]).toEqual([at, true, sha(whole)]);
      }
  });
});

/** Pseudo-random bytes that both sides can make: 1 MiB, another for each number. */
function pieceOf(number: number): Uint8Array {
  const piece = new Uint8Array(MIB);
  const words = new Uint32Array(piece.buffer);
  let state = (number + 1) * 2_654_435_761;
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return piece;
}

/** Hashes what it is sent, and answers with as much of its own; the hash of the former is a header of the latter. */
async function large(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const part of request) {
    hash.update(part as Buffer);
    size += (part as Buffer).length;
  }
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "x-sha": hash.digest("hex"),
    ...(request.headers["x-framing"] === "length" ? { "content-length": String(size) } : {}),
  });
  for (let number = 0; number < size / MIB; number++)
    await new Promise<void>((resolve) => response.write(pieceOf(number + 1_000), () => resolve()));
  response.end();
}

describe("a body of 500 MB, on a route without the cap", () => {
  const PIECES = 477;
  let uncapped: Bun.Server<undefined>;
  beforeAll(() => {
    const connections = new Connections();
    const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    uncapped = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      maxRequestBodySize: 2 ** 40,
      async fetch(request) {
        const late = new LateBody();
        const body = await plainBody(request, Number.POSITIVE_INFINITY, late);
        const passage = new Passage(
          request,
          { name: "It", origin, host: null },
          PATIENCE.asr,
          connections,
          () => undefined,
        );
        late.bind(passage);
        return passage.forward("/large", body);
      },
    });
  });
  afterAll(() => uncapped.stop(true));

  test.each(["length", "chunked"] as const)("both directions, %s", async (how) => {
    const sent = createHash("sha256");
    const back = createHash("sha256");
    let number = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (number === PIECES) return controller.close();
        const piece = pieceOf(number++);
        sent.update(piece);
        controller.enqueue(piece);
      },
    });
    const got = await fetch(`http://127.0.0.1:${uncapped.port}/`, {
      method: "POST",
      body,
      headers: { "x-framing": how, ...(how === "length" ? { "content-length": String(PIECES * MIB) } : {}) },
    });
    let size = 0;
    for await (const part of got.body ?? []) {
      back.update(part);
      size += part.length;
    }
    const expected = createHash("sha256");
    for (let at = 0; at < PIECES; at++) expected.update(pieceOf(at + 1_000));

    expect(got.headers.get("x-sha")).toBe(sent.digest("hex"));
    expect([size, back.digest("hex")]).toEqual([PIECES * MIB, expected.digest("hex")]);
    // Bun's server frames a streamed body in chunks, whatever its length.
    expect(got.headers.get("content-length")).toBeNull();
  });
});
