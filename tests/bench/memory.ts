/** Resident memory of a controller that has nothing to do, before and after a swap. */
import type { Bench } from "./bench.ts";
import { startController } from "./cluster.ts";
import { residentMb } from "./process-figures.ts";

const ROUNDS = 3;
const IDLE_SECONDS = 60;
const SETTLE_SECONDS = 10;
const BAR = { below: 150 };

export const memory: Bench = {
  name: "memory",
  async run(context) {
    if (process.platform !== "linux") return [{ name: "idle memory", skipped: "needs Linux (/proc)" }];
    const cluster = await context.cluster();
    // Side by side: none of them has anything to do, and the minute has to be waited for once only.
    const started = await Promise.all(Array.from({ length: ROUNDS }, () => startController(cluster)));
    try {
      await Bun.sleep(IDLE_SECONDS * 1000);
      const idle = started.map(({ controller }) => residentMb(controller.process.pid));
      const controller = started[0]!.controller;
      const job = await controller.swap(cluster.models[0]);
      if (job.state !== "ready") throw new Error(`the swap ended ${job.state}: ${job.reason}`);
      await Bun.sleep(SETTLE_SECONDS * 1000);
      const after = residentMb(controller.process.pid);
      return [
        { name: `memory, idle for ${IDLE_SECONDS} s`, unit: "MB", values: idle, bar: BAR },
        { name: "memory, idle after a swap", unit: "MB", values: [after], bar: BAR },
      ];
    } finally {
      await Promise.all(started.map(({ stop }) => stop()));
    }
  },
};
