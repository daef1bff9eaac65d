/** What a lab leaves outside its namespaces (folder, links, cgroups), who owns it, and how it is removed. */
import { mkdir, readdir, readFile, rm, rmdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./command.ts";
import { removeBridge, unplug } from "./network.ts";

/** LAB_FOLDER moves the hosts' disks: they need a file system on which overlayfs works. */
const ROOT = join(process.env.LAB_FOLDER ?? tmpdir(), "spark-lab");
const CGROUPS = "/sys/fs/cgroup";
const END_LIMIT_MS = 10_000;

interface Owner {
  readonly pid: number;
  /** Start time of the owner in clock ticks since boot: a pid alone may have been given to someone else. */
  readonly started: string;
}

export const labFolder = (subnet: number): string => join(ROOT, String(subnet));
export const cgroupName = (subnet: number, host: number): string => `sparklab${subnet}h${host}`;

async function startTime(pid: number): Promise<string | null> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  return line?.slice(line.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}

/** Makes the lab's folder and writes down that this process owns it. */
export async function own(subnet: number): Promise<string> {
  const folder = labFolder(subnet);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const owner: Owner = { pid: process.pid, started: (await startTime(process.pid)) ?? "" };
  await Bun.write(join(folder, "owner.json"), JSON.stringify(owner));
  return folder;
}

async function removeTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
    if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  await rmdir(folder).catch(() => {});
}

/** The cgroup folders of a host: one per controller on a hybrid hierarchy, one on a unified one. */
export async function cgroupFolders(subnet: number, host: number): Promise<string[]> {
  const name = cgroupName(subnet, host);
  const roots = [CGROUPS, ...(await readdir(CGROUPS).catch(() => [])).map((controller) => join(CGROUPS, controller))];
  const folders: string[] = [];
  for (const root of roots) if (await stat(join(root, name)).catch(() => null)) folders.push(join(root, name));
  return folders;
}

/** True while the first process of one of the lab's hosts is there: it carries the folder in its arguments. */
async function hostsAlive(subnet: number): Promise<boolean> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const args = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (args.includes("init.sh\0") && args.includes(`${labFolder(subnet)}/`)) return true;
  }
  return false;
}

/** Removes links, cgroups and folder, when the hosts have ended. */
export async function clear(subnet: number): Promise<void> {
  for (const host of [1, 2]) await unplug(subnet, host);
  await until("the lab's hosts have ended", async () => !(await hostsAlive(subnet)), END_LIMIT_MS);
  for (const host of [1, 2]) for (const folder of await cgroupFolders(subnet, host)) await removeTree(folder);
  await rm(labFolder(subnet), { recursive: true, force: true });
  await removeBridge(subnet);
}

/** Clears the labs whose owner has died. Their hosts have died with it: the owner held their power cord. */
export async function sweep(): Promise<void> {
  for (const name of await readdir(ROOT).catch(() => [])) {
    const text = await readFile(join(ROOT, name, "owner.json"), "utf8").catch(() => null);
    if (text === null || !/^\d+$/.test(name)) continue;
    const owner = JSON.parse(text) as Owner;
    if ((await startTime(owner.pid)) === owner.started) continue;
    await clear(Number(name));
  }
}
