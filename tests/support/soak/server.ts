/**
 * The process that is soaked: the controller and nothing else. The argument is its folder. Sends its address, then for each message
 * how it is; ends when its parent is done with it.
 */
import { heapStats } from "bun:jsc";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { openController } from "../demo.ts";

export interface Look {
  readonly residentMb: number;
  /** Live objects of JavaScript. */
  readonly objects: number;
  /** Of the event loop's delay since the beginning. */
  readonly loopP99Ms: number;
}

const { plane, app, url } = await openController(process.argv[2]!);
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
process.on("message", () => {
  // What is left after a collection is held by somebody; without it the figure goes up and down by tens of MB.
  Bun.gc(true);
  const look: Look = {
    residentMb: process.memoryUsage.rss() / 2 ** 20,
    objects: heapStats().objectCount,
    loopP99Ms: delay.percentile(99) / 1e6,
  };
  process.send?.(look);
});
process.send?.({ url });
await new Promise<void>((resolve) => process.once("disconnect", () => resolve()));
await plane.close("test");
await app.stop(true);
process.exit(0);
