import { describe, expect, test } from "bun:test";
import { Fault } from "../../../lib/fault.ts";
import { RETRY_DELAYS_MS } from "../../../lib/webhook/retry.ts";
import { until } from "../../support/until.ts";
import { Bench, ended } from "./_bench.ts";
import { startReceiver } from "./_receiver.ts";

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return "none";
};
const first = (bench: Bench) => bench.webhooks.deliveries({ limit: 1 })[0]!;
const ids = (received: readonly { readonly headers: Record<string, string> }[]) => [
  ...new Set(received.map(({ headers }) => headers["webhook-id"])),
];

describe("a delivery", () => {
  test("is tried again until it is accepted, always under one id, and each attempt is in its log", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    receiver.answer = () => new Response(null, { status: receiver.received.length < 3 ? 500 : 200 });
    bench.webhooks.add({ url: receiver.url });

    bench.record(ended("ready"));
    await until("it is accepted", () => first(bench).state === "delivered");

    expect(ids(receiver.received)).toEqual([first(bench).message_id]);
    const detail = bench.webhooks.delivery(first(bench).id);
    expect(detail).toMatchObject({ attempts: 3, status: 200, error: null, next_at: null });
    expect(detail.body).toBe(receiver.received[0]!.body);
    expect(detail.log.map(({ number, status, error }) => [number, status, error])).toEqual([
      [1, 500, "The receiver answered 500."],
      [2, 500, "The receiver answered 500."],
      [3, 200, null],
    ]);
    expect(bench.deliveries.at(-1)).toMatchObject({ state: "delivered" });
  });

  test("is dead after the last try, and can be sent again by hand", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    receiver.answer = () => new Response(null, { status: 302, headers: { location: receiver.url } });
    bench.webhooks.add({ url: receiver.url });

    bench.record(ended("ready"));
    await until("it is given up", () => first(bench).state === "dead");
    expect(receiver.received).toHaveLength(4);
    expect(first(bench)).toMatchObject({
      attempts: 4,
      next_at: null,
      error: expect.stringContaining("Redirects are not"),
    });

    receiver.answer = () => new Response("ok");
    expect(bench.webhooks.redeliver(first(bench).id)).toMatchObject({ state: "pending" });
    await until("it is accepted", () => first(bench).state === "delivered");
    expect(first(bench).attempts).toBe(5);
    expect(ids(receiver.received)).toHaveLength(1);
  });

  test("that was accepted can be sent again too, one that waits cannot", async () => {
    await using bench = new Bench({ retryDelaysMs: [60_000] });
    using receiver = startReceiver();
    bench.webhooks.add({ url: receiver.url });
    bench.record(ended("ready"));
    await until("it is accepted", () => first(bench).state === "delivered");

    receiver.answer = () => new Response(null, { status: 500 });
    bench.webhooks.redeliver(first(bench).id);
    await until("it waits", () => first(bench).attempts === 2);

    expect(codeOf(() => bench.webhooks.redeliver(first(bench).id))).toBe("delivery_pending");
    expect(codeOf(() => bench.webhooks.redeliver("none"))).toBe("unknown_delivery");
  });

  test("is tried again at the times of the schedule, unless told otherwise", async () => {
    await using bench = new Bench({ retryDelaysMs: undefined, random: () => 0 });
    using receiver = startReceiver();
    receiver.answer = () => new Response(null, { status: 500 });
    const { id } = bench.webhooks.add({ url: receiver.url });
    bench.record(ended("ready"));

    for (const [attempt, delay] of RETRY_DELAYS_MS.entries()) {
      await until(`attempt ${attempt + 1} was made`, () => first(bench).attempts === attempt + 1);
      const { last_at: began, next_at: next } = first(bench);
      // A fifth less, by chance; counted from when the attempt was over.
      expect(Date.parse(next!) - Date.parse(began!)).toBeWithin(0.8 * delay, 0.8 * delay + 2_000);
      bench.ahead += delay;
      bench.webhooks.change(id, { enabled: true });
    }
    await until("it is given up", () => first(bench).state === "dead");
  });

  test("waits as long as the receiver asks, and so do the others for this receiver", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    receiver.answer = () => new Response(null, { status: 503, headers: { "retry-after": "3600" } });
    const { id } = bench.webhooks.add({ url: receiver.url });
    bench.record(ended("ready"));
    await until("it was tried", () => first(bench).attempts === 1);

    using other = startReceiver();
    bench.webhooks.add({ url: other.url });
    for (const job_id of ["job-2", "job-3"]) bench.record(ended("ready", { job_id }));
    // One after another: by then the first would have got the second as well.
    await until("another receiver has both", () => other.received.length === 2);
    expect(receiver.received).toHaveLength(1);
    expect(bench.webhooks.get(id).pending).toBe(3);
    const [third, second, tried] = bench.webhooks
      .deliveries({ limit: 3, endpoint: id })
      .map(({ next_at }) => Date.parse(next_at!) - Date.now());
    expect(tried).toBeGreaterThan(3_500_000);
    for (const waits of [second, third]) expect(waits).toBeLessThan(1_000);

    // Only once the hour has passed.
    receiver.answer = () => new Response("ok");
    bench.ahead = 3_601_000;
    bench.webhooks.change(id, { enabled: true });
    await until("all are accepted", () => bench.webhooks.get(id).pending === 0);
    expect(receiver.received).toHaveLength(4);
  });

  test("that hangs holds up nobody else's", async () => {
    await using bench = new Bench({ deadlineMs: 60_000 });
    using hung = startReceiver();
    using receiver = startReceiver();
    hung.answer = () => new Promise(() => undefined);
    bench.webhooks.add({ url: hung.url });
    bench.webhooks.add({ url: receiver.url });

    for (let swap = 1; swap <= 20; swap++) bench.record(ended("ready", { job_id: `job-${swap}` }));
    await until("all arrive at the other", () => receiver.received.length === 20);

    expect(hung.received).toHaveLength(1);
    // One at a time, in the order in which it happened.
    expect(receiver.received.map(({ body }) => JSON.parse(body).data.job_id)).toEqual(
      Array.from({ length: 20 }, (_, at) => `job-${at + 1}`),
    );
  });

  test("is taken up by the next process, with the endpoint's settings of then", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    const { id } = bench.webhooks.add({ url: "http://127.0.0.1:9/" });
    bench.record(ended("ready"));
    await until("it was tried in vain", () => first(bench).attempts > 0);
    await bench.webhooks.close();
    bench.store.close();

    await using next = new Bench({ dataDir: bench.dataDir });
    expect(first(next).state).toBe("pending");
    next.webhooks.change(id, { url: receiver.url });
    await until("it arrives", () => first(next).state === "delivered");
    expect(ids(receiver.received)).toEqual([first(next).message_id]);
  });

  test("that was cut off by the end of the controller does not count as a try", async () => {
    await using bench = new Bench({ deadlineMs: 60_000, retryDelaysMs: [] });
    using receiver = startReceiver();
    receiver.answer = () => new Promise(() => undefined);
    bench.webhooks.add({ url: receiver.url });
    bench.record(ended("ready"));
    await until("it is on its way", () => receiver.received.length === 1);
    await bench.webhooks.close();

    expect(first(bench)).toMatchObject({ state: "pending", attempts: 0 });
  });

  test("does not wait for a clock that was ahead for a while", async () => {
    await using bench = new Bench({ retryDelaysMs: [60_000] });
    using receiver = startReceiver();
    receiver.answer = () => new Response(null, { status: 500 });
    const { id } = bench.webhooks.add({ url: receiver.url });
    bench.ahead = 365 * 86_400_000;
    bench.record(ended("ready"));
    await until("it was tried", () => first(bench).attempts === 1);

    bench.ahead = 0;
    receiver.answer = () => new Response("ok");
    bench.webhooks.change(id, { enabled: true });
    await until("it arrives", () => first(bench).state === "delivered");
  });

  test("whose result cannot be written is not sent over and over", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    bench.webhooks.add({ url: receiver.url });
    bench.store.facts.run(
      "CREATE TRIGGER full BEFORE INSERT ON webhook_attempt BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
    );
    bench.record(ended("ready"));
    await until("writing has failed twice", () => bench.failures.length >= 2);
    expect(receiver.received).toHaveLength(1);

    bench.store.facts.run("DROP TRIGGER full");
    await until("it is written", () => first(bench).state === "delivered");
    expect(receiver.received).toHaveLength(1);
  });
});

describe("an endpoint", () => {
  test("that is switched off gets nothing new, and what waits once it is on again", async () => {
    await using bench = new Bench({ retryDelaysMs: Array(100).fill(50) });
    using receiver = startReceiver();
    receiver.answer = () => new Response(null, { status: 500 });
    const { id } = bench.webhooks.add({ url: receiver.url });
    bench.record(ended("ready"));
    await until("it was tried", () => first(bench).attempts > 0);

    bench.webhooks.change(id, { enabled: false });
    bench.record(ended("ready", { job_id: "job-2" }));
    expect(codeOf(() => bench.webhooks.test(id))).toBe("webhook_disabled");
    receiver.answer = () => new Response("ok");
    bench.webhooks.change(id, { enabled: true });
    await until("what waited arrives", () => bench.webhooks.get(id).pending === 0);

    expect(bench.webhooks.deliveries({ limit: 9 }).map(({ state }) => state)).toEqual(["delivered"]);
    expect(JSON.parse(receiver.received.at(-1)!.body).data.job_id).toBe("job-1");
  });

  test("that is switched off is not sent anything again, and that is said", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    const { id } = bench.webhooks.add({ url: receiver.url });
    bench.record(ended("ready"));
    await until("it is delivered", () => first(bench).state === "delivered");

    bench.webhooks.change(id, { enabled: false });
    expect(codeOf(() => bench.webhooks.redeliver(first(bench).id))).toBe("webhook_disabled");
    expect([first(bench).state, bench.webhooks.get(id).pending]).toEqual(["delivered", 0]);

    bench.webhooks.change(id, { enabled: true });
    bench.webhooks.redeliver(first(bench).id);
    await until("it comes again", () => receiver.received.length === 2);
  });

  test("that is removed takes its deliveries with it, the one on its way too", async () => {
    await using bench = new Bench();
    using receiver = startReceiver();
    const answers: ((response: Response) => void)[] = [];
    receiver.answer = () => new Promise<Response>((resolve) => answers.push(resolve));
    const { id } = bench.webhooks.add({ url: receiver.url });
    bench.record(ended("ready"));
    await until("it is on its way", () => answers.length === 1);

    bench.webhooks.remove(id);
    answers[0]!(new Response("ok"));
    const other = bench.webhooks.add({ url: receiver.url });
    bench.webhooks.test(other.id);
    await until("the next is on its way", () => answers.length === 2);
    answers[1]!(new Response("ok"));
    await until("it is delivered", () => first(bench).state === "delivered");

    expect(bench.webhooks.list().map((each) => each.id)).toEqual([other.id]);
    expect(bench.webhooks.deliveries({ limit: 9 }).map(({ event }) => event)).toEqual(["test"]);
    expect(codeOf(() => bench.webhooks.get(id))).toBe("unknown_webhook");
    expect(bench.failures).toEqual([]);
  });

  test("can come from the environment: the first one, and not to be changed here", async () => {
    using receiver = startReceiver();
    await using bench = new Bench({ env: { WEBHOOK_URL: ` ${receiver.url} `, WEBHOOK_SECRET: "hunter2!" } });
    bench.webhooks.add({ url: "http://127.0.0.1:9/" });

    const [{ id, url, source, has_secret }] = bench.webhooks.list() as [ReturnType<typeof bench.webhooks.get>];
    expect({ url, source, has_secret }).toEqual({ url: receiver.url, source: "environment", has_secret: true });
    expect(codeOf(() => bench.webhooks.change(id, { enabled: false }))).toBe("webhook_read_only");
    expect(codeOf(() => bench.webhooks.remove(id))).toBe("webhook_read_only");
    bench.webhooks.test(id);
    await until("it arrives", () => receiver.received.length === 1);
    expect(receiver.received[0]!.headers["x-spark-signature"]).toStartWith("sha256=");
  });

  test("from the environment that cannot be used is shown with its problem", async () => {
    await using bench = new Bench({ env: { WEBHOOK_URL: "http://169.254.169.254/" }, retryDelaysMs: [] });

    expect(bench.webhooks.list()).toMatchObject([{ problem: expect.stringContaining("metadata") }]);
    bench.record(ended("ready"));
    await until("nothing is sent", () => first(bench).state === "dead");
    expect(first(bench)).toMatchObject({ error: "The URL of the endpoint cannot be used." });
  });

  test("a blank variable is none", async () => {
    await using bench = new Bench({ env: { WEBHOOK_URL: " ", WEBHOOK_SECRET: "x" } });

    expect(bench.webhooks.list()).toEqual([]);
  });

  test("whose URL or secret nobody could use is refused", async () => {
    await using bench = new Bench();

    expect(codeOf(() => bench.webhooks.add({ url: "http://alice:x@192.168.1.20/" }))).toBe("unusable_url");
    expect(codeOf(() => bench.webhooks.add({ url: "http://192.168.1.20/", secret: "whsec_%%%" }))).toBe(
      "unusable_secret",
    );
    const { id } = bench.webhooks.add({ url: "http://192.168.1.20/" });
    expect(codeOf(() => bench.webhooks.change(id, { url: "http://169.254.169.254/" }))).toBe("unusable_url");
    expect(bench.webhooks.get(id).url).toBe("http://192.168.1.20/");
  });

  test("shows a secret when it is made, and never again", async () => {
    await using bench = new Bench();
    const { id, secret } = bench.webhooks.add({ url: "http://192.168.1.20/", generate_secret: true });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const rotated = bench.webhooks.change(id, { generate_secret: true });
    expect(rotated.secret).not.toBe(secret);

    const everything = JSON.stringify([bench.webhooks.list(), bench.webhooks.get(id), bench.changes]);
    for (const one of [secret!, rotated.secret!]) expect(everything).not.toContain(one.slice(6));
    expect(bench.webhooks.get(id).has_secret).toBe(true);
    expect(bench.changes.map(({ change }) => change)).toEqual(["added", "secret_changed"]);
  });
});

test("what is over is forgotten after 30 days, what waits is not", async () => {
  await using bench = new Bench({ simulated: true });
  bench.webhooks.add({ url: "http://192.168.1.20/" });
  bench.record(ended("ready"));
  await bench.webhooks.close();
  bench.store.facts.run("UPDATE webhook_delivery SET created_at = '2020-01-01T00:00:00.000+00:00'");
  bench.store.facts.run("UPDATE webhook_message SET at = '2020-01-01T00:00:00.000+00:00'");
  bench.record(
    ended("ready", { job_id: "job-2" }),
    ended("ready", { job_id: "job-3" }),
    ended("ready", { job_id: "job-4" }),
  );
  const [orphan, waiting] = bench.webhooks.deliveries({ limit: 9 });
  const DUE =
    "UPDATE webhook_delivery SET state = 'pending', created_at = '2020-01-01T00:00:00.000+00:00', next_at = ?2 WHERE id = ?1";
  bench.store.facts.run(DUE, [orphan!.id, 0]);
  bench.store.facts.run(DUE, [waiting!.id, Date.now() + 60_000]);

  bench.webhooks.start();

  // The old one is gone, and the one that has been due for years because its endpoint is gone.
  expect(bench.webhooks.deliveries({ limit: 9 }).map(({ state }) => state)).toEqual(["pending", "suppressed"]);
  expect(bench.store.facts.query("SELECT COUNT(*) AS count FROM webhook_message").get()).toEqual({ count: 2 });
});
