/** A soak: mixed traffic with swaps, clients that leave and an upstream that restarts, and what it leaves behind. */
import { join } from "node:path";
import { residentMb } from "../../bench/process-figures.ts";
import { random } from "../random.ts";
import { until } from "../until.ts";
import { client, type Tally } from "./traffic.ts";

export interface SoakReport {
  readonly seconds: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly wrong: readonly string[];
  readonly swaps: number;
  /** MB a minute: a line through the memory of the process, once it has warmed up. */
  readonly slopeMbPerMinute: number;
  readonly firstMb: number;
  readonly lastMb: number;
  /** Of the event loop's delay, the worst of all looks and the middle one, in ms. */
  readonly worstP99Ms: number;
  readonly middleP99Ms: number;
  /** Requests that are in flight, queued or held once everybody has gone. */
  readonly stuck: number;
}

const CLIENTS = 20;
const LOOK_MS = 1_000;
/** Part of the time in which caches and pools fill. */
const WARM_UP = 0.3;

async function startServer() {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "server.ts")], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "16384", NODE_ENV: "production" },
  });
  const { value } = await child.stdout.getReader().read();
  const { url } = JSON.parse(new TextDecoder().decode(value)) as { url: string };
  return {
    url,
    pid: child.pid,
    async stop() {
      child.stdin.end();
      await child.exited;
    },
  };
}

function valuesOf(text: string, name: string): number[] {
  return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))].map(([, value]) => Number(value));
}

/** Least squares. @param points x in minutes, y in MB */
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
    const memory: (readonly [number, number])[] = [];
    const delays: number[] = [];
    const watch = async () => {
      while (Date.now() < end) {
        await Bun.sleep(LOOK_MS);
        memory.push([(Date.now() - began) / 60_000, residentMb(server.pid)]);
        delays.push((valuesOf(await metrics(), "spark_nodejs_eventloop_lag_p99_seconds")[0] ?? 0) * 1000);
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
    const warm = memory.filter(([at]) => at * 60 > seconds * WARM_UP);
    const sorted = delays.toSorted((a, b) => a - b);
    return {
      seconds,
      counts: tally.counts,
      wrong: tally.wrong,
      swaps: swaps.length,
      slopeMbPerMinute: slopeOf(warm),
      firstMb: warm[0]?.[1] ?? 0,
      lastMb: warm.at(-1)?.[1] ?? 0,
      worstP99Ms: sorted.at(-1) ?? 0,
      middleP99Ms: sorted[Math.floor(sorted.length / 2)] ?? 0,
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
    `memory            ${report.firstMb.toFixed(0)} MB after the warm-up, ${report.lastMb.toFixed(0)} MB at the end, slope ${report.slopeMbPerMinute.toFixed(2)} MB a minute`,
    `event loop, p99   ${report.middleP99Ms.toFixed(1)} ms in the middle, ${report.worstP99Ms.toFixed(1)} ms at worst`,
    `left behind       ${report.stuck} requests in flight, queued or held`,
    ...report.wrong.map((what) => `WRONG             ${what}`),
  ].join("\n");
}
