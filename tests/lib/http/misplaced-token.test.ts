/** A reservation's token is taken where it belongs, and nowhere else. */
import { expect, test } from "bun:test";
import { refuseMisplacedToken } from "../../../lib/http/misplaced-token.ts";

const TOKEN = `sparklock_${"x".repeat(43)}`;
const refusal = (path: string, body: unknown) => {
  try {
    refuseMisplacedToken(path, body);
  } catch (error) {
    return error;
  }
  return null;
};
const refused = expect.objectContaining({ kind: "invalid", code: "token_misplaced" });

test.each<[string, unknown]>([
  ["/api/swap", { model: "small", lock_token: TOKEN, token: TOKEN }],
  ["/api/schedule", { title: "nightly", note: "sparklock_ is how a token begins" }],
  ["/api/swap/lock/force", { reason: "take sparklock_ tokens out; saves 5%" }],
  ["/api/schedule", { title: "sparklock_configuration", note: "99 %25 of sparklock_configuration" }],
  ["/api/schedule", { title: `%${"25".repeat(20)}` }],
  ["/api/services/kokoro/stop", undefined],
  ["/api/services/kokoro/stop", null],
  // Its words lose the token, and the reservation stays.
  ["/api/swap/lock", { holder: "nightly", note: TOKEN }],
])("%s may have %j", (path, body) => {
  expect(refusal(path, body)).toBeNull();
});

test.each<[string, unknown]>([
  [`/api/settings/services/${TOKEN}`, {}],
  [`/api/settings/services/${TOKEN.replace("_", "%5F")}`, {}],
  ["/api/schedule", { title: TOKEN }],
  ["/api/webhooks", { url: `http://192.0.2.1/?token=${TOKEN}` }],
  ["/api/webhooks", { url: `http://192.0.2.1/?token=${TOKEN.replaceAll("x", "%78")}` }],
  ["/api/webhooks", { url: `http://192.0.2.1/?token=${TOKEN.replaceAll("x", "%2578")}&share=5%` }],
  ["/api/schedule", { title: `x${TOKEN}x` }],
  ["/api/schedule", { title: TOKEN.slice(0, -1) }],
  ["/api/schedule", { note: `${TOKEN.slice(0, 35)}\n${TOKEN.slice(35)}` }],
  ["/api/webhooks", { events: ["*", TOKEN] }],
  ["/api/settings", { values: { [TOKEN]: 1 } }],
  ["/api/settings", { values: { token: TOKEN } }],
  ["/api/schedule", [{ token: TOKEN }]],
  ["/api/schedule", TOKEN],
])("%s may not have %j", (path, body) => {
  expect(refusal(path, body)).toEqual(refused);
});

test("a body may be nested as deep as it is long", () => {
  let body: unknown = TOKEN;
  for (let depth = 0; depth < 30_000; depth += 1) body = [body];

  expect(refusal("/api/settings", body)).toEqual(refused);
});

test.each(["0", '""', "[]"])(
  "a body of many items such as %s takes little longer to look through than to parse",
  (item) => {
    const text = `{"values":[${Array(Math.floor(65_000 / (item.length + 1))).fill(item)}]}`;
    const body = JSON.parse(text);
    const leastMs = (work: () => void) =>
      Math.min(
        ...Array.from({ length: 7 }, () => {
          const began = performance.now();
          work();
          return performance.now() - began;
        }),
      );

    expect(leastMs(() => refuseMisplacedToken("/api/settings", body))).toBeLessThan(
      5 * leastMs(() => void JSON.parse(text)),
    );
  },
);
