/** Data that were restored from a backup, or copied, do not bring an old reservation back to life. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFacts } from "../../lib/events/facts.ts";
import type { LockDropped } from "../../lib/lock/lock.ts";
import { openStore } from "../../lib/store/store.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

let demo: Demo;
const backup = mkdtempSync(join(tmpdir(), "spark-backup-"));
beforeAll(async () => {
  demo = await startDemo();
});
afterAll(async () => {
  await demo.close();
  rmSync(backup, { recursive: true, force: true });
});

const copyDatabases = (from: string, to: string) => {
  for (const name of readdirSync(to)) if (name.startsWith("facts.db")) rmSync(join(to, name));
  for (const name of readdirSync(from)) if (name.startsWith("facts.db")) cpSync(join(from, name), join(to, name));
};

test("at the first contact a Spark tells that the data are old: dropped, with the reason, and generations go on above", async () => {
  const { token } = demo.plane.lock.acquire({ holder: "nightly", ttlSeconds: 3_600, by: "a test" });
  await demo.restart(() => copyDatabases(demo.dataDir, backup));
  // An ordinary restart changes nothing, also once the Sparks have been asked.
  await until("the Sparks were looked at", () => demo.plane.slots.node("spark-1")?.reachable === true);
  expect(await demo.swap("gpt-oss-20b", { lock_token: token })).toMatchObject({ state: "ready" });
  demo.plane.lock.release(token);
  const later = await demo.swap("qwen3-30b-a3b");

  await demo.restart(() => copyDatabases(backup, demo.dataDir));
  await until("the old reservation is dropped", () => demo.plane.lock.current() === null);

  const refused = await demo.post("/api/swap", { model: "gpt-oss-20b", lock_token: token });
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([423, "reservation_lost"]);
  const next = demo.plane.lock.acquire({ holder: "Bob", by: "a test" });
  expect(next.lock.generation).toBeGreaterThan(later.generation);
  demo.plane.lock.release(next.token);
  let facts: LockDropped[] = [];
  await demo.restart(() => {
    const store = openStore(demo.dataDir);
    facts = readFacts(store.facts, 0, 10_000).flatMap(({ event }) => (event.type === "lock.dropped" ? [event] : []));
    store.close();
  });
  expect(facts).toHaveLength(1);
  expect(facts[0]).toMatchObject({ reason: expect.stringContaining("backup"), lock: { holder: "nightly" } });
});
