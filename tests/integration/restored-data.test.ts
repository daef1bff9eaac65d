/** Data that were restored from a backup, or copied, do not bring an old reservation back to life. */
import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFacts } from "../../lib/events/facts.ts";
import type { LockDropped } from "../../lib/lock/lock.ts";
import type { Status } from "../../lib/status.ts";
import { snapshotDatabases } from "../../lib/store/snapshot.ts";
import type { SwapJob } from "../../lib/swap/swap.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

let demo: Demo;
const backup = mkdtempSync(join(tmpdir(), "spark-backup-"));
beforeEach(async () => {
  demo = await startDemo();
});
afterEach(() => demo.close());
afterAll(() => rmSync(backup, { recursive: true, force: true }));

const copyDatabases = (from: string, to: string) => {
  for (const name of readdirSync(to)) if (name.startsWith("facts.db")) rmSync(join(to, name));
  for (const name of readdirSync(from)) if (name.startsWith("facts.db")) cpSync(join(from, name), join(to, name));
};

/** The snapshot becomes the data, as a restore of the StartOS package makes it. */
const useSnapshot = () => {
  for (const name of readdirSync(demo.dataDir))
    if (/^(facts|telemetry)\.db/.test(name)) rmSync(join(demo.dataDir, name));
  for (const name of readdirSync(join(demo.dataDir, "backup")))
    renameSync(join(demo.dataDir, "backup", name), join(demo.dataDir, name));
};

function dropped(): LockDropped[] {
  const facts = new Database(join(demo.dataDir, "facts.db"), { readonly: true });
  try {
    return readFacts(facts, 0, 10_000).flatMap(({ event }) => (event.type === "lock.dropped" ? [event] : []));
  } finally {
    facts.close();
  }
}

test("a snapshot that is restored holds nothing from its first moment, though no Spark remembers anything later", async () => {
  const { token, lock } = demo.plane.lock.acquire({ holder: "weekly", ttlSeconds: 86_400, by: "a test" });
  snapshotDatabases(demo.dataDir);

  await demo.restart(useSnapshot);

  expect(demo.plane.lock.current()).toBeNull();
  const refused = await demo.post("/api/swap", { model: "gpt-oss-20b", lock_token: token });
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([423, "reservation_lost"]);
  expect(dropped().at(-1)).toMatchObject({ reason: expect.stringContaining("restored from a backup of 20") });
  const { entries } = (await (await fetch(`${demo.url}/api/audit?action=lock.dropped`)).json()) as {
    entries: { holder: string; details: { reason: string } }[];
  };
  expect(entries[0]).toMatchObject({ holder: "weekly", details: { reason: expect.stringContaining("backup") } });

  const next = demo.plane.lock.acquire({ holder: "Bob", by: "a test" });
  expect(next.lock.generation).toBeGreaterThan(lock.generation);
  // Dropped once: what is reserved afterwards outlives the next restart.
  await demo.restart();
  expect(demo.plane.lock.current()).toMatchObject({ holder: "Bob" });
  demo.plane.lock.release(next.token);
});

test("a snapshot of the middle of a load, restored two swaps later: its swap ends, and what runs now goes on", async () => {
  const { job_id } = (await (await demo.post("/api/swap", { model: "gpt-oss-20b" })).json()) as { job_id: string };
  await until("it loads", () => demo.plane.swaps.get(job_id).state === "loading");
  snapshotDatabases(demo.dataDir);
  expect(await demo.plane.swaps.settled(job_id)).toMatchObject({ state: "ready" });
  for (const model of ["qwen3-30b-a3b", "gpt-oss-20b"])
    expect(await demo.swap(model)).toMatchObject({ state: "ready" });

  await demo.restart(useSnapshot);

  expect(await demo.plane.swaps.settled(job_id)).toMatchObject({
    state: "failed",
    failure: { code: "restored" },
    rolled_back_to: null,
  });
  const main = () => demo.plane.slots.statuses()[0]!;
  await until("what runs is seen", () => main().state === "serving" && !main().by_hand);
  expect(main()).toMatchObject({ model: "gpt-oss-20b", by_hand: false, difference: null });
});

test("a plain copy of the middle of a load, put back two swaps later: its swap ends with both generations, what runs goes on", async () => {
  const begun = (await (await demo.post("/api/swap", { model: "gpt-oss-20b" })).json()) as SwapJob;
  await until("it loads", () => demo.plane.swaps.get(begun.job_id).state === "loading");
  await demo.restart(() => copyDatabases(demo.dataDir, backup));
  expect(await demo.plane.swaps.settled(begun.job_id)).toMatchObject({ state: "ready" });
  await demo.swap("qwen3-30b-a3b");
  const last = await demo.swap("gpt-oss-20b");
  expect(last).toMatchObject({ state: "ready" });

  await demo.restart(() => copyDatabases(backup, demo.dataDir));

  expect(await demo.plane.swaps.settled(begun.job_id)).toMatchObject({
    state: "failed",
    failure: {
      code: "superseded",
      evidence: expect.stringContaining(`generation ${last.generation}; this swap has ${begun.generation}`),
    },
    rolled_back_to: null,
  });
  const main = () => demo.plane.slots.statuses()[0]!;
  await until("what runs is taken up", () => main().state === "serving" && !main().by_hand, 30_000);
  expect(main()).toMatchObject({ model: "gpt-oss-20b", job_id: null, difference: null });
  expect(demo.plane.swaps.beliefs()).toMatchObject([{ job_id: last.job_id }]);
});

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
  expect(dropped()).toHaveLength(1);
  expect(dropped()[0]).toMatchObject({ reason: expect.stringContaining("backup"), lock: { holder: "nightly" } });
});

test("a backup with damaged telemetry: the start goes on, says so to people, and keeps it for them", async () => {
  await demo.restart(() => {
    writeFileSync(join(demo.dataDir, "telemetry.db"), "no database ".repeat(1_000));
    expect(snapshotDatabases(demo.dataDir).problems).toHaveLength(1);
    useSnapshot();
  });

  const { problems } = (await (await fetch(`${demo.url}/api/status`)).json()) as Status;
  expect(problems).toMatchObject([
    {
      source: "telemetry.db",
      message: "It was damaged: file is not a database.",
      instead: expect.stringContaining("kept as telemetry-damaged.db"),
    },
  ]);
  expect(readFileSync(join(demo.dataDir, "telemetry-damaged.db"), "utf8")).toStartWith("no database ");
  expect(await demo.swap("gpt-oss-20b")).toMatchObject({ state: "ready" });
  await demo.restart();
  expect(((await (await fetch(`${demo.url}/api/status`)).json()) as Status).problems).toEqual([]);
});
