/** Files under /proc of a simulated host, in the kernel's formats. */
import { MEMORY_TOTAL_KB, type SimulatedSpark } from "./spark.ts";

function meminfo(spark: SimulatedSpark): string {
  const available = spark.memoryAvailableKb;
  const rows: readonly (readonly [string, number])[] = [
    ["MemTotal", MEMORY_TOTAL_KB],
    ["MemFree", Math.round(available * 0.9)],
    ["MemAvailable", available],
    ["Buffers", 310_244],
    ["Cached", 4_105_880],
    ["SwapCached", 0],
    ["SwapTotal", 16_777_212],
    ["SwapFree", 16_777_212],
  ];
  return rows.map(([name, kb]) => `${`${name}:`.padEnd(16)}${String(kb).padStart(9)} kB\n`).join("");
}

/** Jiffies a second (USER_HZ) and cores of a GB10. */
const HZ = 100;
const CORES = 20;

function upSeconds(spark: SimulatedSpark): number {
  return Math.max(0, (Date.now() - spark.bootedAt) / 1000);
}

const isBusy = (spark: SimulatedSpark): boolean => spark.processes.all().some(({ usesGpu }) => usesGpu);

/** Counted on between two looks with the load of the moment: what was before stays as it was. */
function stat(spark: SimulatedSpark): string {
  const jiffies = spark.cpu.read(upSeconds(spark), isBusy(spark) ? 0.22 : 0.03, CORES * HZ);
  const row = (name: string, share: number) => {
    const [busy, idle] = [jiffies.busy * share, jiffies.idle * share].map(Math.round);
    return `${name} ${busy} 0 0 ${idle} 0 0 0 0 0 0\n`;
  };
  const cores = Array.from({ length: CORES }, (_, index) => row(`cpu${index}`, 1 / CORES));
  return `${row("cpu ", 1)}${cores.join("")}btime ${Math.floor(spark.bootedAt / 1000)}\n`;
}

function loadavg(spark: SimulatedSpark): string {
  return isBusy(spark) ? "4.41 4.02 3.12 3/912 48213\n" : "0.42 0.37 0.31 1/804 48213\n";
}

function uptimeFile(spark: SimulatedSpark): string {
  const up = upSeconds(spark);
  return `${up.toFixed(2)} ${(up * CORES * 0.9).toFixed(2)}\n`;
}

/** Address bytes in the order of a little-endian machine. */
function hexAddress(address: string): string {
  const bytes = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return bytes.reverse().join("").toUpperCase();
}

const TCP_HEADER =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n";

function tcp(spark: SimulatedSpark): string {
  const rows = spark.listeningPorts().map((port, at) => {
    const local = `${hexAddress(spark.address)}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    const tail = "00000000:00000000 00:00000000 00000000  1000        0";
    return `${String(at).padStart(4)}: ${local} 00000000:0000 0A ${tail} ${40_000 + at} 1 0000000000000000 100 0 0 10 0\n`;
  });
  return TCP_HEADER + rows.join("");
}

const TCP6_HEADER =
  "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

/** Contents of the file; undefined when it is not one of these. */
export function procFile(spark: SimulatedSpark, path: string): string | undefined {
  switch (path) {
    case "/proc/meminfo":
      return meminfo(spark);
    case "/proc/stat":
      return stat(spark);
    case "/proc/loadavg":
      return loadavg(spark);
    case "/proc/uptime":
      return uptimeFile(spark);
    case "/proc/net/tcp":
      return tcp(spark);
    case "/proc/net/tcp6":
      return TCP6_HEADER;
    case "/proc/sys/kernel/random/boot_id":
      return `${spark.bootId}\n`;
    default:
      return undefined;
  }
}
