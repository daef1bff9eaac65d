import { afterEach, expect, test } from "bun:test";
import { treaty } from "@elysiajs/eden";
import type { SparkControl } from "../../../lib/client/client.ts";
import { followEvents } from "../../../lib/client/follow-events.ts";
import { countListeners } from "../../support/listeners.ts";
import { until } from "../../support/until.ts";

const SILENCE_MS = 300;
/** Of a client that is never connected. */
const SOMEWHERE = "http://127.0.0.1:9";

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A stream of events that says `beat` six times within what counts as silence, until it is told to fall silent. */
function serveEvents() {
  const streams: ReadableStreamDefaultController<string>[] = [];
  let beats = 0;
  let isSilent = false;
  const say = (event: string, data: object) =>
    streams.at(-1)?.enqueue(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const beating = setInterval(() => {
    if (isSilent || streams.length === 0) return;
    beats += 1;
    say("beat", {});
  }, SILENCE_MS / 6);
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 60,
    fetch() {
      isSilent = false;
      const body = new ReadableStream<string>({ start: (controller) => void streams.push(controller) });
      queueMicrotask(() => say("snapshot", {}));
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
  });
  closing.push(() => clearInterval(beating));
  closing.push(() => void server.stop(true));
  return {
    url: `http://127.0.0.1:${server.port}`,
    say,
    fallSilent: () => {
      isSilent = true;
    },
    beats: () => beats,
    connections: () => streams.length,
  };
}

test("whoever is busy with an event for longer than any silence is not cut", async () => {
  const server = serveEvents();
  const breaks: string[] = [];
  const events = followEvents(server.url, { silenceMs: SILENCE_MS, onBreak: (why) => breaks.push(why) });

  expect((await events.next()).value?.event).toBe("snapshot");
  await until("the consumer has been busy for three times as long", () => server.beats() >= 18);
  server.say("slot", { name: "main" });

  expect((await events.next()).value).toMatchObject({ event: "slot", data: { name: "main" } });
  expect([breaks, server.connections()]).toEqual([[], 1]);
  await events.return();
});

test("silence is a break, also when it began while the consumer was busy", async () => {
  const server = serveEvents();
  const breaks: string[] = [];
  const events = followEvents(server.url, { silenceMs: SILENCE_MS, onBreak: (why) => breaks.push(why) });
  expect((await events.next()).value?.event).toBe("snapshot");
  server.fallSilent();

  expect((await events.next()).value?.event).toBe("snapshot");

  expect([breaks, server.connections()]).toEqual([[expect.stringContaining("300 ms")], 2]);
  await events.return();
});

test.each([
  ["a request", () => new Promise<Response>(() => undefined)],
  ["a stream", async () => new Response(new ReadableStream(), { headers: { "content-type": "text/event-stream" } })],
])("does not depend on %s listening to its signal", async (_, fetcher) => {
  const client = treaty(SOMEWHERE, { fetcher: fetcher as unknown as typeof fetch }) as unknown as SparkControl;
  const leave = new AbortController();
  const breaks: string[] = [];
  const onBreak = (why: string) => {
    breaks.push(why);
    if (breaks.length === 2) leave.abort();
  };

  const events = followEvents(client, { signal: leave.signal, silenceMs: 20, onBreak });

  expect(await events.next()).toEqual({ done: true, value: undefined });
  expect(breaks).toEqual(Array(2).fill("Nothing was heard for 20 ms."));
});

test("whoever leaves does not wait for a stream that does not listen", async () => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("event: snapshot\ndata: {}\n\n")),
  });
  const fetcher = async () => new Response(body, { headers: { "content-type": "text/event-stream" } });
  const client = treaty(SOMEWHERE, { fetcher: fetcher as unknown as typeof fetch }) as unknown as SparkControl;
  const leave = new AbortController();
  const events = followEvents(client, { signal: leave.signal });
  expect((await events.next()).value?.event).toBe("snapshot");

  const next = events.next();
  leave.abort();

  expect(await next).toEqual({ done: true, value: undefined });
});

test("leaves nothing on a signal that lives longer than the loop", async () => {
  const server = serveEvents();
  const { signal } = new AbortController();
  const listeners = countListeners(signal);

  for await (const { event } of followEvents(server.url, { signal })) {
    expect([event, listeners() > 0]).toEqual(["snapshot", true]);
    break;
  }

  expect(listeners()).toBe(0);
});
