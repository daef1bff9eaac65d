/** The reservation where it could be got around: neighbours, crashes between two steps, damaged data, clients that leave. */
import { Database } from "bun:sqlite";
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { join } from "node:path";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const SETTINGS = "settings:\n  probe_seconds: 3600\n  deep_check_minutes: 0\n";
const OVER_BOTH = "qwen3-235b-a22b";

let demo: Demo;
afterEach(() => demo?.close());

interface Answer {
  readonly code?: string;
  readonly token: string;
  readonly generation: number;
  readonly job_id: string;
  readonly reason: string | null;
}

async function ask(method: string, path: string, body?: object) {
  const answer = await fetch(demo.url + path, {
    method,
    headers: { "content-type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: answer.status, body: (await answer.json()) as Answer };
}
const post = (path: string, body: object = {}) => ask("POST", path, body);
const reserve = (more: object = {}) => post("/api/swap/lock", { holder: "nightly", ...more });
const edit = (sql: string) => {
  using db = new Database(join(demo.dataDir, "facts.db"));
  db.run(sql);
};
const begin = async (options: DemoOptions = {}) => {
  demo = await startDemo({ topology: (yaml) => `${yaml}${SETTINGS}`, ...options });
};

describe("a reservation of one slot", () => {
  /** One slot over both Sparks, and one on each of them. */
  async function threeSlots(): Promise<void> {
    await begin({
      topology(yaml) {
        const [head = "", slots = ""] = yaml.split("slots:");
        const port = Number(/port: (\d+)/.exec(slots)?.[1]);
        const image = /image: (.*)/.exec(slots)?.[1] ?? "";
        const slot = (name: string, nodes: string, at: number) =>
          `  - { name: ${name}, nodes: [${nodes}], port: ${port + at}, container: vllm_${name}, image: ${image} }\n`;
        const all = [slot("both", "spark-1, spark-2", 0), slot("one", "spark-1", 1), slot("two", "spark-2", 2)];
        return `${head}slots:\n${all.join("")}${SETTINGS}`;
      },
    });
    expect(demo.plane.config.current.problems).toEqual([]);
  }
  const isUp = () => demo.cluster.nodes.map(({ docker }) => docker.find("vllm_both")?.running ?? false);

  test("is in the way of a swap beside it that would stop a model on its Spark", async () => {
    await threeSlots();
    expect(await demo.swap(OVER_BOTH, { slot: "both" })).toMatchObject({ state: "ready" });
    const { token } = (await reserve({ slots: ["two"] })).body;

    expect(await post("/api/swap", { model: "gpt-oss-120b", slot: "one" })).toMatchObject({
      status: 423,
      body: { code: "reserved" },
    });
    const { body } = await post("/api/swap/plan", { model: "gpt-oss-120b", slot: "one" });
    expect(body).toMatchObject({ blockers: [expect.objectContaining({ code: "reserved" })] });
    expect(isUp()).toEqual([true, true]);

    expect(await demo.swap("gpt-oss-120b", { slot: "one", lock_token: token })).toMatchObject({ state: "ready" });
    expect(isUp()).toEqual([false, false]);
    // Now nothing of it reaches the other Spark.
    expect(await demo.swap("gpt-oss-20b", { slot: "one" })).toMatchObject({ state: "ready" });
  });

  test("is not granted while a swap beside it is about to stop a model on its Spark", async () => {
    await threeSlots();
    await demo.swap(OVER_BOTH, { slot: "both" });
    const { job_id } = (await post("/api/swap", { model: "gpt-oss-120b", slot: "one" })).body;

    expect(await reserve({ slots: ["two"] })).toMatchObject({ status: 409, body: { code: "swap_running", job_id } });

    expect(await demo.plane.swaps.settled(job_id)).toMatchObject({ state: "ready" });
    expect((await reserve({ slots: ["two"] })).status).toBe(200);
  });
});

test.each([
  ["as it was written", "SELECT 1"],
  ["where its record can no longer be read", "UPDATE event SET json = 'xx' WHERE type = 'lock.forced'"],
])(
  "a forced release is kept also by a controller that was killed before it could cancel the swap, %s",
  async (_, sql) => {
    await begin({ speed: 20 });
    await demo.swap("gpt-oss-20b");
    const { token } = (await reserve()).body;
    const chat = new AbortController();
    const long = { model: "gpt-oss-20b", stream: true, max_tokens: 100_000, min_tokens: 100_000 };
    const answer = await fetch(`${demo.url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ ...long, messages: [{ role: "user", content: "x" }] }),
      signal: chat.signal,
    });
    const ended = answer.text().catch(() => "left");
    const { job_id } = (await post("/api/swap", { model: "qwen3-30b-a3b", lock_token: token })).body;
    await until("it waits for the chat", () => demo.plane.swaps.get(job_id).state === "draining");
    // As a kill between the commit and what follows from it.
    demo.plane.swaps.abortBeforeStopping = () => undefined;
    expect((await ask("DELETE", "/api/swap/lock?force=true")).status).toBe(200);
    expect(demo.plane.swaps.get(job_id).state).toBe("draining");

    await demo.restart(() => edit(sql));
    chat.abort();
    await ended;

    expect(await demo.plane.swaps.settled(job_id)).toMatchObject({ state: "cancelled" });
    expect(demo.cluster.nodes[0]!.docker.find("vllm_node")?.running).toBe(true);
  },
);

test("a Spark that is taken over leaves the reservation as it is, whatever it has seen of another controller", async () => {
  await begin();
  await until("it is looked at", () => demo.plane.slots.node("spark-1")?.reachable === true);
  for (let round = 0; round < 5; round++) demo.plane.lock.release((await reserve()).body.token);
  const { generation: before } = await demo.swap("gpt-oss-20b");
  const other = demo.plane.instance;
  await demo.startAfresh();
  await until("it is looked at", () => demo.plane.slots.node("spark-1")?.reachable === true);
  const { token, generation } = (await reserve()).body;
  expect(generation).toBeLessThan(before);

  expect((await post("/api/nodes/spark-1/take-over", { instance: other })).status).toBe(200);
  await Bun.sleep(500);

  expect(demo.plane.lock.current()).toMatchObject({ holder: "nightly", generation });
  expect((await reserve({ token })).status).toBe(200);
  expect((await demo.swap("qwen3-30b-a3b", { lock_token: token })).generation).toBeGreaterThan(before);
});

describe("damaged data", () => {
  const set = (path: string, value: string) =>
    `UPDATE reservation SET document = json_set(document, '${path}', ${value})`;
  const counter = (value: string) => `UPDATE meta SET value = '${value}' WHERE key = 'generation'`;

  test("of the reservation closes, says why, and can be forced; generations go on", async () => {
    await begin();
    let highest = 0;
    for (const sql of [
      ...["$.expires_ms", "$.acquired_ms", "$.ends_steady_ms", "$.seen_wall_ms"].map((path) => set(path, "1e18")),
      ...[set("$.generation", "9007199254740991"), set("$.generation", "1e300"), set("$.token_digest", "'x'")],
      "UPDATE reservation SET document = 'xx'",
    ]) {
      const { generation } = (await reserve()).body;
      expect([sql, generation > highest]).toEqual([sql, true]);
      highest = generation;

      await demo.restart(() => edit(sql));

      expect(await ask("GET", "/api/swap/lock")).toMatchObject({
        status: 200,
        body: { held: true, reason: expect.stringContaining("could not be read") },
      });
      expect((await post("/api/swap", { model: "gpt-oss-20b" })).status).toBe(423);
      expect((await ask("DELETE", "/api/swap/lock?force=true")).status).toBe(200);
    }
  });

  test("of single rows does not keep it from starting, nor a swap from the slot of one that is lost", async () => {
    await begin();
    const { generation } = await demo.swap("gpt-oss-20b");
    demo.plane.lock.release((await reserve()).body.token);
    const { job_id } = (await post("/api/swap", { model: "gpt-oss-120b" })).body;
    await until("it loads", () => demo.plane.swaps.get(job_id).state === "loading");

    await demo.restart(() => {
      edit("UPDATE event SET json = 'xx'");
      edit("UPDATE slot_belief SET document = 'xx'");
      edit(`UPDATE swap SET document = '{' WHERE job_id = '${job_id}'`);
    });

    expect((await post("/api/swap", { model: "gpt-oss-20b", dry_run: true })).status).toBe(200);
    const again = await demo.swap("gpt-oss-20b");
    expect(again).toMatchObject({ state: "ready" });
    expect(again.generation).toBeGreaterThan(generation + 2);
  });

  test("of the counter never makes a generation come again", async () => {
    await begin();
    let highest = (await demo.swap("gpt-oss-20b")).generation;
    for (const value of ["garbage", "", "-5", "1e3", "0"]) {
      const { generation } = (await reserve()).body;
      expect([value, generation > highest]).toEqual([value, true]);
      highest = generation;

      await demo.restart(() => edit(counter(value)));
      await ask("DELETE", "/api/swap/lock?force=true");
    }
    await demo.restart(() => edit(counter("garbage")));
    expect((await reserve()).body.generation).toBeGreaterThan(highest);
  });
});

test("who goes away in the moment of the grant holds nothing", async () => {
  await begin();
  const { port } = new URL(demo.url);
  const body = (holder: string) => JSON.stringify({ holder });
  const raw = (method: string, path: string, text: string) =>
    `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
  const release = connect(Number(port), "127.0.0.1");
  release.on("data", () => undefined);

  for (let round = 0; round < 40; round++) {
    const { token } = (await reserve()).body;
    const waiter = connect(Number(port), "127.0.0.1");
    waiter.write(raw("POST", "/api/swap/lock?wait=30", body("gone")));
    await until("one waits", () => demo.plane.lock.waiting === 1);

    // The end of the one connection and the release on the other arrive together.
    waiter.destroy();
    release.write(raw("DELETE", `/api/swap/lock?token=${token}`, "{}"));

    await until("nobody waits", () => demo.plane.lock.waiting === 0);
    await until("nobody holds it", () => demo.plane.lock.current() === null);
  }
  release.destroy();
  const { entries } = (await ask("GET", "/api/audit?limit=200")).body as unknown as {
    entries: { code: string | null; outcome: string; count: number }[];
  };
  expect(entries.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  const left = entries.filter(({ code }) => code === "client_left");
  expect(left.reduce((sum, { count }) => sum + count, 0)).toBe(40);
});
