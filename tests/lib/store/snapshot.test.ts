/** Copies for a backup, made while the databases are written to. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { snapshotDatabases } from "../../../lib/store/snapshot.ts";
import { openStore } from "../../../lib/store/store.ts";
import { run } from "../../lab/command.ts";
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
  const { paths, problems } = snapshotDatabases(folder.path);
  store.facts.run("ROLLBACK");
  store.close();

  expect(problems).toEqual([]);
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

/** A data folder as a controller leaves it, with copies of an earlier run. */
function savedFolder() {
  const folder = temporaryFolder();
  openStore(folder.path).close();
  snapshotDatabases(folder.path);
  return { ...folder, at: (name: string) => join(folder.path, name), copies: () => copiesIn(folder.path) };
}
const copiesIn = (folder: string) => readdirSync(join(folder, "backup")).sort();
const NO_DATABASE = "this is no database, and long enough to be looked at";

test("what an earlier run left, whole or half, goes before anything is copied", () => {
  using folder = savedFolder();
  for (const name of ["facts.db.unfinished", "telemetry.db.unfinished", "facts.db-journal"])
    writeFileSync(folder.at(`backup/${name}`), "half");
  writeFileSync(folder.at("backup/of-the-owner"), "");
  rmSync(folder.at("telemetry.db"));

  expect(snapshotDatabases(folder.path)).toEqual({ paths: [folder.at("backup/facts.db")], problems: [] });
  expect(folder.copies()).toEqual(["facts.db", "of-the-owner"]);
});

test("facts that cannot be copied end it in words, and no copy of before passes for a fresh one", () => {
  using folder = savedFolder();
  writeFileSync(folder.at("facts.db"), NO_DATABASE);

  expect(() => snapshotDatabases(folder.path)).toThrow(
    /facts\.db cannot be copied: file is not a database\. Without it a backup would be of no use, so none is made\./,
  );
  expect(folder.copies()).toEqual([]);
});

test("telemetry that is no sound database is copied as it lies there, and said", () => {
  using folder = savedFolder();
  writeFileSync(folder.at("telemetry.db"), NO_DATABASE);

  const { paths, problems } = snapshotDatabases(folder.path);

  expect(paths.map((path) => basename(path))).toEqual(["facts.db", "telemetry.db"]);
  expect(problems).toEqual([expect.stringMatching(/telemetry\.db: .*not a database.*copied as it lies there/)]);
  expect(folder.copies()).toEqual(["facts.db", "telemetry.db"]);
  expect(readFileSync(folder.at("backup/telemetry.db"), "utf8")).toBe(NO_DATABASE);
  expect(statSync(folder.at("backup/telemetry.db")).mode & 0o777).toBe(0o600);
});

test("of telemetry with one damaged page everything else is in the copy, what is in its journal too", () => {
  using folder = temporaryFolder();
  openStore(folder.path).close();
  const path = join(folder.path, "telemetry.db");
  using live = new Database(path, { readwrite: true });
  live.run("PRAGMA journal_mode = WAL");
  live.run("CREATE TABLE lost (value TEXT)");
  live.run("CREATE TABLE kept (value TEXT)");
  live.run("INSERT INTO lost VALUES ('a')");
  live.run("PRAGMA wal_checkpoint(TRUNCATE)");
  const root = live.query<{ rootpage: number }, []>("SELECT rootpage FROM sqlite_schema WHERE name = 'lost'").get()!;
  const size = live.query<{ page_size: number }, []>("PRAGMA page_size").get()!.page_size;
  const bytes = readFileSync(path);
  bytes.fill(0xff, (root.rootpage - 1) * size, root.rootpage * size);
  const file = openSync(path, "r+");
  writeSync(file, bytes);
  closeSync(file);
  live.run("INSERT INTO kept VALUES ('only in the journal')");
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);

  const { problems } = snapshotDatabases(folder.path);

  expect(problems).toEqual([expect.stringContaining("copied as it lies there")]);
  using copy = new Database(join(folder.path, "backup/telemetry.db"), { readonly: true });
  expect(copy.query("SELECT value FROM kept").get()).toEqual({ value: "only in the journal" });
});

test.each([
  ["a folder", (path: string) => mkdirSync(path)],
  ["a pipe", (path: string) => execFileSync("mkfifo", [path])],
])("telemetry that is %s is left out, and said", (_, put) => {
  using folder = savedFolder();
  rmSync(folder.at("telemetry.db"));
  put(folder.at("telemetry.db"));

  const { paths, problems } = snapshotDatabases(folder.path);

  expect(paths).toEqual([folder.at("backup/facts.db")]);
  expect(problems).toEqual([expect.stringMatching(/telemetry\.db: .*is left out/)]);
  expect(folder.copies()).toEqual(["facts.db"]);
});

test("as a process: damaged telemetry is said on stderr and no failure, damaged facts are one", async () => {
  using folder = savedFolder();
  writeFileSync(folder.at("telemetry.db"), NO_DATABASE);
  const snapshot = () =>
    run([process.execPath, join(import.meta.dir, "../../../routes/_snapshot.ts")], {
      env: { PATH: process.env.PATH ?? "", DATA_DIR: folder.path },
    });

  const first = await snapshot();
  expect([first.exitCode, first.stdout.trim().split("\n")]).toEqual([
    0,
    ["facts.db", "telemetry.db"].map((name) => folder.at(`backup/${name}`)),
  ]);
  expect(first.stderr).toContain("It is copied as it lies there");

  writeFileSync(folder.at("facts.db"), NO_DATABASE);
  const second = await snapshot();
  expect([second.exitCode, second.stdout]).toEqual([1, ""]);
  expect(second.stderr).toContain("facts.db cannot be copied");
});
