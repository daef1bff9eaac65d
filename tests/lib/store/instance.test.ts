import { afterEach, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { openInstance, type Place, placeOf } from "../../../lib/store/instance.ts";
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

/** A machine of which one knows which it is. */
const onMachine = (dataDir: string): Place => {
  const file = join(folder(), "machine-id");
  writeFileSync(file, "0123456789abcdef0123456789abcdef\n");
  return placeOf(dataDir, file);
};

/** Every container has its data there, and does not know on which machine it is. */
const inContainer = (dataDir: string): Place => ({ ...placeOf(dataDir, "/there/is/none"), path: ":/data" });

/** @param settled what must not come alive has been put aside; false: the process ends before */
function identify(dataDir: string, settled = true, where = onMachine) {
  const store = openStore(dataDir);
  try {
    const found = openInstance(store, where(dataDir));
    if (settled) forgetOrigin(store.facts);
    return found;
  } finally {
    store.close();
  }
}

const contained = (dataDir: string, settled = true) => identify(dataDir, settled, inContainer);

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

for (const preserving of [true, false])
  test(`in containers, at one path and without a machine id, a copy ${preserving ? "with its times " : ""}is another controller`, () => {
    const [dataDir, copy] = [folder(), folder()];
    const { instance } = contained(dataDir);
    cpSync(dataDir, copy, { recursive: true, preserveTimestamps: preserving });

    const second = contained(copy);

    expect(second.copiedFrom).toBe(instance);
    expect(second.instance).not.toBe(instance);
    expect(contained(copy)).toEqual({ instance: second.instance, copiedFrom: null, restoredFrom: null, lost: null });
    expect(contained(dataDir)).toEqual({ instance, copiedFrom: null, restoredFrom: null, lost: null });
  });

test("in containers the same folder is the same controller: used again, moved, or with an old copy put into it", () => {
  const [dataDir, backup] = [folder(), folder()];
  const { instance } = contained(dataDir);
  const same = { instance, copiedFrom: null, restoredFrom: null, lost: null };
  expect(contained(dataDir)).toEqual(same);

  const moved = join(folder(), "moved");
  renameSync(dataDir, moved);
  expect(contained(moved)).toEqual(same);

  cpSync(moved, backup, { recursive: true });
  for (const name of readdirSync(moved)) rmSync(join(moved, name), { recursive: true });
  cpSync(backup, moved, { recursive: true });
  expect(contained(moved)).toEqual(same);
});

test("in containers a backup that says that it is one keeps its id in a new folder, and is known there from then on", () => {
  const [dataDir, restored, copy] = [folder(), folder(), folder()];
  const { instance } = contained(dataDir);
  for (const path of snapshotDatabases(dataDir).paths) renameSync(path, join(restored, basename(path)));

  expect(contained(restored)).toMatchObject({ instance, copiedFrom: null, restoredFrom: expect.any(String) });
  expect(contained(restored)).toEqual({ instance, copiedFrom: null, restoredFrom: null, lost: null });
  cpSync(restored, copy, { recursive: true });
  expect(contained(copy)).toMatchObject({ copiedFrom: instance });
});

test("a file system that does not tell when a folder was made, and data of before, go by the path alone", () => {
  const dataDir = folder();
  const untold = (dir: string): Place => ({ ...inContainer(dir), folder: null });
  const { instance } = identify(dataDir, true, untold);

  expect(identify(dataDir, true, untold).instance).toBe(instance);
  expect(contained(dataDir).instance).toBe(instance);
  expect(identify(dataDir, true, untold).instance).toBe(instance);
  expect(contained(dataDir).instance).toBe(instance);
});

test("when the folder was made counts only where machine and path do not tell", () => {
  const dataDir = folder();
  expect(onMachine(dataDir).folder).toBeNull();
  expect(inContainer(dataDir).folder).toMatch(/^\d+ [1-9]\d{17,}$/);
});

test.if(process.platform === "linux")("it counts as well where a file system is mounted for the data alone", () => {
  expect(placeOf("/dev/shm").folder).toMatch(/^\d+ [1-9]\d{17,}$/);
});
