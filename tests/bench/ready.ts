/** From the moment that a vLLM first answers to the moment that clients are told `ready`. */
import type { Bench } from "./bench.ts";
import { startController } from "./cluster.ts";
import { type WatchedSwap, watchSwap } from "./watched-swap.ts";

const ROUNDS = 7;

export const ready: Bench = {
  name: "ready",
  async run(context) {
    const cluster = await context.cluster();
    const { controller, stop } = await startController(cluster);
    try {
      const swaps: WatchedSwap[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const model = cluster.models[round % 2] ?? cluster.models[0];
        swaps.push(await watchSwap(controller, cluster.vllmUrl, model));
      }
      const since = (moment: "verifying" | "ready" | "streamed") => swaps.map((swap) => swap[moment] - swap.answered);
      return [
        { name: "first answer to ready, /api/events", unit: "ms", values: since("ready"), bar: { below: 300 } },
        { name: "first answer to ready, /api/swap/{id}/stream", unit: "ms", values: since("streamed"), bar: null },
        { name: "first answer to verifying", unit: "ms", values: since("verifying"), bar: null },
      ];
    } finally {
      await stop();
    }
  },
};
