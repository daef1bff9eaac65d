/**
 * Reads what a Spark answers to the commands of questions.ts. Pure; nothing here throws, whatever the output: a field that
 * cannot be read is null, a line that cannot be read is left out.
 */

const BYTES_PER_KIB = 1024;
const BYTES_PER_MIB = 1024 * 1024;
/** Above it a number is no measurement, whatever it was meant to be. */
const MOST_BYTES = 2 ** 50;

export interface Gpu {
  readonly name: string | null;
  readonly driver: string | null;
  /** 0 to 100. */
  readonly percent: number | null;
  readonly celsius: number | null;
  readonly watts: number | null;
  readonly powerLimitWatts: number | null;
  readonly smMhz: number | null;
  readonly memoryMhz: number | null;
  readonly pstate: string | null;
}

/** In the order of `readGpu`. A field that a driver does not know would refuse all of them: these are known to every one. */
export const GPU_FIELDS = [
  "name",
  "driver_version",
  "utilization.gpu",
  "temperature.gpu",
  "power.draw",
  "power.limit",
  "clocks.sm",
  "clocks.mem",
  "pstate",
] as const;

/** The first GPU of `nvidia-smi --query-gpu=… --format=csv,noheader,nounits`; null when there is no such line. */
export function readGpu(output: string): Gpu | null {
  const cells = output
    .split("\n")
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .find((line) => line.length === GPU_FIELDS.length);
  if (!cells) return null;
  const [name, driver, percent, celsius, watts, limit, sm, memory, pstate] = cells;
  return {
    name: word(name),
    driver: word(driver),
    percent: within(percent, 0, 100),
    celsius: within(celsius, -50, 200),
    watts: within(watts, 0, 10_000),
    powerLimitWatts: within(limit, 0, 10_000),
    smMhz: within(sm, 0, 100_000),
    memoryMhz: within(memory, 0, 100_000),
    pstate: word(pstate),
  };
}

export interface GpuProcess {
  readonly pid: number;
  readonly name: string;
  readonly bytes: number | null;
}

/** From `nvidia-smi --query-compute-apps=pid,process_name,used_memory`: MiB, or `[N/A]`. */
export function readGpuProcesses(output: string): GpuProcess[] {
  return output.split("\n").flatMap((line): GpuProcess[] => {
    // The name may hold a comma.
    const [, pid, name, mib] = /^\s*(\d{1,10}),\s*(.*?),\s*([^,]*)$/.exec(line) ?? [];
    if (pid === undefined) return [];
    const used = within(mib, 0, MOST_BYTES / BYTES_PER_MIB);
    return [{ pid: Number(pid), name: word(name) ?? "?", bytes: used === null ? null : used * BYTES_PER_MIB }];
  });
}

export interface Process {
  readonly pid: number;
  readonly name: string;
  /** Resident memory, without what the GPU holds. */
  readonly bytes: number;
}

/** From `ps -e -o pid,rss,args`. BusyBox writes large sizes as `12m` or `1.2g`, and knows no args wider than its terminal. */
export function readProcesses(output: string): Process[] {
  return output.split("\n").flatMap((line): Process[] => {
    const [, pid, size, unit, args] = /^\s*(\d{1,10})\s+(\d{1,15}(?:\.\d)?)([kmg]?)\s+(\S.*)$/i.exec(line) ?? [];
    if (args === undefined) return [];
    const factor = { "": 1, k: 1, m: 1024, g: 1024 ** 2 }[unit?.toLowerCase() ?? ""] ?? 1;
    const bytes = Math.round(Number(size) * factor) * BYTES_PER_KIB;
    return bytes <= MOST_BYTES ? [{ pid: Number(pid), name: programOf(args), bytes }] : [];
  });
}

/** `python3 -m vllm …` → `vllm`; `/usr/bin/foo --key SECRET` → `foo`: arguments may hold secrets. */
function programOf(args: string): string {
  const words = args.trim().split(/\s+/);
  const base = (text: string) => text.split("/").at(-1) ?? text;
  const first = base(words[0] ?? "?");
  if (!/^python[\d.]*$/.test(first)) return word(first) ?? "?";
  const at = words.findIndex((each, index) => index > 0 && (each === "-m" || !each.startsWith("-")));
  const script = at < 0 ? undefined : words[at] === "-m" ? words[at + 1] : words[at];
  return word(script === undefined ? first : base(script)) ?? "?";
}

/** Jiffies since boot, of all processors together; null when /proc/stat cannot be read. */
export function readCpu(
  output: string,
): { readonly busy: number; readonly total: number; readonly cores: number } | null {
  const line = /^cpu\s+((?:\d{1,18}\s*)+)$/m.exec(output)?.[1];
  if (line === undefined) return null;
  const fields = line.trim().split(/\s+/).map(Number);
  if (fields.length < 4 || !fields.every(Number.isFinite)) return null;
  // user nice system idle iowait irq softirq steal; what follows is in `user` already (proc_stat(5)).
  const total = fields.slice(0, 8).reduce((sum, value) => sum + value, 0);
  const idle = (fields[3] ?? 0) + (fields[4] ?? 0);
  return { busy: total - idle, total, cores: [...output.matchAll(/^cpu\d+\s/gm)].length };
}

/** Share of all processors between two readings, 0 to 100; null without two, or when the machine has started anew. */
export function cpuPercent(
  before: { readonly busy: number; readonly total: number } | null,
  now: { readonly busy: number; readonly total: number } | null,
): number | null {
  if (!before || !now || now.total <= before.total || now.busy < before.busy) return null;
  const share = ((now.busy - before.busy) / (now.total - before.total)) * 100;
  return Math.min(100, Math.round(share * 10) / 10);
}

/** Load of the last minute, from /proc/loadavg. */
export function readLoad(output: string): number | null {
  return within(/^(\d{1,7}(?:\.\d{1,4})?)\s/m.exec(output)?.[1], 0, 1e6);
}

/** Seconds since boot, from /proc/uptime. */
export function readUptime(output: string): number | null {
  return within(/^(\d{1,12}(?:\.\d{1,4})?)\s+\d/m.exec(output)?.[1], 0, 1e11);
}

export interface Disk {
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
}

/** From `df -Pk PATH` (POSIX); null when there is no such folder. */
export function readDisk(output: string): Disk | null {
  const fields = /^.*\s(\d{1,16})\s+(\d{1,16})\s+(\d{1,16})\s+\d+%\s+\/.*$/m.exec(output);
  if (!fields) return null;
  const [totalBytes = 0, usedBytes = 0, availableBytes = 0] = fields.slice(1).map((kib) => Number(kib) * BYTES_PER_KIB);
  return totalBytes > 0 && totalBytes <= MOST_BYTES ? { totalBytes, usedBytes, availableBytes } : null;
}

/** Total and available bytes, from /proc/meminfo. Unified memory: this is the GPU's, too. */
export function readMemory(output: string): { readonly totalBytes: number; readonly availableBytes: number } | null {
  const kib = (name: string) => within(new RegExp(`^${name}:\\s+(\\d{1,15}) kB`, "m").exec(output)?.[1], 0, MOST_BYTES);
  const [total, available] = [kib("MemTotal"), kib("MemAvailable")];
  if (total === null || available === null || total === 0 || total * BYTES_PER_KIB > MOST_BYTES) return null;
  return { totalBytes: total * BYTES_PER_KIB, availableBytes: Math.min(available, total) * BYTES_PER_KIB };
}

/** `[N/A]`, `[Not Supported]`, `ERR!` and whatever else is no number within the bounds: null. */
function within(text: string | undefined, least: number, most: number): number | null {
  if (text === undefined || !/^-?\d{1,18}(?:\.\d{1,6})?$/.test(text)) return null;
  const value = Number(text);
  return value >= least && value <= most ? value : null;
}

const LONGEST = 120;

/** Something to show: printable, of one line, not endless. */
function word(text: string | undefined): string | null {
  const clean = (text ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/g, "").trim();
  return clean === "" || /^\[.*\]$/.test(clean) ? null : clean.slice(0, LONGEST);
}
