/** Five hundred readers while a swap with a fast log runs: what the controller, as a process of its own, needs for them. */
import type { SwapJob } from "../../lib/swap/swap.ts";
import { StreamReader } from "../support/stream-readers.ts";
import { until } from "../support/until.ts";
import type { Bench } from "./bench.ts";
import { startController } from "./cluster.ts";
import type { Figure, Result } from "./figure.ts";
import { openLogSource } from "./log-source.ts";
import { cpuSeconds, residentMb } from "./process-figures.ts";

const READERS = 500;
const LINES = 20_000;
const SAMPLE_MS = 250;
const LIMIT_MS = 120_000;
const MEMORY = { below: 300 };
const CPU = { below: 30 };

export interface Kind {
  readonly name: string;
  readonly path: (job: SwapJob) => string;
  /** Number of the last line that a reader knows of. */
  readonly lastSeq: (reader: StreamReader) => number;
}

export const KINDS: readonly Kind[] = [
  {
    name: `${READERS} readers of /api/events`,
    path: () => "/api/events",
    lastSeq: ({ last }) => (JSON.parse(last.get("log") ?? '{"last_seq":0}') as { last_seq: number }).last_seq,
  },
  {
    name: `${READERS} readers of one log, /api/swap/{id}/stream`,
    path: ({ job_id }) => `/api/swap/${job_id}/stream`,
    lastSeq: ({ last }) => Number(/"seq":(\d+)(?!.*"seq":)/.exec((last.get("log") ?? "").slice(-2_000))?.[1] ?? 0),
  },
];

export const streams: Bench = {
  name: "streams",
  async run() {
    if (process.platform !== "linux") return [{ name: `${READERS} connected streams`, skipped: "needs Linux (/proc)" }];
    const results: Result[] = [];
    for (const kind of KINDS) results.push(...(await measure(kind)));
    return results;
  },
};

/** @returns figures with their bars */
export async function measure({ name, path, lastSeq }: Kind): Promise<Figure[]> {
  // Simulated on purpose: the Sparks are not what is measured, and their work stays in this process.
  const source = await openLogSource(null, LINES);
  const { controller, stop } = await startController(source.cluster, source.files);
  const { pid } = controller.process;
  const idle = residentMb(pid);
  const job = await controller.begin(source.model);
  const readers = Array.from({ length: READERS }, () => new StreamReader(controller.url, path(job)));
  try {
    await until("every reader has heard of the log", () => readers.every((reader) => lastSeq(reader) > 0), LIMIT_MS);
    const begun = { cpu: cpuSeconds(pid), at: performance.now(), bytes: bytesOf(readers) };
    const memory: number[] = [];
    const sampler = setInterval(() => memory.push(residentMb(pid)), SAMPLE_MS);
    await source.write();
    const seconds = (performance.now() - begun.at) / 1000;
    const cpu = ((cpuSeconds(pid) - begun.cpu) / seconds) * 100;
    clearInterval(sampler);
    await until(
      "every reader knows of the last line",
      () => readers.every((reader) => lastSeq(reader) >= LINES),
      LIMIT_MS,
    );
    const rate = (bytesOf(readers) - begun.bytes) / 1e6 / seconds;
    return [
      { name: `${name}: memory at most`, unit: "MB", values: [Math.max(...memory)], bar: MEMORY },
      { name: `${name}: of it before they came`, unit: "MB", values: [idle], bar: null },
      { name: `${name}: CPU, share of a core`, unit: "%", values: [cpu], bar: CPU },
      { name: `${name}: sent in a second`, unit: "MB", values: [rate], bar: null },
    ];
  } finally {
    for (const reader of readers) reader.close();
    await stop();
    await source.close();
  }
}

const bytesOf = (readers: readonly StreamReader[]) => readers.reduce((sum, { bytes }) => sum + bytes, 0);
