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
