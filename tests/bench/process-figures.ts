/** Memory and CPU time of a process, from Linux's /proc (proc_pid_status(5), proc_pid_stat(5)). */
import { readFileSync } from "node:fs";

/** USER_HZ, which is 100 on every Linux that Bun runs on. */
const TICKS_A_SECOND = 100;

/** Resident memory in MB (10^6 bytes). */
export function residentMb(pid: number): number {
  return statusKib(pid, "VmRSS") * 0.001024;
}

/** CPU seconds that the process has used, in user and kernel mode. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold blanks; utime and stime are fields 14 and 15, so 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

function statusKib(pid: number, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (!found) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(found[1]);
}
