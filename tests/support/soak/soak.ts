/** A soak: mixed traffic with swaps, clients that leave and an upstream that restarts, and what it leaves behind. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { random } from "../random.ts";
import { until } from "../until.ts";
import type { Look } from "./server.ts";
import { client, type Tally } from "./traffic.ts";

export interface SoakReport {
  readonly seconds: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly wrong: readonly string[];
  readonly swaps: number;
  /** MB a minute: a line through the memory of the process in the second half, by when caches and pools have filled. */
  readonly slopeMbPerMinute: number;
  /** At half-time and at the end, in MB. */
  readonly firstMb: number;
  readonly lastMb: number;
  /** Live objects of JavaScript a minute, in the same time. */
  readonly slopeObjectsPerMinute: number;
  /** Of the event loop's delay, the whole time long, in ms. */
  readonly loopP99Ms: number;
  /** Requests that are in flight, queued or held once everybody has gone. */
  readonly stuck: number;
}

const CLIENTS = 20;
/** Looks at the process in the second half; each one collects garbage, which stops it for a moment. */
const LOOKS = 20;

/** A process of this folder that is spoken to. */
async function startPart(file: string, dataDir: string) {
  let heard = Promise.withResolvers<unknown>();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file), dataDir], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "16384", NODE_ENV: "production" },
    ipc: (message) => heard.resolve(message),
    onExit: () => heard.reject(new Error(`${file} has ended`)),
  });
  const first = await heard.promise;
  return {
    first,
    ask(): Promise<unknown> {
      heard = Promise.withResolvers();
      child.send("look");
      return heard.promise;
    },
    async stop() {
      // Its end is no news from here on.
      heard.promise.catch(() => undefined);
      child.disconnect();
      await child.exited;
    },
  };
}

async function startServer() {
  const dataDir = mkdtempSync(join(tmpdir(), "spark-soak-"));
  const cluster = await startPart("cluster.ts", dataDir);
  const controller = await startPart("server.ts", dataDir);
  const { url } = controller.first as { readonly url: string };
  return {
    url,
    look: async () => (await controller.ask()) as Look,
    async stop() {
      await controller.stop();
      await cluster.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function valuesOf(text: string, name: string): number[] {
  return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))].map(([, value]) => Number(value));
}

/** Least squares. @param points x in minutes, y in what is asked for */
export function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, mb]) => mb))];
  const above = points.reduce((sum, [at, mb]) => sum + (at - x) * (mb - y), 0);
  return above / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
}

export async function soak(seconds: number, seed: number): Promise<SoakReport> {
  const server = await startServer();
  try {
    const began = Date.now();
    const end = began + seconds * 1000;
    const tally: Tally = { counts: new Map(), wrong: [] };
    const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
    const looks: (Look & { readonly minute: number })[] = [];
    const watch = async () => {
      const half = (seconds * 1000) / 2;
      for (let count = 0; count < LOOKS; count++) {
        await Bun.sleep(Math.max(0, began + half + (half * (count + 1)) / LOOKS - Date.now()));
        looks.push({ ...(await server.look()), minute: (Date.now() - began) / 60_000 });
      }
    };
    const clients = Array.from({ length: CLIENTS }, (_, index) =>
      client({ url: server.url, next: random(seed + index), tally }, end),
    );
    await Promise.all([watch(), ...clients]);
    const stuck = async () => {
      const text = await metrics();
      return ["in_flight", "queued", "held"]
        .flatMap((which) => valuesOf(text, `spark_gateway_requests_${which}`))
        .reduce((sum, value) => sum + value, 0);
    };
    await until("nothing is left", async () => (await stuck()) === 0).catch(() => undefined);
    const { swaps } = (await (await fetch(`${server.url}/api/swap?limit=200`)).json()) as { swaps: unknown[] };
    return {
      seconds,
      counts: tally.counts,
      wrong: tally.wrong,
      swaps: swaps.length,
      slopeMbPerMinute: slopeOf(looks.map(({ minute, residentMb }) => [minute, residentMb])),
      slopeObjectsPerMinute: slopeOf(looks.map(({ minute, objects }) => [minute, objects])),
      firstMb: looks[0]?.residentMb ?? Number.NaN,
      lastMb: looks.at(-1)?.residentMb ?? Number.NaN,
      loopP99Ms: looks.at(-1)?.loopP99Ms ?? Number.NaN,
      stuck: await stuck(),
    };
  } finally {
    await server.stop();
  }
}

export function soakTable(report: SoakReport): string {
  const total = [...report.counts.values()].reduce((sum, count) => sum + count, 0);
  return [
    `requests          ${total} in ${report.seconds} s, ${report.wrong.length} wrong, ${report.swaps} swaps`,
    ...[...report.counts].sort().map(([how, count]) => `  ${how.padEnd(20)}${count}`),
    `memory            ${report.firstMb.toFixed(0)} MB at half-time, ${report.lastMb.toFixed(0)} MB at the end, slope ${report.slopeMbPerMinute.toFixed(2)} MB and ${report.slopeObjectsPerMinute.toFixed(0)} objects a minute`,
    `event loop, p99   ${report.loopP99Ms.toFixed(1)} ms`,
    `left behind       ${report.stuck} requests in flight, queued or held`,
    ...report.wrong.map((what) => `WRONG             ${what}`),
  ].join("\n");
}
