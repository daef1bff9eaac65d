import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { DeliveryDetail, Webhook } from "../../lib/webhook/webhook.ts";
import { type Receiver, startReceiver } from "../lib/webhook/_receiver.ts";
import { until } from "../support/until.ts";
import { type AppUnderTest, startApp } from "./_app-under-test.ts";

const SECRET = "a-secret-that-nobody-may-see";

let under: AppUnderTest;
let receiver: Receiver;
beforeEach(async () => {
  under = await startApp();
  receiver = startReceiver();
});
afterEach(async () => {
  receiver[Symbol.dispose]();
  await under.close();
});

async function call<T>(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: T; text: string }> {
  const answer = await under.call(method, path, {
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: JSON.parse(text) as T, text };
}

const added = async (more: object = {}) =>
  (await call<Webhook & { secret?: string }>("POST", "/api/webhooks", { url: receiver.url, ...more })).body;

describe("endpoints", () => {
  test("are added, shown, changed and removed", async () => {
    const webhook = await added({ name: "Nightly", events: ["swap_complete"] });
    expect(webhook).toMatchObject({ name: "Nightly", enabled: true, has_secret: false, source: "settings" });

    const changed = await call<Webhook>("PATCH", `/api/webhooks/${webhook.id}`, { name: null, secret: SECRET });
    expect(changed).toMatchObject({ status: 200, body: { name: null, has_secret: true, events: ["swap_complete"] } });
    const list = await call<{ webhooks: Webhook[]; events: string[] }>("GET", "/api/webhooks");
    expect(list.body.webhooks).toEqual([changed.body]);
    expect(list.body.events).toContain("lock_forced");

    expect(await call("DELETE", `/api/webhooks/${webhook.id}`)).toMatchObject({
      status: 200,
      body: { removed: webhook.id },
    });
    expect(await call("GET", `/api/webhooks/${webhook.id}`)).toMatchObject({
      status: 404,
      body: { code: "unknown_webhook" },
    });
    expect(await call("DELETE", `/api/webhooks/${webhook.id}`)).toMatchObject({ status: 404 });
  });

  test.each([
    [{ url: "http://user:pass@192.168.1.2/" }, "unusable_url"],
    [{ url: "gopher://192.168.1.2/" }, "unusable_url"],
    [{ url: "http://169.254.169.254/" }, "unusable_url"],
    [{ url: "http://192.168.1.2/", secret: "whsec_not base64" }, "unusable_secret"],
    [{ url: "http://192.168.1.2/", events: ["swap_exploded"] }, "invalid"],
    [{}, "invalid"],
  ])("%j is refused as %s, without an echo", async (body, code) => {
    const answer = await call<{ code: string }>("POST", "/api/webhooks", body);

    expect(answer).toMatchObject({ status: 422, body: { code } });
    expect(answer.text).not.toContain("pass@");
    expect(answer.text).not.toContain("not base64");
  });

  test("may not be the controller itself", async () => {
    const port = under.listen();

    for (const host of ["127.0.0.1", "localhost", "[::1]"])
      expect(await call("POST", "/api/webhooks", { url: `http://${host}:${port}/api/swap` })).toMatchObject({
        status: 422,
      });
  });
});

describe("deliveries", () => {
  test("of the test button arrive, are logged, and can be sent again", async () => {
    const { id } = await added({ secret: SECRET });
    const test = await call<DeliveryDetail>("POST", `/api/webhooks/${id}/test`);
    expect(test).toMatchObject({ status: 202, body: { event: "test", state: "pending" } });
    await until("it arrives", () => receiver.received.length === 1);
    const path = `/api/webhooks/deliveries/${test.body.id}`;
    await until("it is logged", async () => (await call<DeliveryDetail>("GET", path)).body.state === "delivered");

    expect((await call<DeliveryDetail>("GET", path)).body).toMatchObject({
      body: receiver.received[0]!.body,
      log: [{ number: 1, status: 204, error: null }],
    });
    expect((await call("POST", `${path}/redeliver`)).status).toBe(202);
    await until("it arrives again", () => receiver.received.length === 2);
    expect(receiver.received[1]!.headers["webhook-id"]).toBe(test.body.message_id);
  });

  test("that come back by an address that is not known as the own one are refused, wherever they lead, and given up", async () => {
    const port = under.listen();
    const answers: { status: number; code: string }[] = [];
    // As a published port of a container does: the same controller, at another address.
    using published = startReceiver();
    published.answer = async ({ path, headers, body }) => {
      const passed = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers, body });
      const { code } = (await passed.clone().json()) as { code: string };
      answers.push({ status: passed.status, code });
      return new Response(passed.body, passed);
    };
    const { id } = await added();
    const { id: earlier } = (await call<DeliveryDetail>("POST", `/api/webhooks/${id}/test`)).body;
    await until("it is delivered", async () => {
      return (await call<DeliveryDetail>("GET", `/api/webhooks/deliveries/${earlier}`)).body.state === "delivered";
    });

    const places = [
      `webhooks/${id}/test`,
      `webhooks/deliveries/${earlier}/redeliver`,
      "services/kokoro/restart",
      "services/main/stop",
      "swap",
    ];
    for (const path of places) {
      const url = new URL(`/api/${path}`, published.url).href;
      const looped = (await call<Webhook>("POST", "/api/webhooks", { url })).body;
      const { id: sent } = (await call<DeliveryDetail>("POST", `/api/webhooks/${looped.id}/test`)).body;
      const outcome = async () => (await call<DeliveryDetail>("GET", `/api/webhooks/deliveries/${sent}`)).body;
      await until("it is given up", async () => (await outcome()).state === "dead");
      expect([path, await outcome()]).toMatchObject([path, { attempts: 1, error: expect.stringContaining("back to") }]);
    }
    expect(answers).toEqual(places.map(() => ({ status: 508, code: "webhook_loop" })));
    // None sent anything to the endpoint that it was about.
    expect(receiver.received).toHaveLength(1);
  });

  test("of another controller, or by way of one, cause no more of them either", async () => {
    const { id } = await added();

    const answer = await under.call("POST", `/api/webhooks/${id}/test`, { headers: { "webhook-id": "another's" } });

    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([409, "webhook_loop"]);
    expect(receiver.received).toEqual([]);
  });

  test("are listed newest first, in pages", async () => {
    const { id } = await added();
    for (let at = 0; at < 5; at++) await call("POST", `/api/webhooks/${id}/test`);

    interface Page {
      deliveries: { id: string }[];
      next: string | null;
    }
    const seen: string[] = [];
    for (let next: string | null = ""; next !== null; ) {
      const page: Page = (
        await call<Page>("GET", `/api/webhooks/${id}/deliveries?limit=2${next === "" ? "" : `&before=${next}`}`)
      ).body;
      seen.push(...page.deliveries.map((each) => each.id));
      next = page.next;
    }
    expect(seen).toHaveLength(5);
    expect(seen).toEqual([...seen].sort().reverse());
    expect((await call<Page>("GET", "/api/webhooks/deliveries?state=dead")).body).toEqual({
      deliveries: [],
      next: null,
    });
    expect((await call("GET", "/api/webhooks/none/deliveries")).status).toBe(404);
  });
});

test("a secret is in no answer but the one that made it, in no event and in no line of the log", async () => {
  const events: unknown[] = [];
  under.plane.events.subscribe((event) => events.push(event));
  const { id } = await added({ secret: SECRET });
  const { secret } = (await call<{ secret: string }>("PATCH", `/api/webhooks/${id}`, { generate_secret: true })).body;
  expect(secret).toStartWith("whsec_");
  const test = await call<{ id: string }>("POST", `/api/webhooks/${id}/test`);
  await until("it arrives", () => receiver.received.length === 1);
  receiver.answer = () => new Response(null, { status: 500 });
  await call("POST", `/api/webhooks/deliveries/${test.body.id}/redeliver`);
  await until("it failed", () => receiver.received.length === 2);

  const paths = ["", `/${id}`, `/${id}/deliveries`, "/deliveries", `/deliveries/${test.body.id}`];
  const answers = await Promise.all(paths.map(async (path) => (await call("GET", `/api/webhooks${path}`)).text));
  const errors = [
    await call("PATCH", `/api/webhooks/${id}`, { secret: `${SECRET}\u0000`, colour: SECRET }),
    await call("PATCH", "/api/webhooks/none", { secret: SECRET }),
    await call("POST", "/api/webhooks", { url: "no", secret: SECRET }),
  ].map(({ text }) => text);
  const everything = JSON.stringify([answers, errors, events, under.logged, receiver.received]);

  for (const one of [SECRET, secret.slice("whsec_".length)]) expect(everything).not.toContain(one);
});

test("the dashboard is told of changes and deliveries", async () => {
  const port = under.listen();
  const stream = await fetch(`http://127.0.0.1:${port}/api/events`);
  let text = "";
  const reading = (async () => {
    for await (const chunk of stream.body!) text += new TextDecoder().decode(chunk);
  })().catch(() => undefined);
  await until("the snapshot has come", () => text.includes("event: snapshot"));

  const { id } = await added();
  await call("POST", `/api/webhooks/${id}/test`);
  await until("both have come", () => text.includes("event: webhooks") && text.includes('"state":"delivered"'));

  expect(text).toContain("event: webhook_delivery");
  await under.app.stop(true);
  await reading;
});

test("a reservation is told: taken, given back, taken by force; never its token", async () => {
  await added({ events: ["lock_acquired", "lock_released", "lock_forced"] });
  const acquire = async () =>
    (await call<{ token: string; generation: number }>("POST", "/api/swap/lock", { holder: "crm" })).body;
  const first = await acquire();
  await call("DELETE", "/api/swap/lock", { token: first.token });
  const second = await acquire();
  await call("DELETE", "/api/swap/lock", { force: true, reason: "it hangs" });
  await until("all arrive", () => receiver.received.length === 4);

  const told = receiver.received.map(
    ({ body }) => JSON.parse(body) as { event: string; data: Record<string, unknown> },
  );
  expect(told).toMatchObject([
    { event: "lock_acquired", data: { holder: "crm", generation: first.generation } },
    { event: "lock_released", data: { generation: first.generation } },
    { event: "lock_acquired", data: { generation: second.generation } },
    { event: "lock_forced", data: { holder: "crm", generation: second.generation, reason: "it hangs" } },
  ]);
  const everything = JSON.stringify(receiver.received);
  for (const { token } of [first, second]) expect(everything).not.toContain(token);
});
