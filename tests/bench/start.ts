/** From the start of the process to its first answer. */
import { createServer } from "node:net";
import { join } from "node:path";
import { Controller, makeDataDir } from "../support/controller.ts";
import type { Bench } from "./bench.ts";
import type { Figure } from "./figure.ts";
import { writePastSwaps } from "./past-swaps.ts";

const ROUNDS = 11;
const PAST_SWAPS = 20;
const BETWEEN_QUESTIONS_MS = 3;
const LIMIT_MS = 20_000;
const BAR = { below: 500 };

export const start: Bench = {
  name: "start",
  async run(context) {
    const cluster = await context.cluster();
    const data = makeDataDir(cluster.files);
    try {
      writePastSwaps(data.dataDir, PAST_SWAPS);
      writePastSwaps(join(data.dataDir, "simulated"), PAST_SWAPS);
      const figures: Figure[] = [];
      for (const [name, args] of [
        ["start to first /health", []],
        ["start --simulated to first /health", ["--simulated"]],
      ] as const) {
        const once = () => untilHealthy(data.dataDir, args, cluster.env);
        // Once unmeasured: the first start after a build reads the program from the disk.
        await once();
        const values: number[] = [];
        for (let round = 0; round < ROUNDS; round++) values.push(await once());
        figures.push({ name, unit: "ms", values, bar: BAR });
      }
      return figures;
    } finally {
      data.remove();
    }
  },
};

/** @returns milliseconds from the spawn to the first 200 of `/health` */
async function untilHealthy(
  dataDir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const port = await freePort();
  const begun = performance.now();
  const starting = Controller.start({ dataDir, arguments: args, env: { ...env, PORT: String(port) } });
  const [started, healthy] = await Promise.allSettled([starting, firstHealthy(`http://127.0.0.1:${port}/health`)]);
  if (started.status === "rejected") throw started.reason;
  await started.value.stop();
  if (healthy.status === "rejected") throw healthy.reason;
  return healthy.value - begun;
}

/** @returns `performance.now()` of the first 200 */
async function firstHealthy(url: string): Promise<number> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  while (true) {
    const answer = await fetch(url, { signal }).catch(() => null);
    if (answer?.status === 200) return performance.now();
    signal.throwIfAborted();
    await Bun.sleep(BETWEEN_QUESTIONS_MS);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
