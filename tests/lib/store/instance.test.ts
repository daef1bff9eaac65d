import { afterEach, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openInstance, placeOf } from "../../../lib/store/instance.ts";
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

function identify(dataDir: string) {
  const store = openStore(dataDir);
  try {
    return openInstance(store, placeOf(dataDir));
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
  expect(identify(copy)).toEqual({ instance: second.instance, copiedFrom: null });
  expect(identify(dataDir).instance).toBe(instance);
});

test("a backup that is restored to its place keeps its id", () => {
  const [dataDir, backup] = [folder(), folder()];
  const { instance } = identify(dataDir);
  cpSync(dataDir, backup, { recursive: true });
  rmSync(dataDir, { recursive: true });
  cpSync(backup, dataDir, { recursive: true });

  expect(identify(dataDir)).toEqual({ instance, copiedFrom: null });
});
