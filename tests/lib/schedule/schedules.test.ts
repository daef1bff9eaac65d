import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScheduleChanged } from "../../../lib/events/event.ts";
import { readFacts } from "../../../lib/events/facts.ts";
import { Fault } from "../../../lib/fault.ts";
import type { ScheduleOrder } from "../../../lib/schedule/schedule.ts";
import { Schedules } from "../../../lib/schedule/schedules.ts";
import type { Cluster, Reservation } from "../../../lib/schedule/timeline.ts";
import { openStore } from "../../../lib/store/store.ts";

const NOW = Date.parse("2026-06-15T12:00:00Z");
const DAY_MS = 86_400_000;
const CLUSTER: Cluster = {
  slots: [
    { name: "main", nodes: ["spark-1", "spark-2"] },
    { name: "left", nodes: ["spark-1"] },
    { name: "right", nodes: ["spark-2"] },
  ],
  models: ["qwen", "glm"],
};

class Bench implements Disposable {
  now = NOW;
  reservation: Reservation | null = null;
  readonly changes: ScheduleChanged[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), "spark-schedule-"));
  store = openStore(this.#folder);
  schedules = this.#open();

  #open(): Schedules {
    return new Schedules({
      db: this.store.facts,
      now: () => this.now,
      cluster: () => CLUSTER,
      reservation: () => this.reservation,
      onChange: (event) => this.changes.push(event),
    });
  }

  register(order: Partial<ScheduleOrder>) {
    const { entry } = this.schedules.register({ owner: "crm", title: "Index", ...order } as ScheduleOrder);
    return entry;
  }

  restart(): void {
    this.store.close();
    this.store = openStore(this.#folder);
    this.schedules = this.#open();
  }

  warnings(hours?: number) {
    return this.schedules
      .list(hours)
      .warnings.map(({ kind, entries, at }) => [kind, ...entries, at?.slice(0, 16) ?? null]);
  }

  [Symbol.dispose](): void {
    this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return "none";
};

describe("entries", () => {
  test("are kept over a restart, with their next runs", () => {
    using bench = new Bench();
    const entry = bench.register({
      id: "nightly",
      cron: "0 3 * * *",
      timezone: "Europe/Berlin",
      duration_seconds: 3600,
    });
    expect(entry).toMatchObject({
      id: "nightly",
      owner: "crm",
      model: null,
      next_run: "2026-06-16T01:00:00.000+00:00",
      stale: null,
    });
    expect(entry.next_runs).toHaveLength(5);

    bench.restart();

    expect(bench.schedules.get("nightly")).toEqual(entry);
    expect(bench.schedules.list().runs).toMatchObject([
      { entry_id: "nightly", starts_at: entry.next_run, ends_at: "2026-06-16T02:00:00.000+00:00" },
    ]);
  });

  test("with the same id replace each other; each change is a fact", () => {
    using bench = new Bench();
    bench.register({ id: "nightly", cron: "0 3 * * *", note: "old" });
    bench.now += 1000;
    const second = bench.schedules.register({ id: "nightly", owner: "crm", title: "Index", cron: "0 4 * * *" });
    bench.schedules.remove("nightly");

    expect(second).toMatchObject({ isNew: false, entry: { note: null, cron: "0 4 * * *" } });
    expect(second.entry.created_at < second.entry.updated_at).toBe(true);
    expect(bench.changes.map(({ entry_id, change }) => [entry_id, change])).toEqual([
      ["nightly", "added"],
      ["nightly", "changed"],
      ["nightly", "removed"],
    ]);
    expect(readFacts(bench.store.facts, 0, 10).map(({ event }) => event)).toEqual(bench.changes);
    expect(bench.schedules.list().entries).toEqual([]);
    expect(codeOf(() => bench.schedules.remove("nightly"))).toBe("unknown_entry");
  });

  test("get an id where none was given", () => {
    using bench = new Bench();
    const { id } = bench.register({ at: "2026-06-16T03:00:00Z" });

    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(bench.schedules.get(id).next_runs).toEqual(["2026-06-16T03:00:00.000+00:00"]);
  });

  test("with a link that is not one are refused", () => {
    using bench = new Bench();
    for (const link of ["javascript:alert(1)", "/relative", "data:text/html,x"])
      expect(codeOf(() => bench.register({ cron: "0 3 * * *", link }))).toBe("unusable_link");
    expect(bench.register({ cron: "0 3 * * *", link: "http://nas.local/jobs" }).link).toBe("http://nas.local/jobs");
  });

  test("are stale once they are over, or when nobody has registered them for a month", () => {
    using bench = new Bench();
    bench.register({ id: "once", at: "2026-06-15T13:00:00Z", duration_seconds: 7200 });
    bench.register({ id: "nightly", cron: "0 3 * * *" });
    const stale = () => Object.fromEntries(bench.schedules.list().entries.map(({ id, stale }) => [id, stale]));
    expect(stale()).toEqual({ once: null, nightly: null });

    bench.now = Date.parse("2026-06-15T14:00:00Z");
    expect(stale()).toEqual({ once: null, nightly: null });
    expect(bench.schedules.list().runs.map(({ entry_id }) => entry_id)).toContain("once");

    bench.now = Date.parse("2026-06-15T15:00:01Z");
    expect(stale()).toEqual({ once: "over", nightly: null });

    bench.now = NOW + 31 * DAY_MS;
    expect(stale()).toEqual({ once: "over", nightly: "not_renewed" });
    bench.register({ id: "nightly", cron: "0 3 * * *" });
    expect(stale().nightly).toBeNull();
  });

  test("are bounded in number; those that have long been over make room", () => {
    using bench = new Bench();
    for (let at = 0; at < 200; at++) bench.register({ id: `e${at}`, at: "2026-06-16T03:00:00Z" });
    expect(codeOf(() => bench.register({ id: "more", cron: "0 3 * * *" }))).toBe("schedule_full");

    bench.now += 60 * DAY_MS;
    bench.register({ id: "more", cron: "0 3 * * *" });
    expect(bench.schedules.list().entries.map(({ id }) => id)).toEqual(["more"]);
  });
});

describe("warnings", () => {
  test("of runs that want the same GPUs at the same time, each pair once", () => {
    using bench = new Bench();
    bench.register({ id: "a", cron: "0 3 * * *", slot: "left", duration_seconds: 3600 });
    bench.register({ id: "b", cron: "30 3 * * *", slot: "main", duration_seconds: 600 });
    bench.register({ id: "c", cron: "30 3 * * *", slot: "right", duration_seconds: 60 });
    bench.register({ id: "d", cron: "0 4 * * *", slot: "left", duration_seconds: 60 });

    // a and c are on different Sparks, d begins when a ends.
    expect(bench.warnings(72)).toEqual([
      ["overlap", "a", "b", "2026-06-16T03:30"],
      ["overlap", "b", "c", "2026-06-16T03:30"],
    ]);
    expect(bench.schedules.list(72).warnings[0]?.message).toContain("(3 times)");
  });

  test("of a run long after the last that is listed of a dense entry", () => {
    using bench = new Bench();
    bench.register({ id: "dense", cron: "*/10 * * * *", slot: "left", duration_seconds: 540 });
    bench.register({ id: "tomorrow", at: "2026-06-16T08:00:00Z", slot: "left", duration_seconds: 3600 });
    bench.register({ id: "weekend", at: "2026-06-22T10:00:00Z", slot: "left", duration_seconds: 3600 });
    bench.register({ id: "densest", cron: "*/5 * * * *", slot: "right", duration_seconds: 60 });
    bench.register({ id: "beside", at: "2026-06-22T11:00:00Z", slot: "right" });

    expect(bench.warnings()).toEqual([["overlap", "dense", "tomorrow", "2026-06-16T08:00"]]);
    expect(bench.warnings(168)).toEqual([
      ["overlap", "dense", "tomorrow", "2026-06-16T08:00"],
      ["overlap", "dense", "weekend", "2026-06-22T10:00"],
      ["overlap", "beside", "densest", "2026-06-22T11:00"],
    ]);
    const { runs, warnings } = bench.schedules.list(168);
    expect(warnings[0]?.message).toContain("(6 times)");
    expect(runs.filter(({ entry_id }) => entry_id === "dense")).toHaveLength(100);
  });

  test("of what wants the whole cluster, and of moments", () => {
    using bench = new Bench();
    bench.register({ id: "all", at: "2026-06-15T20:00:00Z", duration_seconds: 7200 });
    bench.register({ id: "model", at: "2026-06-15T21:00:00Z", model: "qwen" });
    bench.register({ id: "same", at: "2026-06-15T21:00:00Z", model: "qwen" });

    expect(bench.warnings()).toEqual([
      ["overlap", "all", "model", "2026-06-15T21:00"],
      ["overlap", "all", "same", "2026-06-15T21:00"],
      ["overlap", "model", "same", "2026-06-15T21:00"],
    ]);
  });

  test("of a run that goes on now", () => {
    using bench = new Bench();
    bench.register({ id: "long", at: "2026-06-15T11:00:00Z", duration_seconds: 7200 });
    bench.register({ id: "next", at: "2026-06-15T12:30:00Z" });

    expect(bench.warnings()).toEqual([["overlap", "long", "next", "2026-06-15T12:30"]]);
  });

  test("of what comes late in a week that is full of other entries", () => {
    using bench = new Bench();
    // One whose runs go on for so long that hundreds of them are under way at any time, and forty in each other's way.
    bench.register({ id: "endless", cron: "*/5 * * * *", slot: "left", duration_seconds: 86_400 });
    for (let at = 0; at < 40; at++)
      bench.register({ id: `dense-${at}`, cron: "*/5 * * * *", slot: "left", duration_seconds: 60 });
    bench.register({ id: "late", at: "2026-06-22T10:00:00Z", slot: "right", duration_seconds: 3600 });
    bench.register({ id: "later", at: "2026-06-22T10:30:00Z", slot: "right", duration_seconds: 3600 });

    const warnings = bench.warnings(168);
    expect(warnings).toContainEqual(["overlap", "late", "later", "2026-06-22T10:30"]);
    // Everyone who is in somebody's way is named, but not in every one of 820 pairs.
    expect(new Set(warnings.flatMap(([, one, other]) => [one, other])).size).toBe(43);
    expect(warnings.length).toBeLessThan(100 + 43);
  });

  test("of a start while somebody else has the GPUs reserved", () => {
    using bench = new Bench();
    bench.register({ id: "mine", owner: "crm", cron: "0 * * * *", slot: "left" });
    bench.register({ id: "theirs", owner: "nightly", cron: "5 * * * *", slot: "left" });
    bench.register({ id: "elsewhere", owner: "crm", cron: "10 * * * *", slot: "right" });
    bench.reservation = { holder: "nightly", until: NOW + 3 * 3_600_000, nodes: ["spark-1"] };
    expect(bench.warnings()).toEqual([["reserved", "mine", "2026-06-15T12:00"]]);

    bench.reservation = { holder: "crm", until: NOW + 10 * 60_000, nodes: null };
    expect(bench.warnings()).toEqual([["reserved", "theirs", "2026-06-15T12:05"]]);

    bench.reservation = null;
    expect(bench.warnings()).toEqual([]);
  });

  test("of models and slots that are not there", () => {
    using bench = new Bench();
    bench.register({ id: "a", cron: "0 3 * * *", model: "gone" });
    bench.register({ id: "b", cron: "0 5 * * *", slot: "attic" });

    expect(bench.warnings()).toEqual([
      ["unknown_model", "a", null],
      ["unknown_slot", "b", null],
    ]);
  });
});

test("a full schedule of the densest entries is answered in good time", () => {
  using bench = new Bench();
  for (let at = 0; at < 200; at++)
    bench.register({ id: `e${at}`, cron: "*/5 * * * *", timezone: "Europe/Berlin", duration_seconds: 60 });
  bench.now += 61_000;
  const took = () => {
    const began = performance.now();
    const { runs, warnings } = bench.schedules.list(168);
    expect(runs).toHaveLength(200 * 100);
    // A hundred pairs, and each entry that none of them names.
    expect(new Set(warnings.flatMap(({ entries }) => entries)).size).toBe(200);
    expect(warnings.length).toBeLessThan(100 + 200);
    return performance.now() - began;
  };
  const [first, again] = [took(), took()];

  console.log(`200 entries of every five minutes: ${first.toFixed(0)} ms, then ${again.toFixed(0)} ms`);
  // What was computed is not computed again.
  expect(again).toBeLessThan(first);
}, 30_000);
