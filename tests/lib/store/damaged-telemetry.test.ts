/** Telemetry that is damaged does not keep the controller from starting: it makes room, and is kept for the owner. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setAside } from "../../../lib/store/set-aside.ts";
import { snapshotDatabases } from "../../../lib/store/snapshot.ts";
import { openStore } from "../../../lib/store/store.ts";
import { StoreError } from "../../../lib/store/store-error.ts";
import { temporaryFolder } from "./_folder.ts";

const NO_DATABASE = "this is no database, and long enough to be looked at. ".repeat(100);
const ROW = { job_id: "a", seq: 1, at: "2026-01-31T12:00:00.000Z", source: "spark-1", line: "a line", read_to: null };

/** A folder that a controller has used, with a fact and a line in it. */
function usedFolder() {
  const folder = temporaryFolder();
  const store = openStore(folder.path);
  store.facts.run("INSERT INTO meta (key, value) VALUES ('generation', '7')");
  for (let seq = 0; seq < 500; seq++) store.telemetry.append("swap_log", { ...ROW, seq, line: "x".repeat(200) });
  store.close();
  return { ...folder, at: (name: string) => join(folder.path, name) };
}

/** What a start makes of it: opened, one line written, closed. */
function started(path: string) {
  const store = openStore(path);
  try {
    store.telemetry.append("swap_log", ROW);
    store.telemetry.flush();
    const lines = store.telemetry.db.query<{ line: string }, []>("SELECT line FROM swap_log").all();
    const generation = store.facts.query("SELECT value FROM meta WHERE key = 'generation'").get();
    return { notice: store.notice, lines: lines.map(({ line }) => line), generation };
  } finally {
    store.close();
  }
}
const kept = (path: string) => readdirSync(path).filter((name) => name.startsWith("telemetry-damaged"));
const openFiles = (path: string) =>
  readdirSync("/proc/self/fd").flatMap((name) => {
    try {
      const target = readlinkSync(join("/proc/self/fd", name));
      return target.startsWith(path) ? [target] : [];
    } catch {
      return [];
    }
  });

const DAMAGE: Record<string, (path: string) => void> = {
  "no database at all": (path) => writeFileSync(path, NO_DATABASE),
  "a database whose pages were overwritten": (path) => {
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 8_192, bytes.length - 4_096));
  },
  "a database that was cut off": (path) => {
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length / 2));
  },
  "a database without one of its tables": (path) => {
    using db = new Database(path);
    db.run("DROP TABLE request");
  },
  "a database of somebody else": (path) => {
    rmSync(path);
    using db = new Database(path);
    db.run("CREATE TABLE swap_log (mine TEXT)");
  },
};

describe("is set aside, a new one is begun, and the facts are as they were", () => {
  for (const [what, damage] of Object.entries(DAMAGE))
    test(what, () => {
      using folder = usedFolder();
      damage(folder.at("telemetry.db"));
      const before = readFileSync(folder.at("telemetry.db"));

      const first = started(folder.path);

      expect(first).toMatchObject({ lines: ["a line"], generation: { value: "7" } });
      expect(first.notice).toMatchObject({ file: "telemetry.db", keptAs: "telemetry-damaged.db" });
      // Its header may say by now that it has a journal.
      const after = readFileSync(folder.at("telemetry-damaged.db"));
      expect(after.subarray(100).equals(before.subarray(100))).toBe(true);
      const second = started(folder.path);
      expect(second).toMatchObject({ notice: null, lines: ["a line"] });
      expect(kept(folder.path)).toEqual(["telemetry-damaged.db"]);
    });

  test("nothing of it is open any more once it has another name: its journal would be taken for the new one's", () => {
    for (const damage of Object.values(DAMAGE)) {
      using folder = usedFolder();
      damage(folder.at("telemetry.db"));
      const store = openStore(folder.path);

      expect(openFiles(folder.at("telemetry-damaged"))).toEqual([]);
      store.close();
    }
  });

  test("what is in its journal only is no line of the new one", () => {
    using folder = usedFolder();
    const store = openStore(folder.path);
    store.telemetry.append("swap_log", { ...ROW, job_id: "old" });
    store.telemetry.flush();
    // As a kill leaves it: with a journal.
    using killed = temporaryFolder();
    for (const name of readdirSync(folder.path)) cpSync(folder.at(name), join(killed.path, name));
    store.close();
    expect(statSync(join(killed.path, "telemetry.db-wal")).size).toBeGreaterThan(0);
    writeFileSync(join(killed.path, "telemetry.db"), NO_DATABASE);

    expect(started(killed.path)).toMatchObject({ notice: { keptAs: "telemetry-damaged.db" }, lines: ["a line"] });
  });

  test("its journal has the name by which SQLite finds it", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "telemetry.db");
    for (const part of ["", "-wal"]) writeFileSync(path + part, `of telemetry.db${part}`);

    expect(setAside(path)).toBe("telemetry-damaged.db");

    expect(kept(folder.path).sort()).toEqual(["telemetry-damaged.db", "telemetry-damaged.db-wal"]);
    expect(readFileSync(join(folder.path, "telemetry-damaged.db-wal"), "utf8")).toBe("of telemetry.db-wal");
  });

  test("a second time: both are kept", () => {
    using folder = usedFolder();
    for (const text of ["first ", "second "]) {
      writeFileSync(folder.at("telemetry.db"), text.repeat(1_000));
      started(folder.path);
    }
    mkdirSync(folder.at("telemetry-damaged-3.db-wal"));
    writeFileSync(folder.at("telemetry.db"), NO_DATABASE);
    started(folder.path);

    const texts = ["", "-2", "-4"].map((number) => readFileSync(folder.at(`telemetry-damaged${number}.db`), "utf8"));
    expect(texts.map((text) => text.split(" ")[0])).toEqual(["first", "second", "this"]);
  });
});

test("a backup that was made of it starts where it is restored", () => {
  using folder = usedFolder();
  writeFileSync(folder.at("telemetry.db"), NO_DATABASE);
  const { problems } = snapshotDatabases(folder.path);
  expect(problems).toEqual([expect.stringMatching(/copied as it lies there.*sets it aside/)]);
  using restored = temporaryFolder();
  for (const name of ["facts.db", "telemetry.db"]) renameSync(folder.at(`backup/${name}`), join(restored.path, name));

  expect(started(restored.path)).toMatchObject({ notice: { keptAs: "telemetry-damaged.db" }, lines: ["a line"] });
});

function refusalOf(path: string): StoreError {
  try {
    openStore(path).close();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error("the store opened");
}

describe("is not set aside", () => {
  test("where somebody else writes it: it is not damaged", () => {
    using folder = usedFolder();
    using other = new Database(folder.at("telemetry.db"));
    other.run("PRAGMA locking_mode = EXCLUSIVE");
    other.run("BEGIN EXCLUSIVE");

    const { reason, message } = refusalOf(folder.path);

    expect(reason).toBe("unusable");
    expect(message).not.toContain("damaged");
    expect(kept(folder.path)).toEqual([]);
  }, 30_000);

  test("where it cannot be: the start ends with what is wrong and what to do", () => {
    using folder = usedFolder();
    rmSync(folder.at("telemetry.db"));
    mkdirSync(folder.at("telemetry.db"));

    expect(refusalOf(folder.path)).toMatchObject({ reason: "unusable", path: folder.at("telemetry.db") });
    expect(statSync(folder.at("telemetry.db")).isDirectory()).toBe(true);
  });
});
