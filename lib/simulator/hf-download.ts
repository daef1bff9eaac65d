/** hf-download.sh of spark-vllm-docker: onto this host, then by rsync to others. */
import { type Invocation, type Program, sh } from "./invocation.ts";
import { weightsGb } from "./model-sizes.ts";
import { HOME, type SimulatedSpark } from "./spark.ts";

const KB_PER_GB = 1e9 / 1024;
/** 120 MB/s from the internet, 1 GB/s between the Sparks. */
const DOWNLOAD_KB_PER_SECOND = 117_000;
const COPY_KB_PER_SECOND = 980_000;
const STEPS = 40;

const clock = (seconds: number): string => {
  const parts = [seconds / 3600, (seconds % 3600) / 60, seconds % 60];
  return parts.map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
};

export const hfDownload: Program = async (call) => {
  const words = call.argv.slice(1);
  const hosts: string[] = [];
  let repo = "";
  while (words.length > 0) {
    const word = words.shift()!;
    if (word === "-u") words.shift();
    else if (word === "-c")
      while (words[0] !== undefined && !words[0].startsWith("-")) hosts.push(...words.shift()!.split(","));
    else if (word !== "--copy-parallel") repo = word;
  }
  if (repo === "") return sh(call, "Error: Model name is required.", 1);
  const folder = `${HOME}/.cache/huggingface/hub/models--${repo.replaceAll("/", "--")}`;
  const total = Math.round(weightsGb(repo) * KB_PER_GB);
  call.stdio.out(`Downloading model '${repo}' using uvx...\n`);
  const took = await fill(call, call.spark, folder, total, DOWNLOAD_KB_PER_SECOND);
  if (took === null) {
    call.stdio.err("OSError: [Errno 28] No space left on device\n");
    return sh(call, `Error: Failed to download model '${repo}'.`, 1);
  }
  call.spark.files.addText(`${folder}/snapshots/main/config.json`, "{}\n");
  call.stdio.out(`Download completed in ${clock(took)}\nModel directory: ${folder}\n`);
  if (hosts.length > 0) call.stdio.out(`\nCopying model to ${hosts.length} host(s): ${hosts.join(" ")}\n`);
  for (const host of hosts) if (!(await copy(call, repo, folder, total, host))) return 1;
  call.stdio.out(hosts.length > 0 ? "\nCopy complete.\n" : "No host specified, skipping copy.\n");
  return 0;
};

async function copy(call: Invocation, repo: string, folder: string, total: number, host: string): Promise<boolean> {
  call.stdio.out(`Copying model '${repo}' to spark@${host}...\n`);
  const other = call.cluster.find((spark) => spark.address === host && spark !== call.spark);
  const why =
    other === undefined || !other.sshListening
      ? `ssh: connect to host ${host} port 22: No route to host`
      : other.faults.pending("worker_ssh_denied", other.name)
        ? `spark@${host}: Permission denied (publickey,password).`
        : null;
  const took = why === null ? await fill(call, other!, folder, total, COPY_KB_PER_SECOND) : null;
  if (took === null) {
    call.stdio.err(`${why ?? "rsync: write failed: No space left on device (28)"}\n`);
    call.stdio.out(`Copy to ${host} failed.\n`);
    return false;
  }
  call.stdio.out(`Copy to ${host} completed in ${clock(took)}\n`);
  return true;
}

/** From what is there already. @returns seconds that it took; null when the disk is full */
async function fill(
  call: Invocation,
  spark: SimulatedSpark,
  folder: string,
  total: number,
  kbPerSecond: number,
): Promise<number | null> {
  const blobs = `${folder}/blobs`;
  const there = spark.files.usedKb(blobs) ?? 0;
  const missing = Math.max(0, total - there);
  for (let step = 1; step <= STEPS && missing > 0; step += 1) {
    await call.spark.scheduler.sleep(missing / kbPerSecond / STEPS, call.signal);
    await spark.network.whenUp(call.signal);
    if (spark.faults.pending("disk_full", spark.name)) return null;
    spark.files.addFolder(blobs, Math.round(there + (missing * step) / STEPS));
    call.stdio.err(`\rFetching 12 files: ${Math.floor((step / STEPS) * 100)}%`);
    spark.changes.notify();
  }
  if (missing === 0) spark.files.addFolder(blobs, there);
  call.stdio.err("\n");
  return missing / kbPerSecond;
}
