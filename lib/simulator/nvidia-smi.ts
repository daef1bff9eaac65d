/** `nvidia-smi` on a GB10: unified memory, so everything about memory is `[N/A]`. */
import { type Program, sh } from "./invocation.ts";
import type { SimulatedSpark } from "./spark.ts";

const NOT_AVAILABLE = "[N/A]";

const MINUTE_MS = 60_000;

/** -1 to 1, slowly up and down, each Spark in its own time. */
function swing(spark: SimulatedSpark, minutes: number): number {
  return Math.sin(((Date.now() - spark.bootedAt) / (minutes * MINUTE_MS)) * 2 * Math.PI + spark.index);
}

function fields(spark: SimulatedSpark): Readonly<Record<string, string>> {
  const loaded = spark.processes.all().some(({ usesGpu }) => usesGpu);
  const busy = loaded ? 37 + 18 * swing(spark, 4) + 9 * swing(spark, 0.7) : 0;
  return {
    index: "0",
    name: "NVIDIA GB10",
    uuid: "GPU-00000000-0000-4000-8000-000000000000",
    driver_version: "580.95.05",
    compute_cap: "12.1",
    "utilization.gpu": String(Math.round(busy)),
    "utilization.memory": NOT_AVAILABLE,
    "temperature.gpu": String(Math.round((loaded ? 61 : 42) + 2 * swing(spark, 5))),
    "power.draw": (loaded ? 30 + busy / 4 : 4.62).toFixed(2),
    "power.limit": NOT_AVAILABLE,
    "fan.speed": NOT_AVAILABLE,
    "clocks.sm": loaded ? "2411" : "208",
    "clocks.mem": NOT_AVAILABLE,
    "clocks.gr": loaded ? "2411" : "208",
    "memory.total": NOT_AVAILABLE,
    "memory.used": NOT_AVAILABLE,
    "memory.free": NOT_AVAILABLE,
    pstate: "P0",
  };
}

const NO_DRIVER =
  "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.";
const DRIVER_FAILED = 9;

export const nvidiaSmi: Program = (call) => {
  if (call.spark.faults.pending("gpu_missing", call.spark.name)) {
    call.stdio.out(`${NO_DRIVER}\n\n`);
    return DRIVER_FAILED;
  }
  const option = (name: string) => call.argv.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const query = option("--query-gpu");
  if (query !== undefined) {
    const known = fields(call.spark);
    const asked = query.split(",").map((name) => name.trim());
    const unknown = asked.find((name) => known[name] === undefined);
    if (unknown !== undefined) {
      call.stdio.out(`Field "${unknown}" is not a valid field to query.\n\n`);
      return 2;
    }
    call.stdio.out(`${asked.map((name) => known[name]).join(", ")}\n`);
    return 0;
  }
  if (option("--query-compute-apps") === undefined) return sh(call, "nvidia-smi: only queries are simulated", 2);
  for (const { pid, argv, memoryKb, usesGpu } of call.spark.processes.all()) {
    if (usesGpu) call.stdio.out(`${pid}, ${argv[0] ?? ""}, ${Math.round(memoryKb / 1024)}\n`);
  }
  return 0;
};
