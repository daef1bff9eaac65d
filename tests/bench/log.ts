/** A log that grows by a thousand lines a second, followed by a client of `/api/swap/{id}/stream` to its end. */
import type { LogLine, SwapJob } from "../../lib/swap/swap.ts";
import type { Controller } from "../support/controller.ts";
import type { Bench } from "./bench.ts";
import { startController } from "./cluster.ts";
import { readEvents } from "./event-stream.ts";
import { openLogSource } from "./log-source.ts";
import { type ReceivedLine, readNumberedLines } from "./numbered-lines.ts";
import { cpuSeconds, residentMb } from "./process-figures.ts";
import { percentile } from "./statistics.ts";

const COUNT = 30_000;
const LIMIT_MS = 150_000;

export const log: Bench = {
  name: "log",
  async run(context) {
    if (process.platform !== "linux") return [{ name: "1,000 log lines a second", skipped: "needs Linux (/proc)" }];
    const source = await openLogSource(await context.lab(), COUNT);
    const { controller, stop } = await startController(source.cluster, source.files);
    try {
      const { pid } = controller.process;
      const before = { cpu: cpuSeconds(pid), memory: residentMb(pid), at: performance.now() };
      let most = before.memory;
      const [{ lines, job }] = await Promise.all([
        followSwap(controller, source.model, () => {
          most = Math.max(most, residentMb(pid));
        }),
        source.write(),
      ]);
      const seconds = (performance.now() - before.at) / 1000;
      const cpu = ((cpuSeconds(pid) - before.cpu) / seconds) * 100;
      if (lines.length < COUNT / 2) throw new Error(`the swap ended ${job.state}: ${job.reason}`);
      const { wrong, latencies, linesASecond } = readNumberedLines(lines, COUNT);
      return [
        { name: "log: lines written", unit: "lines/s", values: [linesASecond], bar: { atLeast: 990 } },
        { name: `log: of ${COUNT}, lost, doubled or misplaced`, unit: "lines", values: [wrong], bar: { atMost: 0 } },
        { name: "log: written to received, p50", unit: "ms", values: [percentile(latencies, 0.5)], bar: null },
        { name: "log: written to received, p99", unit: "ms", values: [percentile(latencies, 0.99)], bar: null },
        { name: "log: CPU of the controller, share of a core", unit: "%", values: [cpu], bar: null },
        { name: "log: most that the controller's memory grew", unit: "MB", values: [most - before.memory], bar: null },
      ];
    } finally {
      await stop();
      await source.close();
    }
  },
};

/** Starts a swap and reads its stream to the `end` event. @param onLines called after each batch of lines */
async function followSwap(controller: Controller, model: string, onLines: () => void) {
  const { job_id } = await controller.begin(model);
  const signal = AbortSignal.timeout(LIMIT_MS);
  const lines: ReceivedLine[] = [];
  for await (const { event, data, wallMs } of readEvents(`${controller.url}/api/swap/${job_id}/stream`, signal)) {
    if (event === "error") throw new Error(`the stream ended with ${JSON.stringify(data)}`);
    if (event === "end") return { lines, job: await controller.get<SwapJob>(`/api/swap/${job_id}`) };
    if (event !== "log") continue;
    for (const { line } of (data as { lines: LogLine[] }).lines) lines.push({ text: line, receivedMs: wallMs });
    onLines();
  }
  throw new Error("the stream stopped without an end event");
}
