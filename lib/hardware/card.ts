/** The card of one Spark: what is shown of its hardware. Every field may be missing. */
import { type Static, Type } from "@sinclair/typebox";
import { Nullable } from "../schema.ts";
import { readInterfaces, vpnAddress } from "../spark/interfaces.ts";
import {
  cpuPercent,
  type GpuProcess,
  readCpu,
  readDisk,
  readGpu,
  readGpuProcesses,
  readLoad,
  readMemory,
  readProcesses,
  readUptime,
} from "./parse.ts";
import type { Answers } from "./questions.ts";

const MOST_PROCESSES = 8;
/** What a system process takes is not worth a line. */
const LEAST_BYTES = 200 * 1024 * 1024;

const MaybeNumber = (description: string) => Nullable(Type.Number(), { description });
const MaybeText = (description: string) => Nullable(Type.String(), { description });

export const HardwareCardSchema = Type.Object(
  {
    name: Type.String(),
    /** ISO 8601. */
    at: MaybeText("When it was asked; null: not yet"),
    problem: MaybeText("Why it could not be asked; what was seen before is shown on"),
    gpu: Nullable(
      Type.Object({
        name: MaybeText("Such as NVIDIA GB10"),
        driver: MaybeText("Version of the driver"),
        percent: MaybeNumber("Use, 0 to 100"),
        celsius: MaybeNumber("Temperature"),
        watts: MaybeNumber("Power that it draws"),
        power_limit_watts: MaybeNumber("Null on a GB10"),
        sm_mhz: MaybeNumber("Clock of the processors"),
        memory_mhz: MaybeNumber("Null on a GB10"),
        pstate: MaybeText("Performance state, such as P0"),
      }),
      { description: "Null when nvidia-smi does not tell" },
    ),
    memory: Nullable(Type.Object({ total_bytes: Type.Number(), available_bytes: Type.Number() }), {
      description: "Unified: processors and GPU share it",
    }),
    processes: Type.Array(
      Type.Object({
        pid: Type.Integer(),
        name: Type.String(),
        gpu_bytes: MaybeNumber("What it holds through the GPU"),
        resident_bytes: MaybeNumber("What it holds otherwise"),
      }),
      { description: "Those that take most of the memory, largest first" },
    ),
    cpu: Type.Object({
      percent: MaybeNumber("Of all cores since the last look, 0 to 100; null at the first"),
      cores: Nullable(Type.Integer()),
      load: MaybeNumber("Load average of the last minute"),
    }),
    disk: Nullable(
      Type.Object({ total_bytes: Type.Number(), used_bytes: Type.Number(), available_bytes: Type.Number() }),
      { description: "The one with the model cache" },
    ),
    uptime_seconds: MaybeNumber("Since it was started"),
    vpn_address: MaybeText("Its address in a WireGuard network"),
  },
  { title: "HardwareCard" },
);
export type HardwareCard = Static<typeof HardwareCardSchema>;

export type CpuReading = ReturnType<typeof readCpu>;

/** Before it was asked for the first time. */
export function emptyCard(name: string, problem: string | null = null): HardwareCard {
  return {
    name,
    at: null,
    problem,
    gpu: null,
    memory: null,
    processes: [],
    cpu: { percent: null, cores: null, load: null },
    disk: null,
    uptime_seconds: null,
    vpn_address: null,
  };
}

/** Never throws, whatever the answers. @param before the processors at the last look */
export function cardOf(
  name: string,
  at: string,
  answers: Answers,
  before: CpuReading,
): { readonly card: HardwareCard; readonly cpu: CpuReading } {
  const gpu = readGpu(answers.gpu);
  const memory = readMemory(answers.memory);
  const cpu = readCpu(answers.cpu);
  const disk = readDisk(answers.cacheDisk) ?? readDisk(answers.homeDisk);
  const json = readInterfaces(answers.interfaces);
  const interfaces = json.length > 0 ? json : readInterfaces(answers.interfacesText);
  const card: HardwareCard = {
    name,
    at,
    problem: null,
    gpu: gpu && {
      name: gpu.name,
      driver: gpu.driver,
      percent: gpu.percent,
      celsius: gpu.celsius,
      watts: gpu.watts,
      power_limit_watts: gpu.powerLimitWatts,
      sm_mhz: gpu.smMhz,
      memory_mhz: gpu.memoryMhz,
      pstate: gpu.pstate,
    },
    memory: memory && { total_bytes: memory.totalBytes, available_bytes: memory.availableBytes },
    processes: largest(readGpuProcesses(answers.gpuProcesses), answers.processes),
    cpu: {
      percent: cpuPercent(before, cpu),
      cores: cpu && cpu.cores > 0 ? cpu.cores : null,
      load: readLoad(answers.load),
    },
    disk: disk && { total_bytes: disk.totalBytes, used_bytes: disk.usedBytes, available_bytes: disk.availableBytes },
    uptime_seconds: readUptime(answers.uptime),
    vpn_address: vpnAddress(interfaces),
  };
  return { card, cpu };
}

/** A process that holds memory through the GPU shows it there only: its resident memory is told beside it. */
function largest(onGpu: readonly GpuProcess[], ps: string): HardwareCard["processes"] {
  const resident = new Map(readProcesses(ps).map((process) => [process.pid, process]));
  const all = new Map<number, HardwareCard["processes"][number]>();
  for (const { pid, name, bytes } of resident.values())
    all.set(pid, { pid, name, gpu_bytes: null, resident_bytes: bytes });
  for (const { pid, name, bytes } of onGpu) {
    const known = all.get(pid);
    const shown = name === "?" ? (known?.name ?? name) : (name.split("/").at(-1) ?? name);
    all.set(pid, { pid, name: shown || "?", gpu_bytes: bytes, resident_bytes: known?.resident_bytes ?? null });
  }
  const size = (one: HardwareCard["processes"][number]) => (one.gpu_bytes ?? 0) + (one.resident_bytes ?? 0);
  const isOnGpu = new Set(onGpu.map(({ pid }) => pid));
  return [...all.values()]
    .filter((one) => isOnGpu.has(one.pid) || size(one) >= LEAST_BYTES)
    .sort((a, b) => size(b) - size(a) || a.pid - b.pid)
    .slice(0, MOST_PROCESSES);
}
