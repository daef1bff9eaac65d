/** The machine itself: disk, GPU, clock, and whom it belongs to. */
import { command, path } from "../ssh/quote.ts";
import { evidenceOf, type Finding } from "./check.ts";
import type { Visit } from "./visit.ts";

const CACHE = "~/.cache/huggingface";
const BYTES_PER_KIB = 1024;
const BYTES_PER_GB = 1e9;
/** Below this no model of use can be downloaded. */
const LEAST_FREE_GB = 20;
/** The larger models of two Sparks take this much. */
const COMFORTABLE_GB = 150;
const MOST_SKEW_SECONDS = 5;
/** What a DGX Spark is. */
const ARCHITECTURE = "aarch64";

const gb = (bytes: number): string => `${Math.round(bytes / BYTES_PER_GB).toLocaleString("en-GB")} GB`;

/** Last line of `df -Pk`: device, 1024-blocks, used, available, capacity, mount point. */
export function readDf(output: string): { totalBytes: number; freeBytes: number; mount: string } | null {
  const match = /\s(\d+)\s+\d+\s+(\d+)\s+\d+%\s+(\S.*)$/.exec(output.trim().split("\n").at(-1) ?? "");
  if (match === null) return null;
  const [, total, free, mount = ""] = match;
  return { totalBytes: Number(total) * BYTES_PER_KIB, freeBytes: Number(free) * BYTES_PER_KIB, mount };
}

/** Free space where downloaded models go. */
export async function findDisk(visit: Visit): Promise<Finding> {
  const inCache = await visit.exec(command(["df", "-Pk", path(CACHE)]));
  // Before the first download there is no such folder yet; it will be made on the disk of the home folder.
  const answer = inCache.exitCode === 0 ? inCache : await visit.exec(command(["df", "-Pk", path("~")]));
  const disk = answer.exitCode === 0 ? readDf(answer.stdout) : null;
  if (disk === null)
    return {
      state: "failed",
      seen: "The disk did not tell its size.",
      evidence: evidenceOf(answer.stdout, answer.stderr),
    };
  const seen = `${gb(disk.freeBytes)} free of ${gb(disk.totalBytes)}, in ${CACHE}.`;
  const evidence = evidenceOf(answer.stdout);
  if (disk.freeBytes >= COMFORTABLE_GB * BYTES_PER_GB) return { state: "ok", seen, evidence };
  return {
    state: disk.freeBytes < LEAST_FREE_GB * BYTES_PER_GB ? "failed" : "warning",
    seen,
    evidence,
    fix: {
      text: "Large models take 60 to 130 GB each. This shows what lies there, the largest last; delete what is not needed.",
      where: visit.node.name,
      lines: [`du -sh ${CACHE}/hub/* | sort -h`],
    },
  };
}

/** The GPU answers; its name and driver, and the architecture of the machine. */
export async function findGpu(visit: Visit): Promise<Finding> {
  const query = ["nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader,nounits"] as const;
  const [gpu, machine] = await Promise.all([visit.exec(command(query)), visit.exec(command(["uname", "-m"]))]);
  const evidence = evidenceOf(gpu.stdout, gpu.stderr);
  const [name = "", driver = "", capability = ""] = (gpu.stdout.split("\n")[0] ?? "")
    .split(",")
    .map((each) => each.trim());
  if (gpu.exitCode !== 0 || name === "")
    return {
      state: "failed",
      seen: gpu.exitCode === 127 ? "There is no nvidia-smi: the NVIDIA driver is missing." : "The GPU does not answer.",
      evidence,
      fix: {
        text: "After an update of the driver the machine must be started anew. That ends everything that runs on it.",
        where: visit.node.name,
        lines: ["sudo reboot"],
      },
    };
  const known = (value: string) => value !== "" && value !== "[N/A]";
  const parts = [
    name,
    ...(known(capability) ? [`compute capability ${capability}`] : []),
    ...(known(driver) ? [`driver ${driver}`] : []),
    machine.stdout.trim(),
  ];
  const seen = `${parts.filter((part) => part !== "").join(", ")}.`;
  if (machine.exitCode === 0 && machine.stdout.trim() !== ARCHITECTURE)
    return {
      state: "warning",
      seen,
      evidence,
      fix: {
        text: `A DGX Spark is ${ARCHITECTURE}. Images built for it do not run on this machine.`,
        where: null,
        lines: [],
      },
    };
  return { state: "ok", seen, evidence };
}

/** @param now milliseconds since the epoch, here */
export async function findClock(visit: Visit, now: () => number): Promise<Finding> {
  const asked = now();
  const { stdout } = await visit.exec(command(["date", "+%s"]));
  const midwaySeconds = (asked + now()) / 2000;
  const text = stdout.trim();
  if (!/^\d+$/.test(text)) return { state: "failed", seen: "It did not tell the time.", evidence: evidenceOf(stdout) };
  // date cuts off the fraction: on average half a second.
  const skew = Number(text) + 0.5 - midwaySeconds;
  const off = Math.round(Math.abs(skew));
  if (off <= MOST_SKEW_SECONDS) return { state: "ok", seen: "Agrees with this machine's clock." };
  return {
    state: "warning",
    seen: `It is ${off.toLocaleString("en-GB")} s ${skew > 0 ? "ahead of" : "behind"} this machine's clock.`,
    fix: {
      text: "Times in logs then do not fit together. Let the Spark set its clock over the network; if it is right there, this machine's own clock is wrong.",
      where: visit.node.name,
      lines: ["sudo timedatectl set-ntp true"],
    },
  };
}

/** @param instance this controller's id; @param owner the id that the Spark remembers, null when none */
export function findOwner(instance: string, owner: string | null): Finding {
  if (owner === null) return { state: "ok", seen: "It has not been used by a Spark Control yet." };
  if (owner === instance) return { state: "ok", seen: "It belongs to this Spark Control." };
  return {
    state: "warning",
    seen: "It belongs to another Spark Control, which may still use it.",
    evidence: owner,
    fix: {
      text: "Each Spark obeys one controller. Stop the other one. Once this Spark is saved, it can be taken over from it.",
      where: null,
      lines: [],
    },
  };
}
