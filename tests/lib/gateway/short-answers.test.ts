/** Upstreams that answer with far more than they are asked for, where the answer is read whole. */
import { afterEach, expect, test } from "bun:test";
import type { Fault } from "../../../lib/fault.ts";
import { Connections } from "../../../lib/gateway/connections.ts";
import { ModelList } from "../../../lib/gateway/model-list.ts";
import { askReranker } from "../../../lib/gateway/rerank.ts";
import { shortAnswer } from "../../../lib/gateway/short-answer.ts";
import { until } from "../../support/until.ts";

const MIB = 1024 * 1024;
let server: Bun.Server<undefined> | null = null;
afterEach(async () => {
  await server?.stop(true);
  server = null;
});

/** Says the same for ever, until nobody listens. */
function talker(text: string) {
  const seen = { sent: 0, left: false };
  const piece = new TextEncoder().encode(text.repeat(Math.ceil(MIB / text.length)));
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            seen.sent += piece.length;
            controller.enqueue(piece);
          },
          cancel() {
            seen.left = true;
          },
        }),
      ),
  });
  return { seen, port: server.port!, origin: `http://127.0.0.1:${server.port}` };
}

test("a reranker: an error that says so, and nobody reads on", async () => {
  const { seen, origin } = talker('{"results":[ ');
  const upstream = { name: "bge-reranker", origin, host: null };
  const asked = askReranker(
    new Connections(),
    upstream,
    { query: "q", documents: ["a"] },
    new AbortController().signal,
  );

  expect(await asked.catch((fault: Fault) => fault)).toMatchObject({
    kind: "upstream",
    code: "upstream_failed",
    message: "bge-reranker answered with more than 16777216 bytes.",
  });
  await until("it is left", () => seen.left);
});

test("a service in the list of models: listed under its own name", async () => {
  const { seen, port } = talker('{"data":[ ');
  const service = { name: "kokoro", kind: "tts" as const, port, host: null, addresses: async () => ["127.0.0.1"] };
  const list = new ModelList({
    created: 0,
    places: () => [],
    catalog: () => [],
    services: () => [service],
    keyOf: () => null,
  });

  expect(await list.all()).toMatchObject([{ id: "kokoro", loaded: true, where: "kokoro", voices: [] }]);
  await until("it is left", () => seen.left);
});

test("what is as long as it may be is read, letters in two pieces too", async () => {
  const bytes = new TextEncoder().encode("é€😀");
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });

  expect(await shortAnswer("It", body, bytes.length)).toBe("é€😀");
});
