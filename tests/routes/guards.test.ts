import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isStreamed } from "../../lib/http/body-limit.ts";
import { EXEMPT_PATHS, isExempt } from "../../lib/http/same-origin.ts";
import { ROUTE_FILES } from "../../routes/_manifest.gen.ts";
import { until } from "../support/until.ts";
import { ALLOWED_NAME, type AppUnderTest, type Endpoint, endpointsOf, startApp, statusOf } from "./_app-under-test.ts";

let under: AppUnderTest;
let endpoints: Endpoint[];
beforeAll(async () => {
  under = await startApp();
  endpoints = endpointsOf(under.app);
});
afterAll(() => under.close());

/** One line for every endpoint that answered otherwise, so that a failure names it. */
async function statuses(
  ask: (endpoint: Endpoint) => Promise<Response>,
  of = endpoints,
): Promise<Record<string, number>> {
  const answers = of.map(async (endpoint) => {
    return [`${endpoint.method} ${endpoint.path}`, await statusOf(ask(endpoint))] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}
const all = (status: number, of: Endpoint[]) =>
  Object.fromEntries(of.map(({ method, path }) => [`${method} ${path}`, status]));
const isSending = ({ method }: Endpoint) => !["GET", "HEAD", "OPTIONS"].includes(method);

describe("the app and the tree", () => {
  test("every route file is served, and nothing else is", () => {
    const served = new Set(endpoints.map(({ path }) => path));

    expect([...served].sort()).toEqual(ROUTE_FILES.map(({ path }): string => path).sort());
  });
});

describe("Host, on every route and method, streams included", () => {
  test.each([
    "evil.example",
    "localhost.evil.example",
    "10.77.0.1.nip.io",
    `${ALLOWED_NAME}.evil.example`,
    "x.startos.evil.example",
  ])("a name that can be rebound is misdirected: %s", async (host) => {
    const answers = await statuses(({ method, url }) => under.call(method, url, { headers: { host } }));

    expect(answers).toEqual(all(421, endpoints));
  });

  test("a name of hosts.json is served as soon as it is written, and no longer than that", async () => {
    const ask = () => statusOf(under.call("GET", "/health", { headers: { host: "tile.example.com" } }));
    expect(await ask()).toBe(421);

    writeFileSync(join(under.dataDir, "hosts.json"), '["tile.example.com"]');
    await until("the name is served", async () => (await ask()) === 200);
    rmSync(join(under.dataDir, "hosts.json"));
    await until("the name is refused", async () => (await ask()) === 421);
  });

  test.each([
    "10.77.0.5:9999",
    "[fd00::5]:9999",
    "[::1]",
    "localhost:9999",
    "app.localhost",
    "spark-control",
    "spark-control.local",
    "abcdefghijklmnop.onion",
    "control.startos",
    ALLOWED_NAME,
    `${ALLOWED_NAME.toUpperCase()}.:9999`,
  ])("is not refused: %s", async (host) => {
    const answers = await statuses(({ method, url }) => under.call(method, url, { headers: { host } }));

    const refused = Object.entries(answers).filter(([, status]) => status === 421 || status === 403 || status === 400);
    expect(refused).toEqual([]);
  });

  test("a misdirected reader is told how to go on, and nothing of what was asked", async () => {
    const answer = await under.call("GET", "/health", { headers: { host: "evil.example" } });
    const page = await answer.text();

    expect(page).toContain("Open me by IP address. To allow this name, add it to");
    expect(page).not.toContain("evil.example");
  });
});

describe("who may ask, on every route and method", () => {
  test.each([
    { origin: "http://evil.example" },
    { origin: "null" },
    { origin: "http://localhost:1234" },
    { referer: "http://evil.example/page" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site", origin: "http://localhost" },
  ])("a foreign page may not send: %j", async (headers) => {
    const guarded = endpoints.filter((endpoint) => isSending(endpoint) && !isExempt(endpoint.url));

    const answers = await statuses(({ method, url }) => under.call(method, url, { headers }), guarded);

    expect(guarded.length).toBeGreaterThan(0);
    expect(answers).toEqual(all(403, guarded));
  });

  test.each([{ origin: "http://evil.example" }, { origin: "null" }])(
    "reading and exempt routes are not refused: %j",
    async (headers) => {
      const free = endpoints.filter((endpoint) => !isSending(endpoint) || isExempt(endpoint.url));

      const answers = await statuses(({ method, url }) => under.call(method, url, { headers }), free);

      expect(Object.values(answers)).not.toContain(403);
    },
  );

  test.each([{}, { origin: "http://localhost" }, { "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "none" }])(
    "one's own page, and what is no browser, are not refused: %j",
    async (headers) => {
      const answers = await statuses(({ method, url }) =>
        under.call(method, url, { headers: headers as Record<string, string> }),
      );

      expect(Object.values(answers)).not.toContain(403);
    },
  );

  test("no route that starts, stops or swaps is exempt", () => {
    expect(EXEMPT_PATHS).toEqual(["/v1/", "/scrub", "/rehydrate", "/api/search", "/api/audio/", "/api/health-event"]);
  });
});

describe("bodies", () => {
  const json = { "content-type": "application/json" };
  const sending = () =>
    endpoints.filter((endpoint) => isSending(endpoint) && !isExempt(endpoint.url) && !isStreamed(endpoint.url));

  test("a body that is not JSON is refused", async () => {
    const headers = { "content-type": "text/plain", "content-length": "2" };

    const answers = await statuses(({ method, url }) => under.call(method, url, { headers, body: "{}" }), sending());

    expect(answers).toEqual(all(415, sending()));
  });

  test("a body over 64 KiB is refused, whether it says its length or not", async () => {
    const body = JSON.stringify({ model: "x".repeat(70_000) });
    const withLength = { ...json, "content-length": String(body.length) };

    const answers = await statuses(
      ({ method, url }) => under.call(method, url, { headers: withLength, body }),
      sending(),
    );
    const chunked = await under.call("POST", "/api/swap", { headers: json, body });

    expect(answers).toEqual(all(413, sending()));
    expect(chunked.status).toBe(413);
  });

  const secret = "SECRET-7f3a";
  test.each([
    JSON.stringify({ lock_token: [secret], model: { x: secret }, slot: secret }),
    JSON.stringify({ lock_token: { deep: secret }, model: 5, rollback: secret, dry_run: secret }),
    JSON.stringify([secret]),
    JSON.stringify(secret),
    `{"lock_token": "${secret}"`,
  ])("no error repeats what was sent: %s", async (body) => {
    for (const { method, url } of sending()) {
      const headers = { ...json, "content-length": String(body.length), "x-swap-lock-token": secret };
      const answer = await under.call(method, `${url}?token=${secret}`, { headers, body });

      expect(await answer.text()).not.toContain(secret);
    }
    expect(under.logged.join("\n")).not.toContain(secret);
  });
});
