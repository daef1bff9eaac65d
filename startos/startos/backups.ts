/**
 * Everything on the volume, the SSH key included: a restored controller reaches its Sparks without a hand on them (StartOS
 * encrypts backups with the owner's password). The databases may be written while a backup is made: consistent copies of them
 * are put beside before, and the live ones stay out.
 */
import { rename, rm, stat } from "node:fs/promises";
import { sdk } from "./sdk";
import { DATA_DIR, USER_ID } from "./utils";

const DATABASES = ["facts.db", "telemetry.db"];
const SNAPSHOTS = "backup";
/** Large databases on a slow disk take longer than the SDK's 30 s. */
const SNAPSHOT_LIMIT_MS = 600_000;

/** What is asked of the SDK's container. */
interface Runs {
  execFail(
    command: string[],
    options: { user: string; cwd: string; env: Record<string, string> },
    timeoutMs: number,
  ): Promise<{ stderr: string | Buffer }>;
}

/** Of rsync, from the root of the volume. */
export const LEFT_OUT = DATABASES.flatMap((name) => ["", "-wal", "-shm"].map((suffix) => `/${name}${suffix}`));

export const { createBackup, restoreInit } = sdk.setupBackups(async () =>
  sdk.Backups.ofVolumes("main")
    .setBackupOptions({ exclude: LEFT_OUT })
    .setPreBackup(async (effects) => {
      const mounts = sdk.Mounts.of().mountVolume({
        volumeId: "main",
        subpath: null,
        mountpoint: DATA_DIR,
        readonly: false,
      });
      await sdk.SubContainer.withTemp(effects, { imageId: "main" }, mounts, "snapshot", async (container) => {
        await makeSnapshots(container);
      });
    })
    .setPostBackup(removeSnapshots)
    .setPostRestore(useSnapshots),
);

/**
 * What is wrong with a copy that is there, or is not there, is told in the service's log: damaged telemetry is no reason to be
 * without a backup. @throws Error with the words of the command when there can be none
 */
export async function makeSnapshots(container: Runs): Promise<void> {
  const command = ["/usr/local/bin/bun", "/app/routes/_snapshot.ts"];
  const options = { user: String(USER_ID), cwd: "/app", env: { DATA_DIR } };
  const { stderr } = await container.execFail(command, options, SNAPSHOT_LIMIT_MS);
  const said = String(stderr).trim();
  if (said !== "") console.warn(`Backup: ${said}`);
}

export async function removeSnapshots(): Promise<void> {
  await rm(sdk.volumes.main.subpath(SNAPSHOTS), { recursive: true, force: true });
}

/** The copies become the databases; journals of databases that were there before would spoil them. */
export async function useSnapshots(): Promise<void> {
  for (const name of DATABASES) {
    const copy = sdk.volumes.main.subpath(`${SNAPSHOTS}/${name}`);
    if (!(await stat(copy).catch(() => null))) continue;
    const database = sdk.volumes.main.subpath(name);
    for (const suffix of ["-wal", "-shm"]) await rm(`${database}${suffix}`, { force: true });
    await rename(copy, database);
  }
  await removeSnapshots();
}
