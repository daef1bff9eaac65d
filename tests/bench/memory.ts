/** Resident memory of a controller that has nothing to do, before and after a swap. */
import type { Bench } from "./bench.ts";
import { startController } from "./cluster.ts";
import { residentMb } from "./process-figures.ts";

const IDLE_SECONDS = 60;
const SETTLE_SECONDS = 10;
const BAR = { below: 150 };

export const memory: Bench = {
  name: "memory",
  async run(context) {
    if (process.platform !== "linux") return [{ name: "idle memory", skipped: "needs Linux (/proc)" }];
    const cluster = await context.cluster();
    const { controller, stop } = await startController(cluster);
    try {
      const { pid } = controller.process;
      await Bun.sleep(IDLE_SECONDS * 1000);
      const idle = residentMb(pid);
      const job = await controller.swap(cluster.models[0]);
      if (job.state !== "ready") throw new Error(`the swap ended ${job.state}: ${job.reason}`);
      await Bun.sleep(SETTLE_SECONDS * 1000);
      return [
        { name: `memory, idle for ${IDLE_SECONDS} s`, unit: "MB", values: [idle], bar: BAR },
        { name: "memory, idle after a swap", unit: "MB", values: [residentMb(pid)], bar: BAR },
      ];
    } finally {
      await stop();
    }
  },
};
