import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { verifyWebhook, type WebhookRequest, WebhookVerificationError } from "../../../lib/client/verify-webhook.ts";
import { makeSecret, signatureHeaders } from "../../../lib/webhook/sign.ts";

const NOW = Date.parse("2026-01-31T12:00:00Z");
const BODY = '{"event":"swap_complete","type":"swap_complete","timestamp":"2026-01-31T12:00:00.000+00:00","data":{}}';

const headersFor = (secrets: readonly string[], body = BODY, at = NOW) =>
  signatureHeaders({ id: "msg-1", timestamp: Math.floor(at / 1000), body, secrets, attempt: 1 });

async function codeOf(request: Partial<WebhookRequest>): Promise<string> {
  try {
    await verifyWebhook({ secret: "hunter2!", headers: headersFor(["hunter2!"]), body: BODY, now: NOW, ...request });
    return "accepted";
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.code;
    throw error;
  }
}

describe("verifyWebhook", () => {
  test.each(["hunter2!", "plainsecret", "geheim-ü-秘密", makeSecret()])(
    "accepts what was signed with %s",
    async (secret) => {
      expect(await codeOf({ secret, headers: headersFor([secret]) })).toBe("accepted");
      expect(await codeOf({ secret, headers: new Headers(headersFor([secret])), body: Buffer.from(BODY) })).toBe(
        "accepted",
      );
    },
  );

  test("a tolerance that is no number lets nothing through", async () => {
    expect(await codeOf({ toleranceSeconds: Number.NaN })).toBe("too_old");
  });

  test("accepts what the official package signs, and gives the message back", async () => {
    const secret = makeSecret();
    const headers = {
      "Webhook-Id": "msg-1",
      "Webhook-Timestamp": String(NOW / 1000),
      "Webhook-Signature": new Webhook(secret).sign("msg-1", new Date(NOW), BODY),
    };

    expect(await verifyWebhook({ secret, headers, body: BODY, now: NOW })).toEqual(JSON.parse(BODY));
  });

  test("accepts either secret while one is being replaced, on either side", async () => {
    expect(await codeOf({ secret: "old", headers: headersFor(["new", "old"]) })).toBe("accepted");
    expect(await codeOf({ secret: "new", headers: headersFor(["new", "old"]) })).toBe("accepted");
    expect(await codeOf({ secret: ["new", "old"], headers: headersFor(["old"]) })).toBe("accepted");
    expect(await codeOf({ secret: ["new"], headers: headersFor(["old"]) })).toBe("wrong_signature");
  });

  test("refuses what is too old or too new, but for the tolerance", async () => {
    expect(await codeOf({ now: NOW + 300_000 })).toBe("accepted");
    expect(await codeOf({ now: NOW + 301_000 })).toBe("too_old");
    expect(await codeOf({ now: NOW - 301_000 })).toBe("too_new");
    expect(await codeOf({ now: NOW + 20_000, toleranceSeconds: 10 })).toBe("too_old");
  });

  test("refuses what is not signed, or not for this id and time", async () => {
    const headers = headersFor(["hunter2!"]);
    const without = (name: string) => Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));

    for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"])
      expect(await codeOf({ headers: without(name) })).toBe("missing_headers");
    expect(await codeOf({ headers: { ...headers, "webhook-timestamp": "soon" } })).toBe("missing_headers");
    expect(await codeOf({ headers: { ...headers, "webhook-id": "msg-2" } })).toBe("wrong_signature");
    expect(await codeOf({ headers: { ...headers, "webhook-timestamp": String(NOW / 1000 + 1) } })).toBe(
      "wrong_signature",
    );
    expect(await codeOf({ headers: { ...headers, "webhook-signature": "v1,%%% v2,AAAA" } })).toBe("wrong_signature");
    expect(await codeOf({ secret: "" })).toBe("wrong_signature");
  });

  test("says when an authentic body is not JSON", async () => {
    expect(await codeOf({ headers: headersFor(["hunter2!"], "hello"), body: "hello" })).toBe("not_json");
  });

  test("agrees with the official package about any secret, body and change of a byte", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, unit: "binary" }).filter((text) => !text.startsWith("whsec_")),
        fc.json(),
        fc.nat(),
        async (secret, body, at) => {
          const headers = headersFor([secret], body, Date.now());
          const official = new Webhook(new TextEncoder().encode(secret), { format: "raw" });
          const touched = Buffer.from(body);
          touched[at % touched.length]! ^= 1;

          expect(official.verify(body, headers)).toEqual(JSON.parse(body));
          expect(await codeOf({ secret, headers, body, now: Date.now() })).toBe("accepted");
          expect(await codeOf({ secret, headers, body: touched, now: Date.now() })).toBe("wrong_signature");
        },
      ),
    );
  });
});
