/** The deadlines of one request, with an upstream that takes its time. */
import { afterEach, describe, expect, test } from "bun:test";
import type { Fault } from "../../../lib/fault.ts";
import { Connections } from "../../../lib/gateway/connections.ts";
import type { Patience } from "../../../lib/gateway/patience.ts";
import { Passage } from "../../../lib/gateway/proxy.ts";
import type { Outcome } from "../../../lib/gateway/relay.ts";
import { until } from "../../support/until.ts";

const PATIENT: Patience = { connectMs: 5_000, firstByteMs: 5_000, silenceMs: 5_000, totalMs: 5_000, mostBytes: 1_000 };
let server: Bun.Server<undefined> | null = null;
afterEach(async () => {
  await server?.stop(true);
  server = null;
});

/** A request without a body to an upstream of that kind. */
function ask(patience: Partial<Patience>, answer: (request: Request) => Response | Promise<Response>) {
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch: answer });
  const ends: Outcome[] = [];
  const upstream = { name: "The service", origin: `http://127.0.0.1:${server.port}`, host: null };
  const request = new Request("http://localhost/v1/x", { method: "POST" });
  const passage = new Passage(request, upstream, { ...PATIENT, ...patience }, new Connections(), (outcome) =>
    ends.push(outcome),
  );
  return { ends, answer: passage.forward("/v1/x", { content: null, length: null }) };
}

/** Pieces at such intervals in milliseconds; the last one never comes. */
const speaking = (intervals: readonly number[], type = "text/event-stream") =>
  new Response(
    new ReadableStream({
      async pull(controller) {
        const at = intervals.indexOf(left[0]!);
        if (at === -1) return new Promise(() => undefined);
        await Bun.sleep(left.shift()!);
        controller.enqueue(new TextEncoder().encode("data: x\n\n"));
      },
    }),
    { headers: { "content-type": type } },
  );
let left: number[] = [];
const speak = (intervals: readonly number[], type?: string) => {
  left = [...intervals];
  return speaking(intervals, type);
};

describe("an upstream that", () => {
  test("does not begin to answer in time: 504, and nothing is left running", async () => {
    let aborted = false;
    const { ends, answer } = ask({ firstByteMs: 40 }, (request) => {
      request.signal.addEventListener("abort", () => {
        aborted = true;
      });
      return new Promise(() => undefined);
    });

    expect(await answer.catch((fault: Fault) => fault)).toMatchObject({ kind: "timeout", code: "upstream_timeout" });
    expect(ends).toEqual(["failed"]);
    await until("the upstream is told", () => aborted);
  });

  test("begins to answer before it has the whole upload: what comes after the upload is no late beginning", async () => {
    server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch: () => speak(Array(8).fill(40)) });
    const ends: Outcome[] = [];
    const upstream = { name: "The service", origin: `http://127.0.0.1:${server.port}`, host: null };
    const request = new Request("http://localhost/v1/x", { method: "POST" });
    const patience = { ...PATIENT, firstByteMs: 120, silenceMs: 400 };
    const passage = new Passage(request, upstream, patience, new Connections(), (outcome) => ends.push(outcome));
    const content = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      async pull(controller) {
        await Bun.sleep(100);
        controller.close();
        passage.uploaded(10);
      },
    });

    const answer = await passage.forward("/v1/x", { content, length: null });
    const text = await answer.text();

    // All that it says, until it falls silent.
    expect(text.split("data: x").length - 1).toBe(8);
    expect(text).toContain("fell silent");
    expect(ends).toEqual(["failed"]);
  });

  test("answers while the upload is still open, and falls silent: an error event says so", async () => {
    server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch: () => speak([1, 1]) });
    const ends: Outcome[] = [];
    const upstream = { name: "The service", origin: `http://127.0.0.1:${server.port}`, host: null };
    const request = new Request("http://localhost/v1/x", { method: "POST" });
    const patience = { ...PATIENT, silenceMs: 40 };
    const passage = new Passage(request, upstream, patience, new Connections(), (outcome) => ends.push(outcome));
    const content = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(10)) });

    const answer = await passage.forward("/v1/x", { content, length: null });

    expect(await answer.text()).toContain("fell silent");
    expect(ends).toEqual(["failed"]);
  });

  test("falls silent in its events: an error event says so", async () => {
    const { ends, answer } = ask({ silenceMs: 40 }, () => speak([1, 1]));
    const text = await (await answer).text();

    expect(text).toStartWith("data: x\n\ndata: x\n\n");
    expect(text).toContain('"code":"upstream_timeout"');
    expect(text).toContain("fell silent");
    expect(ends).toEqual(["failed"]);
  });

  test("falls silent in other bytes: the body breaks", async () => {
    const { answer } = ask({ silenceMs: 40 }, () => speak([1], "audio/pcm"));
    const response = await answer;

    expect(await response.text().catch((error: unknown) => error)).toMatchObject({ code: "upstream_timeout" });
  });

  test("keeps speaking, but never comes to an end: it is cut at the total", async () => {
    const { answer } = ask({ totalMs: 1_500, silenceMs: 1_000 }, () =>
      speak(Array.from({ length: 100 }, (_, at) => 40 + at / 100)),
    );
    const text = await (await answer).text();

    expect(text).toContain("did not finish its answer");
  });

  test("waits for a client that takes its time is not silent", async () => {
    const { ends, answer } = ask({ silenceMs: 30, totalMs: 5_000 }, () => new Response(new Uint8Array(3_000_000)));
    const reader = (await answer).body!.getReader();
    let size = (await reader.read()).value!.length;
    await Bun.sleep(150);
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) size += piece.value.length;

    expect(size).toBe(3_000_000);
    expect(ends).toEqual(["complete"]);
  });
});

test("an answer that nobody reads gives its place back when the client leaves, and at the total", async () => {
  const leaver = new AbortController();
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: () => new Response(new Uint8Array(30_000_000)),
  });
  const upstream = { name: "The service", origin: `http://127.0.0.1:${server.port}`, host: null };
  const ends: Outcome[] = [];
  const pass = (patience: Partial<Patience>) =>
    new Passage(
      new Request("http://localhost/v1/x", { method: "POST", signal: leaver.signal }),
      upstream,
      { ...PATIENT, ...patience },
      new Connections(),
      (outcome) => ends.push(outcome),
    ).forward("/v1/x", { content: null, length: null });
  const [unread, late] = await Promise.all([pass({}), pass({ totalMs: 1_000 })]);
  await until("the total has passed", () => ends.length === 1);
  leaver.abort();

  expect(ends).toEqual(["failed", "left"]);
  expect([unread.status, late.status]).toEqual([200, 200]);
});

test("what would become a line end on its way to the upstream is refused, and nothing is sent", async () => {
  const asked: Request[] = [];
  const fetch = (request: Request) => {
    asked.push(request);
    return new Response();
  };
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
  const upstream = { name: "The service", origin: `http://127.0.0.1:${server.port}`, host: null };
  const passage = new Passage(
    new Request("http://localhost/v1/x"),
    upstream,
    PATIENT,
    new Connections(),
    () => undefined,
  );
  // Written as latin1, U+010A would be a line feed.
  const path = "/v1/x HTTP/1.1\u010d\u010aX: 1";
  const error = await passage.forward(path, { content: null, length: null }).catch((fault: Fault) => fault);

  expect(error).toMatchObject({ kind: "malformed", code: "header_malformed" });
  expect(asked).toEqual([]);
});
