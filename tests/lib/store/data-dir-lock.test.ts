import { describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { openStore } from "../../../lib/store/store.ts";
import { StoreError } from "../../../lib/store/store-error.ts";
import { temporaryFolder } from "./_folder.ts";

const CHILD = fileURLToPath(new URL("./_hold.ts", import.meta.url));

async function holdInChild(dataDir: string) {
  const child = Bun.spawn([process.execPath, CHILD, dataDir], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("held\n");
  return child;
}

function refusalOf(open: () => unknown): StoreError {
  try {
    open();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error("the store opened");
}

describe("lock on DATA_DIR", () => {
  test("a second process is refused and told who holds it", async () => {
    using folder = temporaryFolder();
    const child = await holdInChild(folder.path);

    const refusal = refusalOf(() => openStore(folder.path));

    expect(refusal.reason).toBe("in_use");
    expect(refusal.message).toContain(`process ${child.pid} on ${hostname()}, running since 20`);
    child.kill("SIGKILL");
    await child.exited;
  });

  test("SIGKILL of the holder frees it, though its name is still in the folder", async () => {
    using folder = temporaryFolder();
    const child = await holdInChild(folder.path);

    child.kill("SIGKILL");
    await child.exited;
    const store = openStore(folder.path);

    expect(await Bun.file(`${folder.path}/lock.json`).json()).toMatchObject({ pid: process.pid });
    store.close();
  });

  test("a second store in the same process is refused too", () => {
    using folder = temporaryFolder();
    const first = openStore(folder.path);

    const refusal = refusalOf(() => openStore(folder.path));

    expect(refusal.message).toContain(`process ${process.pid} `);
    first.close();
  });

  test("close gives the folder free, and may be called twice", () => {
    using folder = temporaryFolder();
    const first = openStore(folder.path);

    first.close();
    first.close();

    openStore(folder.path).close();
  });

  test("a refused start leaves the holder's lock in place", () => {
    using folder = temporaryFolder();
    const first = openStore(folder.path);

    refusalOf(() => openStore(folder.path));

    expect(refusalOf(() => openStore(folder.path)).reason).toBe("in_use");
    first.close();
  });
});
