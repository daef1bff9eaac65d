import type { Database, SQLiteError } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { openStore } from "../../../lib/store/store.ts";
import { SwapLog } from "../../../lib/swap/swap-log.ts";
import { until } from "../../support/until.ts";
import { temporaryFolder } from "./_folder.ts";

const row = (seq: number) => ({
  job_id: "job",
  seq,
  at: "2026-01-01T00:00:00.000+00:00",
  source: "launch",
  line: `line ${seq}`,
  read_to: null,
});
/** Longer than any test: only an explicit flush writes. */
const NEVER = { flushMs: 1_000_000 };

describe("telemetry", () => {
  test("rows wait in the queue until a flush writes them in order", () => {
    using folder = temporaryFolder();
    const { telemetry, close } = openStore(folder.path, NEVER);

    for (const seq of [1, 2, 3]) telemetry.append("swap_log", row(seq));

    expect(telemetry.queued).toBe(3);
    telemetry.flush();
    expect(telemetry.db.query("SELECT line FROM swap_log ORDER BY seq").values()).toEqual([
      ["line 1"],
      ["line 2"],
      ["line 3"],
    ]);
    close();
  });

  test("a full queue gives up its oldest rows and says so in their place", () => {
    using folder = temporaryFolder();
    const { telemetry, close } = openStore(folder.path, { ...NEVER, maxQueued: 10 });

    for (let seq = 1; seq <= 100; seq++) telemetry.append("swap_log", row(seq));
    telemetry.flush();

    expect(telemetry.dropped).toBe(90);
    const kept = telemetry.db
      .query("SELECT min(seq) AS first, max(seq) AS last, count(*) AS count FROM swap_log")
      .get();
    expect(kept).toEqual({ first: 90, last: 100, count: 11 });
    expect(telemetry.db.query("SELECT source, line FROM swap_log WHERE seq = 90").get()).toEqual({
      source: "controller",
      line: "… 90 lines are missing here: Spark Control could not write them (launch: 90) …",
    });
    close();
  });

  test("many rows in one turn, such as a log that nobody read for an hour, are written as they come", () => {
    using folder = temporaryFolder();
    const { telemetry, close } = openStore(folder.path);

    for (let seq = 1; seq <= 60_000; seq++) telemetry.append("swap_log", row(seq));
    telemetry.flush();

    const kept = telemetry.db
      .query("SELECT min(seq) AS first, max(seq) AS last, count(*) AS count FROM swap_log")
      .get();
    expect([telemetry.dropped, kept]).toEqual([0, { first: 1, last: 60_000, count: 60_000 }]);
    close();
  });

  test("the timer writes without being asked", async () => {
    using folder = temporaryFolder();
    const { telemetry, close } = openStore(folder.path, { flushMs: 1 });

    telemetry.append("swap_log", row(1));

    while (telemetry.queued > 0) await new Promise(setImmediate);
    expect(telemetry.db.query("SELECT count(*) AS count FROM swap_log").get()).toEqual({ count: 1 });
    close();
  });

  test("close writes what is queued", () => {
    using folder = temporaryFolder();
    const first = openStore(folder.path, NEVER);
    first.telemetry.append("swap_log", row(1));

    first.close();

    const second = openStore(folder.path);
    expect(second.telemetry.db.query("SELECT line FROM swap_log").get()).toEqual({ line: "line 1" });
    second.close();
  });

  test("a table that cannot be written costs its rows, not the caller", () => {
    using folder = temporaryFolder();
    const { telemetry, close } = openStore(folder.path, NEVER);
    telemetry.db.run("DROP TABLE swap_log");

    telemetry.append("swap_log", row(1));
    telemetry.flush();

    expect(telemetry.dropped).toBe(1);
    close();
  });
});

describe("a database that is full", () => {
  /** Long enough that no page that is there has room for it. */
  const long = (seq: number) => ({ ...row(seq), line: `line ${seq} ${"x".repeat(5_000)}` });
  const full = (db: Database) => {
    const { page_count } = db.query<{ page_count: number }, []>("PRAGMA page_count").get()!;
    db.run(`PRAGMA max_page_count = ${page_count}`);
  };
  const room = (db: Database) => db.run("PRAGMA max_page_count = 1000000");
  const numbers = (db: Database) => db.query("SELECT seq FROM swap_log ORDER BY seq").values().flat();
  const upTo = (last: number) => Array.from({ length: last }, (_each, index) => index + 1);

  test("costs no row: all are written in their order once there is room", async () => {
    using folder = temporaryFolder();
    const { telemetry, close } = openStore(folder.path, { flushMs: 1, retryMs: 5 });
    const said: unknown[] = [];
    telemetry.watch = {
      failed: (_part, error) => said.push((error as SQLiteError).code),
      worked: () => said.push("ok"),
    };
    telemetry.append("swap_log", row(1));
    telemetry.flush();
    full(telemetry.db);
    for (const seq of [2, 3, 4]) telemetry.append("swap_log", long(seq));
    await until("it was tried more than once", () => said.length > 3);
    telemetry.append("swap_log", long(5));
    expect(numbers(telemetry.db)).toEqual([1]);
    expect(telemetry.queued).toBe(4);

    room(telemetry.db);
    await until("everything is written", () => telemetry.queued === 0);

    expect(numbers(telemetry.db)).toEqual(upTo(5));
    expect(telemetry.dropped).toBe(0);
    expect(said[0]).toBe("ok");
    expect(said.slice(1, -1)).toEqual(said.slice(1, -1).map(() => "SQLITE_FULL"));
    expect(said.at(-1)).toBe("ok");
    close();
  });

  test("costs the oldest beyond the bound: one row in their place tells how many, and they count as known", () => {
    using folder = temporaryFolder();
    const { telemetry, close } = openStore(folder.path, { ...NEVER, maxQueued: 8, retryMs: 1_000_000 });
    const log = new SwapLog(telemetry, () => "2026-01-01T00:00:00.000+00:00");
    full(telemetry.db);
    for (const seq of upTo(40)) {
      log.append("job", seq % 4 === 0 ? "spark-2" : "launch", long(seq).line, seq * 100);
      if (seq % 3 === 0) telemetry.flush();
    }
    const known = () => Object.fromEntries(log.readTo("job"));
    expect(known()).toEqual({ launch: 3_900, "spark-2": 4_000 });
    const waiting = log.read("job", 0, 100);

    room(telemetry.db);
    telemetry.flush();

    const shown = log.read("job", 0, 100);
    expect(waiting.slice(-8)).toEqual(shown.slice(-8));
    const [place, ...rest] = shown;
    expect(place?.line).toMatch(/^… \d+ lines are missing here: .*launch: \d+, spark-2: \d+/);
    expect(place?.source).toBe("controller");
    // The numbers before the place are those that are missing.
    expect(place?.line).toContain(`… ${place?.seq} lines`);
    expect(rest.map(({ seq }) => seq)).toEqual(upTo(40).slice(place?.seq));
    expect(telemetry.dropped).toBe(place!.seq);
    expect(known()).toEqual({ launch: 3_900, "spark-2": 4_000 });
    log.append("job", "launch", "on it goes");
    expect(log.read("job", 40, 10).map(({ seq }) => seq)).toEqual([41]);
    close();
  });

  test("keeps the numbers of a log going after its swap has ended", () => {
    using folder = temporaryFolder();
    const { telemetry, close } = openStore(folder.path, { ...NEVER, retryMs: 1_000_000 });
    const log = new SwapLog(telemetry, () => "2026-01-01T00:00:00.000+00:00");
    log.append("job", "launch", "one");
    full(telemetry.db);
    log.append("job", "launch", long(2).line);
    log.settle("job");
    log.append("job", "controller", long(3).line);
    room(telemetry.db);
    telemetry.flush();

    expect(numbers(telemetry.db)).toEqual(upTo(3));
    close();
  });
});
