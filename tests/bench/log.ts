/** A log that grows by a thousand lines a second, followed by a client of `/api/swap/{id}/stream` to its end. */
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { SwapJob } from "../../lib/swap/swap.ts";
import type { Controller } from "../support/controller.ts";
import type { Bench } from "./bench.ts";
import { type LabCluster, startController } from "./cluster.ts";
import { readEvents } from "./event-stream.ts";
import { readNumberedLines } from "./numbered-lines.ts";
import { cpuSeconds, peakMb, residentMb } from "./process-figures.ts";
import { percentile } from "./statistics.ts";

/** As in numbered-lines/launch-cluster.sh. */
const COUNT = 30_000;
const LIMIT_MS = 120_000;
const FOLDER = "numbered-lines";
const SCRIPT = "launch-cluster.sh";

export const log: Bench = {
  name: "log",
  async run(context) {
    const cluster = await context.lab();
    if (!cluster) return [{ name: "1,000 log lines a second", skipped: `no lab: ${context.noLab}` }];
    const { controller, stop } = await startController(cluster, { "topology.yaml": await topologyWithScript(cluster) });
    try {
      const { pid } = controller.process;
      const before = { cpu: cpuSeconds(pid), memory: residentMb(pid), at: performance.now() };
      const { lines, job } = await followSwap(controller, cluster.models[0]);
      const seconds = (performance.now() - before.at) / 1000;
      const { wrong, latencies, linesASecond } = readNumberedLines(lines, COUNT);
      const cpu = ((cpuSeconds(pid) - before.cpu) / seconds) * 100;
      const growth = peakMb(pid) - before.memory;
      if (job.failure?.code === undefined) throw new Error(`the swap ended ${job.state}, not as the script did`);
      return [
        { name: "log: lines written", unit: "lines/s", values: [linesASecond], bar: { atLeast: 990 } },
        { name: `log: of ${COUNT}, lost, doubled or misplaced`, unit: "lines", values: [wrong], bar: { atMost: 0 } },
        { name: "log: written to received, p50", unit: "ms", values: [percentile(latencies, 0.5)], bar: null },
        { name: "log: written to received, p99", unit: "ms", values: [percentile(latencies, 0.99)], bar: null },
        { name: "log: CPU of the controller, share of a core", unit: "%", values: [cpu], bar: null },
        { name: "log: growth of the controller's memory at its peak", unit: "MB", values: [growth], bar: null },
      ];
    } finally {
      await stop();
    }
  },
};

/** Puts the script that logs beside the lab's own and points the topology at it. */
async function topologyWithScript({ lab, files }: LabCluster): Promise<string> {
  const folder = lab.head.homeFile(FOLDER);
  await mkdir(folder, { recursive: true });
  await Bun.write(join(folder, SCRIPT), Bun.file(join(import.meta.dir, FOLDER, SCRIPT)));
  await chmod(join(folder, SCRIPT), 0o755);
  return (files["topology.yaml"] ?? "").replaceAll("~/spark-vllm-docker", `~/${FOLDER}`);
}

interface Line {
  readonly text: string;
  /** Unix milliseconds. */
  readonly receivedMs: number;
}

/** Starts a swap and reads its stream to the `end` event. */
async function followSwap(controller: Controller, model: string): Promise<{ lines: Line[]; job: SwapJob }> {
  const { job_id } = await controller.begin(model);
  const signal = AbortSignal.timeout(LIMIT_MS);
  const lines: Line[] = [];
  for await (const { event, data, wallMs } of readEvents(`${controller.url}/api/swap/${job_id}/stream`, signal)) {
    if (event === "error") throw new Error(`the stream ended with ${JSON.stringify(data)}`);
    if (event === "end") return { lines, job: await controller.get<SwapJob>(`/api/swap/${job_id}`) };
    if (event !== "log") continue;
    for (const { line } of (data as { lines: { line: string }[] }).lines)
      lines.push({ text: line, receivedMs: wallMs });
  }
  throw new Error("the stream stopped without an end event");
}
