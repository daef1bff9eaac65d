import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditNote } from "../../../lib/audit/audit.ts";
import { AuditLog, type AuditLogOptions } from "../../../lib/audit/audit-log.ts";
import type { FactEvent } from "../../../lib/events/event.ts";
import { pruneFacts, readFacts, recordFact } from "../../../lib/events/facts.ts";
import { isoTime } from "../../../lib/ids.ts";
import { openStore, type Store } from "../../../lib/store/store.ts";
import { ended, nodeFact, swapFact } from "../webhook/_bench.ts";

const NOTE: AuditNote = {
  via: "api",
  address: "192.168.1.7",
  user_agent: "curl/8.5",
  holder: null,
  action: "startSwap",
  method: "POST",
  path: "/api/swap",
  outcome: "done",
  status: 202,
  code: null,
  details: { model: "qwen" },
  request_id: "r-1",
};
const REFUSED: AuditNote = { ...NOTE, outcome: "refused", status: 423, code: "reserved" };

let folder: string;
let store: Store;
let now: number;
let lost: AuditNote[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spark-audit-"));
  store = openStore(folder);
  now = Date.parse("2026-06-15T12:00:00Z");
  lost = [];
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (more: Partial<AuditLogOptions> = {}) =>
  new AuditLog({ db: store.facts, notes: store.notes, now: () => now, onLost: (note) => lost.push(note), ...more });
const record = (...events: FactEvent[]) => {
  for (const event of events) store.transaction(() => recordFact(store.facts, event));
};
const actions = async (audit: AuditLog) =>
  (await audit.page({}, undefined, 100)).map(({ action, outcome }) => [action, outcome]);

describe("requests", () => {
  test("are kept as they were noted, newest first", async () => {
    const audit = open();
    audit.note(NOTE);
    now += 1000;
    audit.note({ ...NOTE, action: "cancelSwap", details: {} });

    const [second, first] = await audit.page({}, undefined, 10);
    expect(first).toEqual({
      ...NOTE,
      id: 1,
      at: "2026-06-15T12:00:00.000+00:00",
      last_at: "2026-06-15T12:00:00.000+00:00",
      count: 1,
    });
    expect(second).toMatchObject({ id: 2, action: "cancelSwap" });
  });

  test("that are refused again and again are counted, not written", async () => {
    const audit = open();
    for (let at = 0; at < 1000; at++) audit.note(REFUSED);
    audit.note({ ...REFUSED, address: "192.168.1.8" });
    audit.note(NOTE);
    audit.note(NOTE);
    audit.note({ ...REFUSED, via: "controller" });
    audit.note({ ...REFUSED, via: "controller" });
    now += 61_000;
    audit.note(REFUSED);

    expect((await audit.page({}, undefined, 10)).map(({ address, status, count }) => [address, status, count])).toEqual(
      [
        ["192.168.1.7", 423, 1],
        ["192.168.1.7", 423, 1],
        ["192.168.1.7", 423, 1],
        ["192.168.1.7", 202, 1],
        ["192.168.1.7", 202, 1],
        ["192.168.1.8", 423, 1],
        ["192.168.1.7", 423, 1000],
      ],
    );
  });

  for (const outcome of ["refused", "failed"] as const)
    test(`that ${outcome} are counted only where path, holder and details are the same, with the first time and the last`, async () => {
      const audit = open();
      const note = { ...REFUSED, outcome, holder: "nightly" };
      const others = [
        { ...note, details: { model: "llama" } },
        { ...note, details: { model: "qwen", slot: "main" } },
        { ...note, holder: "crm" },
        { ...note, path: "/api/swap/job-1", request_id: "r-9" },
      ];
      audit.note(note);
      for (const other of others) audit.note(other);
      now += 20_000;
      audit.note({ ...note, request_id: "r-2" });

      const [first, ...older] = (await audit.page({}, undefined, 10)).toReversed();
      expect(first).toEqual({
        ...note,
        ...{ id: 1, count: 2 },
        at: "2026-06-15T12:00:00.000+00:00",
        last_at: "2026-06-15T12:00:20.000+00:00",
      });
      expect(older).toMatchObject(others.map((other) => ({ ...other, count: 1 })));
      expect(older.every(({ at, last_at }) => at === last_at)).toBe(true);
    });

  test("that an earlier version wrote have the time that they have", async () => {
    const audit = open();
    audit.note(NOTE);
    store.facts.run("UPDATE audit SET last_at = NULL");

    const [entry] = await audit.page({}, undefined, 1);
    expect(entry?.last_at).toBe(entry!.at);
  });

  test("that cannot be written are handed on, and nothing is thrown", async () => {
    const audit = open();
    store.facts.run("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk is full'); END");

    audit.note(NOTE);

    expect(lost).toEqual([NOTE]);
  });
});

describe("what the controller does by itself", () => {
  test("is written in the transaction of the fact", async () => {
    const audit = open();
    record(swapFact(), ended("ready"), ended("failed", { job_id: "job-2" }), nodeFact("spark-1", false));
    expect(() =>
      store.transaction(() => {
        recordFact(store.facts, nodeFact("spark-2", false));
        throw new Error("no");
      }),
    ).toThrow("no");

    expect(await audit.page({}, undefined, 10)).toMatchObject([
      { via: "controller", action: "node.changed", details: { node: "spark-1", reachable: false }, address: null },
      { via: "controller", action: "swap.ended", outcome: "failed", details: { job_id: "job-2" } },
      { via: "controller", action: "swap.ended", outcome: "done", details: { job_id: "job-1", state: "ready" } },
    ]);
  });

  test("a model that died right after it was ready is an entry of its own", async () => {
    const audit = open();
    const failure = { code: "died_after_ready", message: "It ended.", evidence: null, advice: null };
    record(ended("ready", { died: { at: "2026-01-01T00:00:10Z", failure, restored_by: "job-2" } }));

    expect(await audit.page({}, undefined, 10)).toMatchObject([
      { action: "swap.died", outcome: "failed", code: "died_after_ready", details: { restored_by: "job-2" } },
    ]);
  });
});

describe("looking", () => {
  test("for each of the filters", async () => {
    const audit = open();
    audit.note(NOTE);
    now += 3_600_000;
    audit.note({ ...REFUSED, via: "dashboard", holder: "nightly", details: { model: "100%_sure" } });
    record(nodeFact("spark-1", true));
    const found = async (filter: Parameters<AuditLog["page"]>[0]) =>
      (await audit.page(filter, undefined, 10)).map(({ id }) => id);

    expect(await found({ via: "dashboard" })).toEqual([2]);
    expect(await found({ outcome: "refused" })).toEqual([2]);
    expect(await found({ action: "startSwap" })).toEqual([2, 1]);
    expect(await found({ holder: "nightly" })).toEqual([2]);
    expect(await found({ address: "192.168.1.7" })).toEqual([2, 1]);
    expect(await found({ from: isoTime(now - 1000), via: "dashboard" })).toEqual([2]);
    expect(await found({ to: isoTime(now - 1000), via: "api" })).toEqual([1]);
    expect(await found({ text: "reserved" })).toEqual([2]);
    expect(await found({ text: "qwen" })).toEqual([1]);
    expect(await found({ text: "100%_s" })).toEqual([2]);
    expect(await found({ text: "1__%" })).toEqual([]);
    expect(await found({ text: "'; DROP TABLE audit; --" })).toEqual([]);
  });

  test("at all of it page by page misses nothing and repeats nothing, while more is written", async () => {
    const audit = open();
    for (let at = 0; at < 1_200; at++) audit.note({ ...NOTE, request_id: `r-${at}` });

    const seen: (string | null)[] = [];
    for await (const entries of audit.all({})) {
      seen.push(...entries.map(({ request_id }) => request_id));
      audit.note({ ...NOTE, request_id: "later" });
      // On the other connection, in the middle of reading.
      record(nodeFact("spark-1", false));
    }

    expect(seen).toEqual(Array.from({ length: 1_200 }, (_, at) => `r-${1_199 - at}`));
  });
});

test("what is rare is found among many, and others get their turn meanwhile", async () => {
  const audit = open();
  audit.note({ ...NOTE, holder: "nightly" });
  store.notes.run("BEGIN");
  for (let at = 0; at < 30_000; at++) audit.note(NOTE);
  store.notes.run("COMMIT");
  let turns = 0;
  const others = setInterval(() => turns++, 0);

  const found = await audit.page({ holder: "nightly" }, undefined, 10);
  const beyond = await audit.page({}, 3, 10);

  clearInterval(others);
  expect(found.map(({ id }) => id)).toEqual([1]);
  expect(beyond.map(({ id }) => id)).toEqual([2, 1]);
  expect(turns).toBeGreaterThan(2);
});

describe("bounds", () => {
  test("of age", async () => {
    const audit = open();
    audit.note({ ...NOTE, action: "old" });
    now += 181 * 86_400_000;
    audit.note({ ...NOTE, action: "new" });

    expect(audit.tidy()).toBe(1);
    expect(await actions(audit)).toEqual([["new", "done"]]);
  });

  test("of size: the newest stay, and ids are never given out twice", async () => {
    const audit = open({ mostEntries: 3 });
    for (let at = 0; at < 10; at++) audit.note(NOTE);

    expect(audit.tidy()).toBe(7);
    expect((await audit.page({}, undefined, 10)).map(({ id }) => id)).toEqual([10, 9, 8]);
    store.facts.run("DELETE FROM audit");
    audit.note(NOTE);
    expect((await audit.page({}, undefined, 10)).map(({ id }) => id)).toEqual([11]);
  });

  test("of size hold between two tidyings, too, whatever somebody sends", () => {
    const audit = open({ mostEntries: 100 });
    for (let at = 0; at < 5_000; at++) audit.note({ ...REFUSED, path: `/api/swap/${at}` });

    const { kept } = store.facts.query<{ kept: number }, []>("SELECT COUNT(*) AS kept FROM audit").get()!;
    expect(kept).toBeGreaterThanOrEqual(100);
    expect(kept).toBeLessThan(1_200);
    expect(lost).toEqual([]);
  });

  test("of facts: old ones go, what is last known of each node stays", async () => {
    record(nodeFact("spark-1", true), nodeFact("spark-1", false), nodeFact("spark-2", true));
    for (let at = 0; at < 20; at++) record(swapFact({ job_id: `job-${at}` }));

    expect(pruneFacts(store.facts, "2000-01-01", 5)).toBe(16);
    const kept = readFacts(store.facts, 0, 100).map(({ event }) => event);
    expect(kept.filter(({ type }) => type === "swap.changed")).toHaveLength(5);
    expect(kept.filter(({ type }) => type === "node.changed")).toMatchObject([
      { node: "spark-1", reachable: false },
      { node: "spark-2", reachable: true },
    ]);
    expect(pruneFacts(store.facts, "2100-01-01", 5)).toBe(5);
  });
});
