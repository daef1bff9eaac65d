/** Webhooks of the controller as people run it: a process with an environment, which may be killed. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Delivery, DeliveryDetail, Webhook } from "../../lib/webhook/webhook.ts";
import { officialVerify, startReceiver } from "../lib/webhook/_receiver.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(90_000);

test("WEBHOOK_URL is the first endpoint; what was on its way when the process was killed is sent by the next, under the same id", async () => {
  using receiver = startReceiver();
  receiver.answer = () => new Promise(() => undefined);
  const { dataDir, remove } = makeDataDir();
  // A proxy that the environment names is not used: what is sent goes where it was judged to go.
  const proxies = { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" };
  const env = { WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: "hunter2!", ...proxies };
  const first = await Controller.start({ dataDir, env });
  const { webhooks } = await first.get<{ webhooks: Webhook[] }>("/api/webhooks");
  expect(webhooks).toMatchObject([{ id: "environment", url: receiver.url, has_secret: true, problem: null }]);

  const queued = (await (await first.post("/api/webhooks/environment/test")).json()) as Delivery;
  await until("it is on its way", () => receiver.received.length === 1);
  await first.kill();

  receiver.answer = () => new Response(null, { status: 204 });
  const second = await Controller.start({ dataDir, env });
  try {
    await until("it has come again", () => receiver.received.length === 2);
    const path = `/api/webhooks/deliveries/${queued.id}`;
    await until("it is delivered", async () => (await second.get<DeliveryDetail>(path)).state === "delivered");

    expect(receiver.received.map(({ headers }) => headers["webhook-id"])).toEqual([
      queued.message_id,
      queued.message_id,
    ]);
    for (const each of receiver.received) expect(officialVerify("hunter2!", each)).toMatchObject({ event: "test" });
    expect(first.said + second.said).not.toContain("hunter2!");
  } finally {
    await second.stop();
    remove();
  }
});

test("the process's own port is refused", async () => {
  const { dataDir, remove } = makeDataDir();
  const controller = await Controller.start({ dataDir });
  try {
    const answer = await controller.post("/api/webhooks", { url: `${controller.url}/api/swap` });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([422, "unusable_url"]);
  } finally {
    await controller.stop();
    remove();
  }
});
