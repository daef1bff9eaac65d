/** Copies for a backup, made while the databases are written to. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { snapshotDatabases } from "../../../lib/store/snapshot.ts";
import { openStore } from "../../../lib/store/store.ts";
import { temporaryFolder } from "./_folder.ts";

test("a copy is one state of the database, whatever is in the journal, and the store opens it", () => {
  using folder = temporaryFolder();
  const store = openStore(folder.path);
  const set = (key: string, value: number) =>
    store.facts.run("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2", [
      key,
      value,
    ]);
  for (let round = 0; round < 50; round++) {
    store.transaction(() => {
      set("one", round);
      set("two", round);
    });
  }
  // A transaction that is open while the copy is made is not in it.
  store.facts.run("BEGIN IMMEDIATE");
  set("one", 1_000);
  const paths = snapshotDatabases(folder.path);
  store.facts.run("ROLLBACK");
  store.close();

  expect(paths).toEqual(["facts.db", "telemetry.db"].map((name) => join(folder.path, "backup", name)));
  expect(readdirSync(join(folder.path, "backup")).sort()).toEqual(["facts.db", "telemetry.db"]);
  expect(statSync(paths[0]!).mode & 0o777).toBe(0o600);

  using restored = temporaryFolder();
  for (const name of ["facts.db", "telemetry.db"])
    renameSync(join(folder.path, "backup", name), join(restored.path, name));
  const opened = openStore(restored.path);
  const values = opened.facts.query<{ value: string }, []>("SELECT value FROM meta WHERE key IN ('one', 'two')").all();
  expect(values.map(({ value }) => Number(value))).toEqual([49, 49]);
  opened.close();
});

test("copies of before stay when there is none to be made, and the rest of one that broke off is no hindrance", () => {
  using folder = temporaryFolder();
  openStore(folder.path).close();
  mkdirSync(join(folder.path, "backup"));
  writeFileSync(join(folder.path, "backup/facts.db.unfinished"), "half");
  snapshotDatabases(folder.path);
  expect(readdirSync(join(folder.path, "backup")).sort()).toEqual(["facts.db", "telemetry.db"]);

  rmSync(join(folder.path, "facts.db"));
  writeFileSync(join(folder.path, "telemetry.db"), "this is no database, and long enough to be looked at");
  expect(() => snapshotDatabases(folder.path)).toThrow();
  const kept = new Database(join(folder.path, "backup/telemetry.db"), { readonly: true });
  expect(kept.query("PRAGMA quick_check").get()).toEqual({ quick_check: "ok" });
  kept.close();
});
