import { afterEach, expect, test } from "bun:test";
import { cpSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { openInstance, placeOf } from "../../../lib/store/instance.ts";
import { forgetOrigin } from "../../../lib/store/origin.ts";
import { snapshotDatabases } from "../../../lib/store/snapshot.ts";
import { openStore } from "../../../lib/store/store.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "spark-instance-"));
  folders.push(made);
  return made;
}

/** @param settled what must not come alive has been put aside; false: the process ends before */
function identify(dataDir: string, settled = true) {
  const store = openStore(dataDir);
  try {
    const found = openInstance(store, placeOf(dataDir));
    if (settled) forgetOrigin(store.facts);
    return found;
  } finally {
    store.close();
  }
}

test("the id is made once and kept", () => {
  const dataDir = folder();

  const first = identify(dataDir);

  expect(first.instance).toMatch(/^[0-9a-f-]{36}$/);
  expect(first.copiedFrom).toBeNull();
  expect(identify(dataDir)).toEqual(first);
});

test("a copy of the data at another place is another controller, and the original stays who it is", () => {
  const [dataDir, copy] = [folder(), folder()];
  const { instance } = identify(dataDir);
  cpSync(dataDir, copy, { recursive: true });

  const second = identify(copy);

  expect(second.copiedFrom).toBe(instance);
  expect(second.instance).not.toBe(instance);
  expect(identify(copy)).toEqual({ instance: second.instance, copiedFrom: null, restoredFrom: null, lost: null });
  expect(identify(dataDir).instance).toBe(instance);
});

test("a backup that is restored to its place keeps its id", () => {
  const [dataDir, backup] = [folder(), folder()];
  const { instance } = identify(dataDir);
  cpSync(dataDir, backup, { recursive: true });
  rmSync(dataDir, { recursive: true });
  cpSync(backup, dataDir, { recursive: true });

  expect(identify(dataDir)).toEqual({ instance, copiedFrom: null, restoredFrom: null, lost: null });
});

test("that the data are a copy is told again until somebody has put aside what they hold", () => {
  const [dataDir, copy] = [folder(), folder()];
  const { instance } = identify(dataDir);
  cpSync(dataDir, copy, { recursive: true });

  const first = identify(copy, false);

  expect(first.copiedFrom).toBe(instance);
  expect(identify(copy)).toEqual(first);
  expect(identify(copy)).toEqual({ ...first, copiedFrom: null });
});

test("a snapshot that became the database tells when it was made, until what it holds was put aside", () => {
  const dataDir = folder();
  const { instance } = identify(dataDir);
  const before = new Date().toISOString();
  for (const path of snapshotDatabases(dataDir).paths) renameSync(path, join(dataDir, basename(path)));

  const restored = identify(dataDir, false);

  expect(restored).toMatchObject({ instance, copiedFrom: null });
  expect(restored.restoredFrom! >= before && restored.restoredFrom! <= new Date().toISOString()).toBe(true);
  expect(identify(dataDir)).toEqual(restored);
  expect(identify(dataDir)).toEqual({ instance, copiedFrom: null, restoredFrom: null, lost: null });
});

test("the database that was copied is not marked, and goes on as it was", () => {
  const dataDir = folder();
  const { instance } = identify(dataDir);

  snapshotDatabases(dataDir);

  expect(identify(dataDir)).toEqual({ instance, copiedFrom: null, restoredFrom: null, lost: null });
});
