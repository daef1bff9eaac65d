/** Where the numbered lines come from: a launch script in the lab, or this process, into a simulated launch's log. */
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type BenchCluster, type LabCluster, openSimulatedCluster } from "./cluster.ts";

const LINES_A_SECOND = 1_000;
const FOLDER = "numbered-lines";
const SCRIPT = "launch-cluster.sh";
/** The simulated model then loads for nearly a minute: longer than the lines take. */
const SIMULATOR_SPEED = 4;
const SLOW_MODEL = "gpt-oss-120b";
const LAUNCH_LIMIT_MS = 30_000;
const BETWEEN_BATCHES_MS = 5;

export interface LogSource {
  readonly cluster: BenchCluster;
  /** Files of DATA_DIR in place of the cluster's. */
  readonly files: Readonly<Record<string, string>>;
  /** Its swap is the one whose log grows. */
  readonly model: string;
  /** Writes once that swap has launched, where nobody else does. */
  write(): Promise<void>;
  /** Ends what was opened for this source alone. */
  close(): Promise<void>;
}

/** @param lab null: a simulated cluster of its own */
export async function openLogSource(lab: LabCluster | null, count: number): Promise<LogSource> {
  if (!lab) return simulatedSource(count);
  return {
    cluster: lab,
    files: { "topology.yaml": await topologyWithScript(lab, count) },
    model: lab.models[0],
    write: async () => undefined,
    close: async () => undefined,
  };
}

/** Puts the script that logs beside the lab's own and points the topology at it. */
async function topologyWithScript({ lab, files }: LabCluster, count: number): Promise<string> {
  const folder = lab.head.homeFile(FOLDER);
  const text = await Bun.file(join(import.meta.dir, FOLDER, SCRIPT)).text();
  await mkdir(folder, { recursive: true });
  await Bun.write(join(folder, SCRIPT), text);
  await Bun.write(join(folder, "figures"), `COUNT=${count} RATE=${LINES_A_SECOND}\n`);
  await chmod(join(folder, SCRIPT), 0o755);
  return (files["topology.yaml"] ?? "").replaceAll("~/spark-vllm-docker", `~/${FOLDER}`);
}

async function simulatedSource(count: number): Promise<LogSource> {
  const cluster = await openSimulatedCluster(SIMULATOR_SPEED);
  const { simulator } = cluster;
  const launch = () => simulator.nodes[0]?.jobs.newestFirst().find(({ argv }) => argv.includes("exec"));
  return {
    cluster,
    files: {},
    model: SLOW_MODEL,
    async write() {
      await simulator.until(() => launch()?.process != null, LAUNCH_LIMIT_MS);
      const begun = performance.now();
      for (let number = 1; number <= count; ) {
        const due = Math.min(count, Math.floor(((performance.now() - begun) * LINES_A_SECOND) / 1000));
        for (; number <= due; number++) launch()?.log.append(`line ${String(number).padStart(6, "0")} ${Date.now()}\n`);
        await Bun.sleep(BETWEEN_BATCHES_MS);
      }
    },
    close: () => cluster.close(),
  };
}
