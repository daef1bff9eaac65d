import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { recordFact } from "../../../lib/events/facts.ts";
import { makeSecret } from "../../../lib/webhook/sign.ts";
import { until } from "../../support/until.ts";
import { AT, Bench, ended, nodeFact, swapFact } from "./_bench.ts";
import { officialVerify, startReceiver } from "./_receiver.ts";

const OUT_OF_MEMORY = { code: "out_of_memory", message: "Memory ran out.", evidence: null, advice: null };

describe("what is told", () => {
  test("the end of a swap, under the names that older receivers know and those of Standard Webhooks", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    bench.webhooks.add({ url: receiver.url });

    bench.record(swapFact(), ended("ready"));
    await until("it arrives", () => receiver.received.length > 0);

    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    expect(headers["content-type"]).toBe("application/json");
    expect(JSON.parse(body)).toMatchObject({
      event: "swap_complete",
      type: "swap_complete",
      timestamp: AT,
      data: { job_id: "job-1", model: "qwen", state: "ready", generation: 7 },
    });
    // The start was not asked for.
    expect(bench.webhooks.deliveries({ limit: 10 })).toHaveLength(1);
  });

  test("a swap that failed and went back to the previous model has failed", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    bench.webhooks.add({ url: receiver.url });

    bench.record(ended("failed", { failure: OUT_OF_MEMORY, reason: "Memory ran out.", rolled_back_to: "glm" }));
    await until("it arrives", () => receiver.received.length > 0);

    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({
      event: "swap_failed",
      data: { state: "failed", reason: "Memory ran out.", failure_code: "out_of_memory", rolled_back_to: "glm" },
    });
  });

  test("each swap once, however often its end is recorded", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    bench.webhooks.add({ url: receiver.url, events: ["*"] });

    bench.record(swapFact(), swapFact({ generation: 8 }), ended("unknown"), ended("failed"), ended("failed"));
    bench.record(ended("cancelled", { job_id: "job-2" }));
    await until("all arrive", () => receiver.received.length >= 3);

    const told = receiver.received.map(({ body }) => JSON.parse(body));
    expect(told.map(({ event, data }) => [event, data.job_id, data.state])).toEqual([
      ["swap_started", "job-1", "planned"],
      ["swap_failed", "job-1", "unknown"],
      ["swap_failed", "job-2", "cancelled"],
    ]);
    expect(bench.webhooks.deliveries({ limit: 10 })).toHaveLength(3);
  });

  test("a Spark that goes and comes back, but not that it is still as it was after a restart", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    bench.webhooks.add({ url: receiver.url, events: ["node_down", "node_up"] });

    bench.record(
      nodeFact("spark-1", true),
      nodeFact("spark-2", false),
      nodeFact("spark-2", false),
      nodeFact("spark-1", true),
      nodeFact("spark-2", true),
    );
    await until("both arrive", () => receiver.received.length >= 2);

    expect(receiver.received.map(({ body }) => [JSON.parse(body).event, JSON.parse(body).data.node])).toEqual([
      ["node_down", "spark-2"],
      ["node_up", "spark-2"],
    ]);
    expect(bench.webhooks.deliveries({ limit: 10 })).toHaveLength(2);
  });

  test("nothing of a change that was rolled back", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    bench.webhooks.add({ url: receiver.url });

    expect(() =>
      bench.store.transaction(() => {
        recordFact(bench.store.facts, ended("ready"));
        throw new Error("the disk is full");
      }),
    ).toThrow("full");
    bench.record(ended("failed", { job_id: "job-2" }));
    await until("the other arrives", () => receiver.received.length > 0);

    expect(receiver.received.map(({ body }) => JSON.parse(body).data.job_id)).toEqual(["job-2"]);
  });

  test("from a simulated cluster nothing leaves: it is recorded and shown so", async () => {
    await using bench = new Bench({ simulated: true });
    using receiver = startReceiver();
    const { id } = bench.webhooks.add({ url: receiver.url });

    bench.record(ended("ready"));
    const tried = bench.webhooks.test(id);

    expect(bench.webhooks.deliveries({ limit: 10 }).map(({ state, next_at }) => [state, next_at])).toEqual([
      ["suppressed", null],
      ["suppressed", null],
    ]);
    expect(() => bench.webhooks.redeliver(tried.id)).toThrow("simulated");
    await bench.webhooks.close();
    expect(receiver.received).toEqual([]);
  });
});

describe("signatures", () => {
  for (const secret of ["hunter2!", "plainsecret", "geheim-ü-秘密", makeSecret()])
    test(`the official package verifies ${secret.replace(/^whsec_.*/, "a whsec_ secret")}, and nothing that was touched`, async () => {
      await using bench = new Bench();
      using receiver = startReceiver();
      bench.webhooks.add({ url: receiver.url, secret });

      bench.record(ended("ready"));
      await until("it arrives", () => receiver.received.length > 0);

      const got = receiver.received[0]!;
      expect(officialVerify(secret, got)).toMatchObject({ type: "swap_complete" });
      expect(() => officialVerify(secret, { ...got, body: got.body.replace("qwen", "glm") })).toThrow("signature");
      const replayed = { ...got.headers, "webhook-timestamp": String(Math.floor(Date.now() / 1000) - 301) };
      expect(() => officialVerify(secret, { ...got, headers: replayed })).toThrow("too old");
      const moved = { ...got.headers, "webhook-timestamp": String(Number(got.headers["webhook-timestamp"]) + 1) };
      expect(() => officialVerify(secret, { ...got, headers: moved })).toThrow("signature");
      expect(() => officialVerify("another", got)).toThrow("signature");

      // An older receiver knows only this header, keyed with the bytes of what was configured.
      const expected = createHmac("sha256", Buffer.from(secret, "utf8")).update(got.body).digest("hex");
      expect(got.headers["x-spark-signature"]).toBe(`sha256=${expected}`);
    });

  test("without a secret there is none", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    bench.webhooks.add({ url: receiver.url });

    bench.record(ended("ready"));
    await until("it arrives", () => receiver.received.length > 0);

    expect(Object.keys(receiver.received[0]!.headers).filter((name) => name.includes("signature"))).toEqual([]);
  });

  test("a secret that was replaced stays valid beside the new one, for as long as was said", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    const { id } = bench.webhooks.add({ url: receiver.url, secret: "old" });
    bench.webhooks.change(id, { secret: "new", previous_secret_seconds: 60 });

    bench.record(ended("ready"));
    await until("it arrives", () => receiver.received.length === 1);
    const both = receiver.received[0]!;
    expect(officialVerify("old", both)).toBeDefined();
    expect(officialVerify("new", both)).toBeDefined();
    expect(bench.webhooks.get(id).previous_secret_until).not.toBeNull();

    bench.ahead = 61_000;
    expect(bench.webhooks.get(id).previous_secret_until).toBeNull();
    bench.record(ended("ready", { job_id: "job-2" }));
    await until("the second arrives", () => receiver.received.length === 2);
    expect(officialVerify("new", receiver.received[1]!)).toBeDefined();
    expect(() => officialVerify("old", receiver.received[1]!)).toThrow("signature");
  });

  test("while two are valid, an older receiver that knows either accepts one attempt out of two", async () => {
    for (const known of ["old", "new"]) {
      await using bench = new Bench();
      using receiver = startReceiver();
      receiver.answer = ({ headers, body }) => {
        const expected = `sha256=${createHmac("sha256", known).update(body).digest("hex")}`;
        return new Response(null, { status: headers["x-spark-signature"] === expected ? 204 : 401 });
      };
      const { id } = bench.webhooks.add({ url: receiver.url, secret: "old" });
      bench.webhooks.change(id, { secret: "new" });

      bench.record(ended("ready"));
      await until("it is accepted", () => bench.webhooks.deliveries({ limit: 1 })[0]?.state === "delivered");

      expect(receiver.received.length).toBeLessThanOrEqual(2);
    }
  });
});
