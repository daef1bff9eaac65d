/** A folder whose facts are gone is told from a fresh one, durably, before anything else is written. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { forgetOrigin, readOrigin } from "../../../lib/store/origin.ts";
import { snapshotDatabases } from "../../../lib/store/snapshot.ts";
import { openStore } from "../../../lib/store/store.ts";
import { temporaryFolder } from "./_folder.ts";

function lostIn(dataDir: string): string | null {
  const store = openStore(dataDir);
  try {
    return readOrigin(store.facts).lost;
  } finally {
    store.close();
  }
}
const removeFacts = (dataDir: string) => {
  for (const name of readdirSync(dataDir)) if (name.startsWith("facts.db")) rmSync(join(dataDir, name));
};

describe("nothing is lost", () => {
  test("in a fresh folder, at its first start and at every other", () => {
    using folder = temporaryFolder();

    for (let start = 0; start < 3; start++) expect(lostIn(folder.path)).toBeNull();
  });

  test("where keys, configuration and what the earlier version left were put before the first start", () => {
    using folder = temporaryFolder();
    const files = ["id_ed25519", "topology.yaml", "services-overrides.yaml", "hosts.json", "startos-webhook.json"];
    for (const name of [...files, "app_settings.json", "models-overrides.yaml", "known_hosts"])
      writeFileSync(join(folder.path, name), "");

    expect([lostIn(folder.path), lostIn(folder.path)]).toEqual([null, null]);
  });

  test("in a backup that was restored: the copies are in their place, the rest of the folder is as it was", () => {
    using folder = temporaryFolder();
    openStore(folder.path).close();
    const { paths } = snapshotDatabases(folder.path);
    removeFacts(folder.path);
    for (const path of paths) renameSync(path, join(folder.path, basename(path)));

    expect(lostIn(folder.path)).toBeNull();
  });
});

describe("facts that are lost", () => {
  for (const trace of ["telemetry.db", "lock.json", "known_hosts.json", "facts.db-wal", "backup/facts.db"])
    test(`are missing beside ${trace}`, () => {
      using folder = temporaryFolder();
      mkdirSync(join(folder.path, "backup"));
      writeFileSync(join(folder.path, trace), "");

      const lost = lostIn(folder.path);

      expect(lost).toStartWith("facts.db is missing");
      expect(lost).toContain(trace);
    });

  test("are missing where a controller ran, and this is said again until somebody has put it aside", () => {
    using folder = temporaryFolder();
    openStore(folder.path).close();
    removeFacts(folder.path);

    const lost = lostIn(folder.path);

    expect(lost).toMatch(/^facts\.db is missing, though .* telemetry\.db, lock\.json\. Lost are who had reserved/);
    expect(lostIn(folder.path)).toBe(lost);
    const store = openStore(folder.path);
    forgetOrigin(store.facts);
    store.close();
    expect(lostIn(folder.path)).toBeNull();
  });

  test("are empty, whatever else is there", () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "facts.db"), "");
    expect(lostIn(folder.path)).toStartWith("facts.db is empty (0 bytes).");

    using used = temporaryFolder();
    openStore(used.path).close();
    truncateSync(join(used.path, "facts.db"), 0);
    expect(lostIn(used.path)).toStartWith("facts.db is empty (0 bytes), though");
  });

  test("are a file without a schema: its journal, which had it all, has gone", () => {
    using folder = temporaryFolder();
    openStore(folder.path).close();
    removeFacts(folder.path);
    const db = new Database(join(folder.path, "facts.db"), { create: true });
    db.run("PRAGMA journal_mode = WAL");
    db.close();
    expect(statSync(join(folder.path, "facts.db")).size).toBeGreaterThan(0);

    expect(lostIn(folder.path)).toStartWith("facts.db holds nothing, though");
  });
});
