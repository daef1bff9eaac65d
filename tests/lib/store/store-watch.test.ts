import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { StoreWatch } from "../../../lib/store/store-watch.ts";
import { until } from "../../support/until.ts";
import { temporaryFolder } from "./_folder.ts";

/** A database that takes nothing more until it is given room, and a watch that tries to write into it. */
function scene(path: string) {
  const db = new Database(join(path, "facts.db"));
  db.run("CREATE TABLE t (x TEXT)");
  const write = () => db.run("INSERT INTO t VALUES (hex(zeroblob(16384)))");
  const fill = () =>
    db.run(
      `PRAGMA max_page_count = ${db.query<{ n: number }, []>("SELECT page_count AS n FROM pragma_page_count").get()!.n}`,
    );
  const room = () => db.run("PRAGMA max_page_count = 100000");
  const told: (string | null)[] = [];
  const onChange = (_problem: unknown, code: string | null) => told.push(code);
  const watch = new StoreWatch({ dataDir: path, now: () => "now", tryWriting: write, onChange, retryMs: 2 });
  const attempt = (part: string) => {
    try {
      write();
      watch.worked(part);
    } catch (error) {
      return watch.failed(part, error);
    }
  };
  const dispose = () => {
    watch.close();
    db.close();
  };
  return { watch, told, fill, room, attempt, [Symbol.dispose]: dispose };
}

describe("a disk that takes no more", () => {
  test("is told once, with its cause and what to do; and once when it is over, without anybody else writing", async () => {
    using folder = temporaryFolder();
    using it = scene(folder.path);
    it.fill();
    for (let round = 0; round < 3; round++) for (const part of ["swaps", "others"]) expect(it.attempt(part)).toBe(true);

    expect(it.told).toEqual(["SQLITE_FULL"]);
    expect(it.watch.problem).toMatchObject({
      evidence: expect.stringMatching(/^SQLITE_FULL: /),
      advice: expect.stringContaining(folder.path),
      since: "now",
    });

    it.room();
    await until("it is over", () => it.watch.problem === null);
    expect(it.told).toEqual(["SQLITE_FULL", null]);
  });

  test("is not over while log lines still wait: what they need may be more than a trial", async () => {
    using folder = temporaryFolder();
    using it = scene(folder.path);
    it.fill();
    it.attempt("telemetry");
    it.attempt("swaps");
    it.room();
    it.attempt("swaps");
    expect(it.watch.problem).not.toBeNull();

    it.attempt("telemetry");

    expect(it.watch.problem).toBeNull();
  });

  test("is something else than a mistake in a statement", () => {
    using folder = temporaryFolder();
    using it = scene(folder.path);

    expect(it.watch.failed("others", new TypeError("x is not a function"))).toBe(false);

    expect([it.watch.problem, it.told]).toEqual([null, []]);
  });
});
