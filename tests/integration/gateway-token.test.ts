/** A reservation's token on its way through the gateway: it is for this controller, and reaches no model by mistake. */
import { afterEach, expect, test } from "bun:test";
import { mintToken } from "../../lib/lock/token.ts";
import { type GatewayApp, MODEL, startGatewayApp } from "../support/gateway-app.ts";

const TOKEN = mintToken((bytes) => bytes.fill(7)).text;
let app: GatewayApp | null = null;
let upstream: Bun.Server<undefined> | null = null;
afterEach(async () => {
  await app?.close();
  await upstream?.stop(true);
  app = upstream = null;
});

/** What is behind the prefix. */
const inPercent = (token: string) => token.slice(10).replace(/./g, (char) => `%${char.charCodeAt(0).toString(16)}`);
/** Others in percent pass as they came, and words that begin as a token does. */
const QUERY = "?user=a%20b&x=100%&y=%zz%ff&by=sparklock_configuration";

async function ask(path: string, headers: Record<string, string>, body = JSON.stringify({ model: MODEL })) {
  const got: string[] = [];
  upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      got.push(`${request.url} ${JSON.stringify(request.headers)} ${await request.text()}`);
      return Response.json({});
    },
  });
  app = await startGatewayApp({ upstream: `http://127.0.0.1:${upstream.port}` });
  const answer = await fetch(app.url + path, { method: "POST", headers, body });
  return { answer, got };
}

test.each([
  ["in the query", `/v1/chat/completions?token=${TOKEN}`, {}],
  ["in the query, in percent", `/v1/chat/completions?token=${TOKEN.replace("_", "%5F")}`, {}],
  ["in the query, in percent twice", `/v1/audio/speech?a=%zz&token=%2573${TOKEN.slice(1)}`, {}],
  [
    "in the query, its end in percent",
    `/v1/audio/speech?token=${TOKEN.slice(0, -1)}%${TOKEN.charCodeAt(52).toString(16)}`,
    {},
  ],
  [
    "in a header of one's own, in percent",
    "/v1/audio/speech",
    { "x-page": `http://x/?t=sparklock_${inPercent(TOKEN)}` },
  ],
  ["as an API key", "/v1/chat/completions", { authorization: `Bearer ${TOKEN}` }],
  ["in a header of one's own", "/v1/audio/speech", { "x-token": TOKEN }],
] as [string, string, Record<string, string>][])("%s: 400, and nothing is passed on", async (_, path, headers) => {
  const { answer, got } = await ask(path, headers);
  const text = await answer.text();

  expect([answer.status, got]).toEqual([400, []]);
  expect(JSON.parse(text).error).toMatchObject({ code: "token_misplaced", failed_by: "controller" });
  expect(text).not.toContain(TOKEN);
  expect(app?.ended.map(({ outcome, fault }) => [outcome, fault?.code])).toEqual([["refused", "token_misplaced"]]);
  expect(app?.gateway.load().every(({ inFlight }) => inFlight === 0)).toBe(true);
});

test("in its own header: the request is passed on without it", async () => {
  const { answer, got } = await ask(`/v1/chat/completions${QUERY}`, { "x-swap-lock-token": TOKEN });

  expect([answer.status, got.length, got[0]?.includes(TOKEN)]).toEqual([200, 1, false]);
  expect(got[0]).toContain(`/v1/chat/completions${QUERY} `);
});

test("in a body: bodies are nobody's business here", async () => {
  const body = JSON.stringify({ model: MODEL, messages: [{ role: "user", content: TOKEN }] });
  const { answer, got } = await ask("/v1/chat/completions", {}, body);

  expect([answer.status, got[0]?.endsWith(body)]).toEqual([200, true]);
});
