import { describe, expect, test } from "bun:test";
import { openStore } from "../../../lib/store/store.ts";
import { temporaryFolder } from "./_folder.ts";

const row = (seq: number) => ({
  job_id: "job",
  seq,
  at: "2026-01-01T00:00:00.000+00:00",
  source: "launch",
  line: `line ${seq}`,
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

  test("a full queue drops its oldest rows and counts them", () => {
    using folder = temporaryFolder();
    const { telemetry, close } = openStore(folder.path, { ...NEVER, maxQueued: 10 });

    for (let seq = 1; seq <= 100; seq++) telemetry.append("swap_log", row(seq));
    telemetry.flush();

    expect(telemetry.dropped).toBe(90);
    const kept = telemetry.db
      .query("SELECT min(seq) AS first, max(seq) AS last, count(*) AS count FROM swap_log")
      .get();
    expect(kept).toEqual({ first: 91, last: 100, count: 10 });
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
