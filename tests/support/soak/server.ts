/**
 * The process that is soaked: the product on a simulated cluster, held requests on, and a service for embeddings that goes away
 * and comes back all the time. Sends its address, then for each message how it is; ends when its parent is done with it.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { startDemo } from "../demo.ts";

export interface Look {
  readonly residentMb: number;
  /** Of the event loop's delay since the beginning. */
  readonly loopP99Ms: number;
}

const UP_MS = 3_000;
const DOWN_MS = 1_000;
const DWELL_SECONDS = 4;

function listen(port: number): Bun.Server<undefined> {
  return Bun.serve({
    port,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      // It goes away in the middle of requests too: what is left of one is not worth a line.
      const body = (await request.json().catch(() => null)) as { readonly input: string | readonly string[] } | null;
      if (body === null) return new Response(null, { status: 400 });
      // The deep check asks with a single one.
      const input = [body.input].flat();
      const data = input.map((text, index) => ({ object: "embedding", index, embedding: [text.length] }));
      return Response.json({ object: "list", data });
    },
  });
}

let flaky = listen(0);
const port = flaky.port!;
const demo = await startDemo({
  topology: (yaml) => `${yaml}\nsettings: { gateway_routing: hold, gateway_dwell_seconds: ${DWELL_SECONDS} }\n`,
  serviceFile: (yaml) => yaml.replace(/^ {2}embeddings:\n(?: {4}.*\n?)+/m, flakyService),
});
function flakyService(): string {
  return `  embeddings: { kind: embeddings, host: 127.0.0.1, port: ${port} }\n`;
}

let isOver = false;
async function restarts(): Promise<void> {
  while (!isOver) {
    await Bun.sleep(UP_MS);
    // Its end may take as long as its connections; it listens no more at once.
    void flaky.stop(true);
    await Bun.sleep(DOWN_MS);
    flaky = listen(port);
  }
}
void restarts();
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
process.on("message", () => {
  // What is left after a collection is held by somebody; without it the figure goes up and down by tens of MB.
  Bun.gc(true);
  const look: Look = { residentMb: process.memoryUsage.rss() / 2 ** 20, loopP99Ms: delay.percentile(99) / 1e6 };
  process.send?.(look);
});
process.send?.({ url: demo.url });
await new Promise<void>((resolve) => process.once("disconnect", () => resolve()));
isOver = true;
await demo.close();
process.exit(0);
