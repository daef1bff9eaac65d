/** Reserving and releasing over HTTP, each a durable write, beside the same route without one. */
import { Controller, makeDataDir } from "../support/controller.ts";
import type { Bench } from "./bench.ts";
import type { Figure } from "./figure.ts";
import { percentile } from "./statistics.ts";

/** Pairs of acquire and release, and looks, of one client. */
const ALONE = 500;
/** The same of many together; what is refused meanwhile is not counted. */
const TOGETHER = 300;
const CLIENTS = 32;
const BAR = { below: 10 };

interface Times {
  readonly acquire: number[];
  readonly release: number[];
  readonly look: number[];
}

export const lock: Bench = {
  name: "lock",
  async run() {
    const data = makeDataDir();
    const controller = await Controller.start({ dataDir: data.dataDir, env: { LOG_LEVEL: "error" } });
    try {
      // Once unmeasured: the first requests compile the routes.
      await measure(controller.url, 1, ALONE / 10);
      const alone = await measure(controller.url, 1, ALONE);
      const together = await measure(controller.url, CLIENTS, TOGETHER);
      return [...figures(alone, "1 client", BAR), ...figures(together, `${CLIENTS} clients`, null)];
    } finally {
      await controller.stop();
      data.remove();
    }
  },
};

function figures(times: Times, who: string, bar: Figure["bar"]): Figure[] {
  const of = (name: string, values: readonly number[], limit: Figure["bar"]): Figure[] => [
    { name: `lock: ${name}, ${who}, p50`, unit: "ms", values: [percentile(values, 0.5)], bar: null },
    { name: `lock: ${name}, ${who}, p99`, unit: "ms", values: [percentile(values, 0.99)], bar: limit },
  ];
  return [
    ...of("acquire", times.acquire, bar),
    ...of("release", times.release, bar),
    ...of("look, no write", times.look, null),
  ];
}

async function measure(url: string, clients: number, pairs: number): Promise<Times> {
  const times: Times = { acquire: [], release: [], look: [] };
  const path = `${url}/api/swap/lock`;
  const body = JSON.stringify({ holder: "bench" });
  const headers = { "content-type": "application/json" };
  const timed = async (kept: number[], init: RequestInit) => {
    const began = performance.now();
    const answer = await fetch(path, init);
    const told = (await answer.json()) as { token?: string };
    if (answer.status === 200) kept.push(performance.now() - began);
    return told.token;
  };
  const client = async () => {
    while (times.release.length < pairs) {
      const token = await timed(times.acquire, { method: "POST", headers, body });
      if (token) await timed(times.release, { method: "DELETE", headers: { "x-swap-lock-token": token } });
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const looker = async () => {
    while (times.look.length < pairs) await timed(times.look, {});
  };
  await Promise.all(Array.from({ length: clients }, looker));
  return times;
}
