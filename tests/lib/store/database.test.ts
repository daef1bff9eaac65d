import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { cpSync, writeFileSync } from "node:fs";
import { FACTS, TELEMETRY } from "../../../lib/store/migrations.ts";
import { openStore } from "../../../lib/store/store.ts";
import { StoreError } from "../../../lib/store/store-error.ts";
import { temporaryFolder } from "./_folder.ts";

function refusalOf(dataDir: string): StoreError {
  try {
    openStore(dataDir).close();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error("the store opened");
}

const pragma = (db: Database, name: string) => Object.values(db.query(`PRAGMA ${name}`).get() as object)[0];

describe("opening", () => {
  test("facts are fully synchronous with foreign keys, telemetry is not; both write ahead", () => {
    using folder = temporaryFolder();
    const store = openStore(folder.path);

    const facts = ["journal_mode", "synchronous", "foreign_keys"].map((name) => pragma(store.facts, name));
    const telemetry = ["journal_mode", "synchronous"].map((name) => pragma(store.telemetry.db, name));

    expect(facts).toEqual(["wal", 2, 1]);
    expect(telemetry).toEqual(["wal", 1]);
    store.close();
  });

  test("a second start finds the schema in place and the rows of the first", () => {
    using folder = temporaryFolder();
    const first = openStore(folder.path);
    first.facts.run("INSERT INTO meta (key, value) VALUES ('generation', '7')");
    first.close();

    const second = openStore(folder.path);

    expect(second.facts.query("SELECT value FROM meta WHERE key = 'generation'").get()).toEqual({ value: "7" });
    expect(pragma(second.facts, "user_version")).toBe(FACTS.length);
    expect(pragma(second.telemetry.db, "user_version")).toBe(TELEMETRY.length);
    second.close();
  });

  test.each(["facts.db", "telemetry.db"])("%s with a newer schema refuses to start and stays as it is", (name) => {
    using folder = temporaryFolder();
    openStore(folder.path).close();
    const db = new Database(`${folder.path}/${name}`);
    db.run("PRAGMA user_version = 99");
    db.close();

    const refusal = refusalOf(folder.path);

    expect(refusal.reason).toBe("newer_schema");
    expect(refusal.message).toContain(`${folder.path}/${name} was written by a newer version`);
    const after = new Database(`${folder.path}/${name}`);
    expect(pragma(after, "user_version")).toBe(99);
    after.close();
  });

  test("a facts.db that is no database is named, with what to do", () => {
    using folder = temporaryFolder();
    writeFileSync(`${folder.path}/facts.db`, "this is not a database, however long it may be. ".repeat(100));

    const refusal = refusalOf(folder.path);

    expect(refusal.reason).toBe("corrupt");
    expect(refusal.message).toContain(`${folder.path}/facts.db is damaged`);
    expect(refusal.message).toContain("Restore it from a backup, or move it away");
  });

  test("a page overwritten in the middle of facts.db is found at the start", async () => {
    using folder = temporaryFolder();
    const store = openStore(folder.path);
    for (let key = 0; key < 500; key++)
      store.facts.run("INSERT INTO meta VALUES (?, ?)", [`key ${key}`, "x".repeat(200)]);
    store.close();
    const path = `${folder.path}/facts.db`;
    const bytes = await Bun.file(path).bytes();
    writeFileSync(path, bytes.fill(0xa5, 8192, bytes.length - 4096));

    const refusal = refusalOf(folder.path);

    expect(refusal.reason).toBe("corrupt");
    expect(refusal.path).toBe(path);
  });

  test("a table or an index that is missing is named at the start, not at the first statement that needs it", () => {
    using folder = temporaryFolder();
    openStore(folder.path).close();
    const path = `${folder.path}/facts.db`;
    const whole = new Database(path);
    const tables = whole
      .query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all();
    whole.close();
    expect(tables.length).toBeGreaterThan(5);

    for (const { name } of tables) {
      using copy = temporaryFolder();
      cpSync(path, `${copy.path}/facts.db`);
      const db = new Database(`${copy.path}/facts.db`);
      db.run("PRAGMA foreign_keys = OFF");
      db.run(`DROP TABLE "${name}"`);
      db.close();

      const refusal = refusalOf(copy.path);

      expect(refusal.reason).toBe("corrupt");
      expect(refusal.message).toContain(`it has no ${name}`);
      expect(refusal.message).toContain("Restore it from a backup, or move it away");
    }
  });

  test("a failed start gives DATA_DIR free", () => {
    using folder = temporaryFolder();
    writeFileSync(`${folder.path}/facts.db`, "no database ".repeat(1000));

    refusalOf(folder.path);

    expect(refusalOf(folder.path).reason).toBe("corrupt");
  });
});

describe("transaction", () => {
  test("rolls back what a throwing run has written", () => {
    using folder = temporaryFolder();
    const store = openStore(folder.path);

    const run = () =>
      store.transaction(() => {
        store.facts.run("INSERT INTO meta VALUES ('instance_id', 'x')");
        throw new Error("no");
      });

    expect(run).toThrow("no");
    expect(store.facts.query("SELECT count(*) AS count FROM meta").get()).toEqual({ count: 0 });
    store.close();
  });

  test("gives back what run returns", () => {
    using folder = temporaryFolder();
    const store = openStore(folder.path);

    expect(store.transaction(() => 42)).toBe(42);

    store.close();
  });
});
