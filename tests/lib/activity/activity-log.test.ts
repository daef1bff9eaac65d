import { Database, SQLiteError } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { RequestNote } from "../../../lib/activity/activity.ts";
import { ActivityLog, type ActivityLogOptions } from "../../../lib/activity/activity-log.ts";
import { TELEMETRY } from "../../../lib/store/migrations.ts";
import { until } from "../../support/until.ts";

const DAY_MS = 86_400_000;
const NEVER_MS = 2 ** 30;
const NOTE: RequestNote = {
  route: "/v1/chat/completions",
  upstream: "slot:main",
  model: "qwen",
  caller: "192.168.1.7",
  outcome: "complete",
  status: 200,
  code: null,
  queue_ms: 0,
  ttft_ms: 20.5,
  duration_ms: 400.1,
  bytes_in: 100,
  bytes_out: 2_000,
  tokens_in: 10,
  tokens_out: 50,
};
const REFUSED: RequestNote = { ...NOTE, outcome: "refused", status: 404, code: "model_not_loaded", duration_ms: null };

let db: Database;
let now = 0;
let failures: unknown[] = [];
let written: number[] = [];
const open: ActivityLog[] = [];

function start(options: Partial<ActivityLogOptions> = {}): ActivityLog {
  const log = new ActivityLog({
    db,
    now: () => now,
    onWritten: (lastId) => written.push(lastId),
    onFailure: (error) => failures.push(error),
    batchMs: NEVER_MS,
    ...options,
  });
  open.push(log);
  return log;
}
const rows = () => db.query<{ n: number }, []>("SELECT COUNT(*) AS n FROM request").get()!.n;

beforeEach(() => {
  db = new Database(":memory:", { strict: true });
  for (const step of TELEMETRY) db.run(step);
  now = Date.parse("2026-03-01T12:00:00Z");
  failures = [];
  written = [];
});
afterEach(() => {
  for (const log of open.splice(0)) log.close();
  db.close();
});

describe("the list of requests", () => {
  test("writes nothing while requests pass, and all of them in one transaction afterwards", async () => {
    const log = start({ batchMs: 50 });
    const commits: string[] = [];
    const watched = db.transaction.bind(db);
    db.transaction = ((run: () => void) => {
      commits.push("one");
      return watched(run);
    }) as typeof db.transaction;

    for (let at = 0; at < 20; at++) log.note(NOTE);
    expect(rows()).toBe(0);
    await until("they are written", () => rows() === 20);

    expect(commits).toEqual(["one"]);
    expect(written).toEqual([20]);
  });

  test("gives back what was noted, newest first, page by page", async () => {
    const log = start();
    for (let at = 1; at <= 5; at++) log.note({ ...NOTE, bytes_in: at });

    const first = await log.page({}, { limit: 2 });
    const second = await log.page({}, { limit: 2, before: first[1]!.id });

    expect(first[0]).toEqual({ ...NOTE, bytes_in: 5, id: 5, at: "2026-03-01T12:00:00.000+00:00", count: 1 });
    expect([...first, ...second].map(({ bytes_in }) => bytes_in)).toEqual([5, 4, 3, 2]);
    expect((await log.page({}, { limit: 10, after: 3 })).map(({ id }) => id)).toEqual([5, 4]);
  });

  test("whoever follows it makes no writing", async () => {
    const log = start();
    log.note(NOTE);
    log.flush();
    log.note(NOTE);

    expect((await log.page({}, { limit: 10, after: 0 })).map(({ id }) => id)).toEqual([1]);
    expect(written).toEqual([1]);
    expect((await log.page({}, { limit: 10 })).map(({ id }) => id)).toEqual([2, 1]);
  });

  test("filters by what is listed, and finds text as it stands", async () => {
    const log = start();
    log.note(NOTE);
    log.note({ ...NOTE, route: "/v1/audio/speech", upstream: "service:kokoro", model: "100%_real", caller: "key a1" });
    log.note(REFUSED);
    now += 1_000;
    log.note({ ...NOTE, outcome: "left" });
    const found = async (filter: Parameters<ActivityLog["page"]>[0]) =>
      (await log.page(filter, { limit: 10 })).map(({ id }) => id);

    expect(await found({ route: "/v1/audio/speech" })).toEqual([2]);
    expect(await found({ upstream: "slot:main", outcome: "complete" })).toEqual([1]);
    expect(await found({ caller: "key a1" })).toEqual([2]);
    expect(await found({ model: "qwen", to: "2026-03-01T12:00:00.500+00:00" })).toEqual([3, 1]);
    expect(await found({ from: "2026-03-01T12:00:00.500+00:00" })).toEqual([4]);
    expect(await found({ text: "0%_r" })).toEqual([2]);
    expect(await found({ text: "model_not" })).toEqual([3]);
    expect(await found({ text: "%" })).toEqual([2]);
  });

  test("keeps so many in a batch, and counts the others", async () => {
    const log = start({ mostInABatch: 10 });
    for (let at = 0; at < 25; at++) log.note(NOTE);
    log.flush();
    for (let at = 0; at < 3; at++) log.note(NOTE);

    expect((await log.page({}, { limit: 100 })).length).toBe(13);
    expect(log.skipped).toBe(15);
  });

  test("lists a flood of the same refusal once, with its number", async () => {
    const log = start({ mostInABatch: 10 });
    for (let at = 0; at < 1_000; at++) log.note(REFUSED);
    log.note({ ...REFUSED, caller: "192.168.1.8" });

    expect((await log.page({}, { limit: 10 })).map(({ caller, count }) => [caller, count])).toEqual([
      ["192.168.1.8", 1],
      ["192.168.1.7", 1_000],
    ]);
    expect(log.skipped).toBe(0);
  });

  test("is bounded by rows and by age, and never uses an id again", async () => {
    const log = start({ mostEntries: 100, keptDays: 30, mostInABatch: 10_000 });
    for (let at = 0; at < 6_000; at++) log.note(NOTE);
    log.flush();

    expect(rows()).toBe(100);
    now += 31 * DAY_MS;
    expect(log.tidy()).toBe(100);
    log.note(NOTE);
    expect((await log.page({}, { limit: 10 })).map(({ id }) => id)).toEqual([6_001]);
  });

  test("what the disk does not take waits, within its bound, and is written when it can be", async () => {
    const log = start({ mostInABatch: 3, batchMs: 20 });
    const real = db.transaction.bind(db);
    db.transaction = (() => {
      throw Object.assign(new SQLiteError("disk full"), { code: "SQLITE_FULL" });
    }) as unknown as typeof db.transaction;
    for (let at = 0; at < 5; at++) log.note(NOTE);
    await until("it was tried twice", () => failures.length >= 2);
    db.transaction = real as typeof db.transaction;
    await until("they are written", () => rows() === 3);

    expect(log.skipped).toBe(2);
    expect(written).toEqual([3]);
  });

  test("an orderly end writes what waits", () => {
    start().note(NOTE);
    open.splice(0)[0]!.close();

    expect(rows()).toBe(1);
  });

  test("a request that ends after that touches nothing", async () => {
    const log = start({ batchMs: 1 });
    log.close();
    log.note(NOTE);
    await Bun.sleep(20);

    expect([rows(), log.skipped, failures]).toEqual([0, 1, []]);
  });
});
