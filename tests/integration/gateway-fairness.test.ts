/** One caller's flood in front of another's single request, through the whole gateway. */
import { afterEach, expect, test } from "bun:test";
import { type GatewayApp, MODEL, startGatewayApp } from "../support/gateway-app.ts";
import { until } from "../support/until.ts";

let app: GatewayApp | null = null;
let upstream: Bun.Server<undefined> | null = null;
afterEach(async () => {
  await upstream?.stop(true);
  await app?.close();
  app = upstream = null;
});

test.each([1, 2, 8, 32])(
  "beside 100 requests of one caller the next free place of %i goes to the other",
  async (inFlight) => {
    const arrived: { readonly key: string | null; end(): void }[] = [];
    upstream = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      fetch: (request) =>
        new Promise<Response>((resolve) =>
          arrived.push({ key: request.headers.get("authorization"), end: () => resolve(Response.json({})) }),
        ),
    });
    const limits = { chat: { inFlight, queue: 1_000, waitMs: 60_000 } };
    app = await startGatewayApp({ upstream: `http://127.0.0.1:${upstream.port}`, limits });
    const url = app.url;
    const ask = (key: string) =>
      fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: key },
        body: JSON.stringify({ model: MODEL }),
      });
    const load = () => app?.gateway.load()[0];
    const flood = Array.from({ length: 100 }, () => ask("flood"));
    await until("the flood has come", () => arrived.length === inFlight && load()?.queued === 100 - inFlight);
    const single = ask("single");
    await until("the single request waits", () => load()?.queued === 101 - inFlight);
    // One request ends: whoever goes next has waited for no more than what was left of one service time.
    arrived[0]?.end();
    await until("the place is taken", () => arrived.length === inFlight + 1);
    expect(arrived.at(-1)?.key).toBe("single");

    let ended = 1;
    while (ended < 101) {
      await until("another has come", () => arrived.length > ended);
      for (; ended < arrived.length; ended++) arrived[ended]?.end();
    }
    const statuses = await Promise.all([...flood, single].map(async (one) => (await one).status));
    expect(statuses).toEqual(Array(101).fill(200));
  },
);

test.each([
  ["behind a trusted proxy whoever it names is a caller of its own", { TRUSTED_PROXIES: "127.0.0.1" }, true],
  ["what anybody else says of where a request comes from counts for nothing", {}, false],
])("%s", async (_, env, isBelieved) => {
  upstream = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.json({}) });
  app = await startGatewayApp({ upstream: `http://127.0.0.1:${upstream.port}`, env });
  const body = JSON.stringify({ model: MODEL });
  for (const from of ["10.77.0.21", "10.77.0.22, 10.77.0.23"])
    await fetch(`${app.url}/v1/chat/completions`, { method: "POST", headers: { "x-forwarded-for": from }, body });

  const callers = isBelieved ? ["10.77.0.21", "10.77.0.23"] : ["127.0.0.1", "127.0.0.1"];
  expect(app.ended.map(({ caller }) => caller)).toEqual(callers);
});

const SERVICE_MS = 1_000;
/** One service time and 10 %. */
const MOST_SERVICE_TIMES = 1.1;

test.each([1, 4])(
  "beside 100 requests of one caller for %i places a single one waits no longer than one service time and a tenth",
  async (inFlight) => {
    // A busy machine makes a service longer, and the wait for it as much: both by the upstream's own clock, in the same moments.
    const began: { readonly key: string | null; readonly at: number; ended: number | null }[] = [];
    upstream = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      async fetch(request) {
        const service = {
          key: request.headers.get("authorization"),
          at: performance.now(),
          ended: null as number | null,
        };
        began.push(service);
        await Bun.sleep(SERVICE_MS);
        service.ended = performance.now();
        return Response.json({});
      },
    });
    const limits = { chat: { inFlight, queue: 1_000, waitMs: 60_000 } };
    app = await startGatewayApp({ upstream: `http://127.0.0.1:${upstream.port}`, limits });
    const { url, gateway } = app;
    const leaves = new AbortController();
    const ask = (key: string) =>
      fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: key },
        body: JSON.stringify({ model: MODEL }),
        signal: leaves.signal,
      });
    const flood = Array.from({ length: 100 }, () => ask("flood").catch(() => null));
    await until("the places have just been taken, and the others wait", () => {
      const [load] = gateway.load();
      return began.length === inFlight && load?.queued === 100 - inFlight;
    });
    const at = performance.now();
    const single = await ask("single");
    leaves.abort();
    await Promise.all(flood);

    const turn = began.findIndex(({ key }) => key === "single");
    const first = began[0]!;
    const serviceMs = (first.ended ?? Number.NaN) - first.at;
    const waitedMs = began[turn]!.at - at;
    console.log(
      `${inFlight} places: waited ${(waitedMs / serviceMs).toFixed(3)} service times, for ${turn - inFlight} others`,
    );
    expect(single.status).toBe(200);
    // Of the places that became free first it got one: all of them do at about the same time.
    expect(turn).toBeLessThan(2 * inFlight);
    expect(waitedMs / serviceMs).toBeLessThan(MOST_SERVICE_TIMES);
    // It did wait: it came when all places had just been taken.
    expect(waitedMs / serviceMs).toBeGreaterThan(0.5);
  },
  30_000,
);
