/** Routes that are answered ahead of Elysia answer what they would answer through it: guards, errors and headers are the same. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type AppUnderTest, LISTED_ORIGIN, startApp } from "./_app-under-test.ts";

let under: AppUnderTest;
let port: number;
beforeAll(async () => {
  under = await startApp();
  port = under.listen();
});
afterAll(() => under.close());

const ROUTES = ["/v1/chat/completions", "/v1/embeddings", "/v1/audio/speech", "/v1/audio/transcriptions", "/tokenize"];
const CASES: readonly (readonly [string, string, Record<string, string>])[] = [
  ["as it is", "POST", {}],
  ["with a query", "POST", { "x-query": "1" }],
  ["from a listed page", "POST", { origin: LISTED_ORIGIN }],
  ["from a foreign page", "POST", { origin: "https://evil.example" }],
  ["to a foreign name", "POST", { host: "evil.example" }],
  ["to an address of the network", "POST", { host: "10.77.0.1:9999" }],
  ["a preflight", "OPTIONS", { origin: LISTED_ORIGIN, "access-control-request-method": "POST" }],
  ["another method", "DELETE", {}],
];
/** They differ from answer to answer, or come from the connection. */
const PASSING = new Set(["x-request-id", "date", "content-length", "connection"]);

async function shape(answer: Response) {
  const text = await answer.text();
  const headers = [...answer.headers].filter(([name]) => !PASSING.has(name)).sort();
  return { status: answer.status, headers, text: text.replaceAll(/"request_id":"[^"]+"/g, "") };
}

test.each(ROUTES.flatMap((path) => CASES.map(([what, method, headers]) => [path, what, method, headers] as const)))(
  "%s %s",
  async (path, _, method, headers) => {
    const url = headers["x-query"] ? `${path}?a=b` : path;
    const all = { host: "localhost", "content-type": "application/json", ...headers };
    const body = method === "POST" ? '{"model":"x"}' : undefined;
    const through = await under.call(method, url, { headers: all, ...(body === undefined ? {} : { body }) });
    const direct = await fetch(`http://127.0.0.1:${port}${url}`, {
      method,
      headers: all,
      ...(body === undefined ? {} : { body }),
    });

    expect(await shape(direct)).toEqual(await shape(through));
    expect(direct.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  },
);
