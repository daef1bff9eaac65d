import { afterEach, describe, expect, test } from "bun:test";
import { boundedFetch } from "../../../lib/client/bounded-fetch.ts";
import { until } from "../../support/until.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server whose answers the test gives. */
function serve(answer: (request: Request, count: number) => Response | Promise<Response>) {
  let count = 0;
  let inFlight = 0;
  let most = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 60,
    async fetch(request) {
      inFlight += 1;
      most = Math.max(most, inFlight);
      try {
        return await answer(request, ++count);
      } finally {
        inFlight -= 1;
      }
    },
  });
  // Not waited for: some of its answers never come.
  closing.push(() => void server.stop(true));
  return {
    url: `http://127.0.0.1:${server.port}/`,
    get count() {
      return count;
    },
    get most() {
      return most;
    },
  };
}

test.each([
  [undefined, 2],
  [1, 1],
  [3, 3],
  [50, 3],
])("with inFlight %p at most %p requests are on their way at once", async (inFlight, most) => {
  const gate = Promise.withResolvers<void>();
  const server = serve(async () => {
    await gate.promise;
    return new Response("ok");
  });
  const get = boundedFetch(inFlight === undefined ? {} : { inFlight });
  const all = Array.from({ length: 12 }, () => get(server.url).then((answer) => answer.text()));
  await until("as many as may are on their way", () => server.count === most);

  gate.resolve();

  expect(await Promise.all(all)).toEqual(Array(12).fill("ok"));
  expect(server.most).toBe(most);
  expect(server.count).toBe(12);
});

test("an answer that is still being read counts as on its way", async () => {
  const parts: ReadableStreamDefaultController<Uint8Array>[] = [];
  const server = serve(
    () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("part "));
            parts.push(controller);
          },
        }),
      ),
  );
  const get = boundedFetch({ inFlight: 1 });
  const first = await get(server.url);
  const second = get(server.url);
  await until("the first is being read", () => parts.length === 1);
  expect(server.count).toBe(1);

  parts[0]!.close();
  expect(await first.text()).toBe("part ");
  const answer = await second;
  expect(server.count).toBe(2);
  await answer.body!.cancel();
  // A cancelled one gives its turn back, too.
  expect((await get(server.url)).status).toBe(200);
});

test("a caller that looks at the status only holds up nobody", async () => {
  const server = serve(() => new Response("short"));
  const get = boundedFetch({ inFlight: 1 });

  for (const count of [1, 2, 3]) {
    expect((await get(server.url)).status).toBe(200);
    expect(server.count).toBe(count);
  }
});

test("503 is tried again after the time that Retry-After names, with the same body", async () => {
  const bodies: string[] = [];
  const server = serve(async (request, count) => {
    bodies.push(await request.text());
    if (count === 1) return new Response("busy", { status: 503, headers: { "retry-after": "1" } });
    return new Response("done");
  });
  const began = performance.now();

  const answer = await boundedFetch()(server.url, { method: "POST", body: "audio" });

  expect([answer.status, await answer.text()]).toEqual([200, "done"]);
  expect(bodies).toEqual(["audio", "audio"]);
  expect(performance.now() - began).toBeGreaterThanOrEqual(990);
});

test("Retry-After may be a date", async () => {
  const soon = () => new Date(Date.now() + 1_000).toUTCString();
  const server = serve((_, count) =>
    count === 1 ? new Response(null, { status: 503, headers: { "retry-after": soon() } }) : new Response("done"),
  );

  expect(await (await boundedFetch()(server.url)).text()).toBe("done");
  expect(server.count).toBe(2);
});

test("when the tries are used up the last answer is handed over", async () => {
  const server = serve(() => new Response("busy", { status: 503, headers: { "retry-after": "0" } }));

  const answer = await boundedFetch({ tries: 3 })(server.url);

  expect([answer.status, await answer.text(), server.count]).toEqual([503, "busy", 3]);
});

test("a wait that is too long is not waited for", async () => {
  const server = serve(() => new Response("busy", { status: 503, headers: { "retry-after": "86400" } }));

  expect((await boundedFetch()(server.url)).status).toBe(503);
  expect(server.count).toBe(1);
});

test("one that does not answer in time is tried again, and gives its turn back", async () => {
  const server = serve((_, count) => (count === 1 ? new Promise<Response>(() => undefined) : new Response("done")));

  const get = boundedFetch({ inFlight: 1, timeoutMs: 200 });

  expect(await (await get(server.url)).text()).toBe("done");
  expect(server.count).toBe(2);
});

test("an error whose body never ends is late as well, and gives its turn back", async () => {
  const endless = () =>
    new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) }), {
      status: 500,
    });
  const server = serve((_, count) => (count <= 2 ? endless() : new Response("ok")));
  const ask = boundedFetch({ inFlight: 1, timeoutMs: 200, tries: 1 });

  for (const _ of [1, 2]) expect(await ask(server.url).catch((error: Error) => error.name)).toBe("TimeoutError");
  expect(await (await ask(server.url)).text()).toBe("ok");
});

test("other errors and answers are nobody's to repeat", async () => {
  const server = serve(() => new Response("no", { status: 500 }));
  const get = boundedFetch({ inFlight: 1 });

  // Nobody reads what an error says; its turn is given back all the same.
  expect((await get(server.url)).status).toBe(500);
  expect(server.count).toBe(1);
  expect((await get(server.url)).status).toBe(500);
  await expect(get("http://127.0.0.1:1/")).rejects.toThrow();
});

test("a body that is a stream is sent once", async () => {
  const server = serve(() => new Response("busy", { status: 503, headers: { "retry-after": "0" } }));
  const body = new Blob(["audio"]).stream();

  expect((await boundedFetch()(server.url, { method: "POST", body })).status).toBe(503);
  expect(server.count).toBe(1);
});

test("a caller that gives up leaves, waiting or under way", async () => {
  const server = serve(() => new Promise<Response>(() => undefined));
  const get = boundedFetch({ inFlight: 1 });
  const gone = new AbortController();
  const both = [1, 2].map(() => get(server.url, { signal: gone.signal }).catch((error: Error) => error.message));
  await until("one is on its way", () => server.count === 1);

  gone.abort(new Error("never mind"));

  expect(await Promise.all(both)).toEqual(["never mind", "never mind"]);
});

test("a stream whose caller gives up without reading on gives its turn back", async () => {
  let sent = 0;
  const plenty = async ({ signal }: Request) =>
    new Response(
      new ReadableStream({
        start: (controller) => signal.addEventListener("abort", () => controller.error(signal.reason)),
        pull: (controller) => controller.enqueue(new Uint8Array([++sent])),
      }),
    );
  const get = boundedFetch({ inFlight: 1, fetch: plenty });
  const gone = new AbortController();
  const reader = (await get("http://spark.example.com/", { signal: gone.signal })).body!.getReader();
  expect((await reader.read()).value).toEqual(new Uint8Array([1]));
  await until("as much as may has been read ahead", () => sent === 3);

  gone.abort(new Error("never mind"));

  const next = await get("http://spark.example.com/");
  await next.body!.cancel();
  expect(await drained(reader).catch((error: Error) => error.message)).toBe("never mind");
});

describe("a long answer", () => {
  /** Chunked: each a part at once, and more when the test says so. */
  function parted() {
    const parts: ReadableStreamDefaultController<Uint8Array>[] = [];
    const bytes = new TextEncoder().encode("part ");
    const server = serve(
      () =>
        new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(bytes);
              parts.push(controller);
            },
          }),
        ),
    );
    return { server, parts, bytes };
  }

  test("that nobody reads is cancelled, tells its reader so, and gives its turn back", async () => {
    const { server } = parted();
    const get = boundedFetch({ timeoutMs: 300 });

    const answers = [await get(server.url), await get(server.url), await get(server.url)];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await answers[0]!.text().catch((error: Error) => [error.name, error.message])).toEqual([
      "TimeoutError",
      "nothing of the answer was read for 300 ms: it was cancelled",
    ]);
  });

  test("that is no more read after a while, likewise", async () => {
    const { server } = parted();
    const get = boundedFetch({ inFlight: 1, timeoutMs: 300 });
    const reader = (await get(server.url)).body!.getReader();
    expect((await reader.read()).done).toBe(false);

    expect((await get(server.url)).status).toBe(200);
    expect(await drained(reader).catch((error: Error) => error.name)).toBe("TimeoutError");
  });

  test("is waited for as long as somebody reads, however slowly it comes", async () => {
    const { server, parts, bytes } = parted();
    const reading = boundedFetch({ timeoutMs: 200 })(server.url).then((answer) => answer.text());
    const began = performance.now();
    await until("three times the limit has passed", () => performance.now() - began > 600);

    parts[0]!.enqueue(bytes);
    parts[0]!.close();

    expect(await reading).toBe("part part ");
  });

  test("that is empty holds up nobody, read or not", async () => {
    const server = serve(() => new Response(new ReadableStream({ start: (controller) => controller.close() })));
    const get = boundedFetch({ inFlight: 1 });

    for (const _ of [1, 2]) expect((await get(server.url)).status).toBe(200);
  });
});

test.each(["inFlight", "tries", "timeoutMs"])("what is no number as %s is refused before anything is sent", (name) => {
  expect(() => boundedFetch({ [name]: Number.NaN })).toThrow(new RangeError(`${name} is NaN: it has to be a number.`));
});

/** So many parts, and no end. */
function parts(count: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull: (controller) => (sent++ < count ? controller.enqueue(new Uint8Array(10)) : new Promise(() => undefined)),
  });
}

async function drained(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

describe("a fetch that does not listen to its signal", () => {
  const never = () => new Promise<Response>(() => undefined);
  const silent = (init: ResponseInit) => async () => new Response(parts(1), init);

  test.each<[string, () => Promise<Response>]>([
    ["never answers", never],
    ["never ends what is read at once", silent({ status: 500 })],
    ["never ends what is short", silent({ headers: { "content-length": "20" } })],
  ])("and %s is late all the same", async (_, deaf) => {
    const ask = boundedFetch({ inFlight: 1, timeoutMs: 100, tries: 1, fetch: deaf });

    for (const __ of [1, 2]) expect(await name(ask("http://spark.example.com/"))).toBe("TimeoutError");
  });

  test("does not hold up a caller that gives up, nor the next", async () => {
    const ask = boundedFetch({ inFlight: 1, fetch: never });

    for (const _ of [1, 2]) {
      const gone = new AbortController();
      const asking = ask("http://spark.example.com/", { signal: gone.signal });
      queueMicrotask(() => gone.abort(new DOMException("enough", "AbortError")));
      expect(await name(asking)).toBe("AbortError");
    }
  });

  test("and whose stream falls silent, neither", async () => {
    const ask = boundedFetch({ inFlight: 1, fetch: silent({}) });

    for (const _ of [1, 2]) {
      const gone = new AbortController();
      const reader = (await ask("http://spark.example.com/", { signal: gone.signal })).body!.getReader();
      await reader.read();
      const draining = drained(reader);
      gone.abort(new DOMException("enough", "AbortError"));
      expect(await name(draining)).toBe("AbortError");
    }
  });

  const name = (asking: Promise<unknown>) => asking.catch((error: Error) => error.name);
});
