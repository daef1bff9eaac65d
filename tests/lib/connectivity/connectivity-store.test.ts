import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectivityStore } from "../../../lib/connectivity/connectivity-store.ts";
import type { Change } from "../../../lib/connectivity/reading.ts";
import { openStore, type Store } from "../../../lib/store/store.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);
const MINUTE = 60_000;

let folder: string;
let store: Store;
let log: ConnectivityStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spark-outages-"));
  store = openStore(folder);
  log = new ConnectivityStore(store.facts, store.notes);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const outage = (began: number) => ({ began, level: "no_network", reason: "Nothing answers." }) as const;
const down = (at: number): Change => ({ transition: "down", at, outage: outage(at) });
const up = (at: number, began: number): Change => ({ transition: "up", at, outage: outage(began) });
const newest = (limit = 10, before = Number.MAX_SAFE_INTEGER) => log.changes({ spark: null, before, limit });

describe("the log of outages", () => {
  test("tells each as two changes, the newest first, across Sparks", () => {
    log.record("spark-1", down(1_000));
    log.record("spark-2", down(2_000));
    log.record("spark-1", up(3_000, 1_000));

    expect(newest()).toEqual([
      { spark: "spark-1", at: 3_000, transition: "up", downMs: 2_000, reason: "Nothing answers." },
      { spark: "spark-2", at: 2_000, transition: "down", downMs: null, reason: "Nothing answers." },
      { spark: "spark-1", at: 1_000, transition: "down", downMs: null, reason: "Nothing answers." },
    ]);
    expect(newest(10, 2_000).map(({ at }) => at)).toEqual([1_000]);
    expect(log.changes({ spark: "spark-2", before: NOW, limit: 5 })).toHaveLength(1);
    expect([...log.open()]).toEqual([["spark-2", outage(2_000)]]);
  });

  test("takes the same change twice without counting it twice", () => {
    for (const change of [down(1_000), down(1_000), up(5_000, 1_000), up(9_000, 1_000)]) log.record("spark-1", change);

    expect(newest().map(({ at }) => at)).toEqual([5_000, 1_000]);
  });

  test("an outage survives a restart, and goes on", () => {
    log.record("spark-1", down(1_000));
    store.close();
    store = openStore(folder);
    log = new ConnectivityStore(store.facts, store.notes);

    expect(log.open().get("spark-1")).toEqual(outage(1_000));
    expect(log.known().get("spark-1")).toMatchObject({ firstAt: 1_000, changedAt: 1_000 });
  });

  test("is kept for a year, and never more than 50,000 outages, the oldest going first", () => {
    store.transaction(() => {
      for (let index = 0; index < 50_200; index += 1) {
        const at = NOW - (50_200 - index) * 10 * MINUTE + 300 * MINUTE;
        log.record("spark-1", down(at));
        log.record("spark-1", up(at + MINUTE, at));
      }
      log.record("spark-2", down(NOW - 800 * DAY));
    });

    log.prune(NOW);

    const { count, oldest } = store.facts
      .query<{ count: number; oldest: number }, []>(
        "SELECT count(*) AS count, min(ended_at) AS oldest FROM outage WHERE node = 'spark-1'",
      )
      .get()!;
    expect(count).toBeLessThanOrEqual(50_000);
    expect(count).toBeGreaterThan(49_000);
    expect(oldest).toBeGreaterThan(NOW - 366 * DAY);
    // What goes on is never forgotten.
    expect(log.open().has("spark-2")).toBe(true);
  });

  test("ends what nobody will see the end of: a Spark that is not configured any more", () => {
    log.record("spark-1", down(1_000));
    log.record("spark-2", down(1_000));

    log.closeAllBut(["spark-1"], 5_000);

    expect([...log.open().keys()]).toEqual(["spark-1"]);
    expect(log.outages("spark-2", 0, NOW)).toEqual([{ from: 1_000, to: 5_000 }]);
  });
});

describe("when somebody watched", () => {
  test("is one span while the polls go on, and another one after a gap or a clock that was set back", () => {
    for (const at of [0, MINUTE, 2 * MINUTE, 30 * MINUTE, 31 * MINUTE, 5 * MINUTE]) log.watching(at, 2 * MINUTE);

    expect(log.watched(-1)).toEqual([
      { from: 0, to: 2 * MINUTE },
      { from: 5 * MINUTE, to: 5 * MINUTE },
      { from: 30 * MINUTE, to: 31 * MINUTE },
    ]);
  });

  test("a new process begins a new span", () => {
    log.watching(0, 2 * MINUTE);
    new ConnectivityStore(store.facts, store.notes).watching(MINUTE, 2 * MINUTE);

    expect(log.watched(-1)).toHaveLength(2);
  });
});
