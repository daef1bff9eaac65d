/** What the gateway adds, as a ratio to nginx on the same machine: direct, nginx and ours by turns. */
import { join } from "node:path";
import { Controller, makeDataDir } from "../support/controller.ts";
import { until } from "../support/until.ts";
import type { Bench } from "./bench.ts";
import type { Result } from "./figure.ts";
import { fairness, LIMITED, overload } from "./gateway/limited.ts";
import { postOf, runLoad } from "./gateway/load.ts";
import { nginxPath, startNginx } from "./gateway/nginx.ts";
import { cpuSeconds, residentMb } from "./process-figures.ts";
import { percentile } from "./statistics.ts";

/** As the scripts of package.json set it: Bun makes no more than 256 requests at a time unless told otherwise. */
const SERVER_ENV = { BUN_CONFIG_MAX_HTTP_REQUESTS: "16384" };
const ROUNDS = 5;
const FOR_MS = 1_500;
/** Until what runs all day is compiled: after a second our figures still rise by a fifth. */
const WARM_UP_MS = 6_000;
const STREAMS_OPEN = 1_000;
const MIB = 1024 * 1024;
/** Almost the most that a route takes, and what a route without the cap is given. */
const UPLOAD_BYTES = 190 * MIB;
const LARGE_BYTES = 500 * MIB;
const WARM_UP_BYTES = 16 * MIB;

const CHAT = '{"model":"bench","messages":[{"role":"user","content":"Say something short."}]}';
const JSON_POST = postOf("/v1/chat/completions", CHAT);
const EVENTS_POST = postOf("/v1/chat/completions", CHAT.replace(/}$/, ',"stream":true}'));
const IDLE_POST = postOf("/v1/chat/completions", CHAT.replace(/}$/, ',"idle":true}'));

export const gateway: Bench = {
  name: "gateway",
  async run() {
    const path = nginxPath();
    if (path === null) return [{ name: "gateway against nginx", skipped: "needs nginx (Debian: nginx-light)" }];
    const upstream = await startPart("upstream.ts");
    const uncapped = await startPart("uncapped.ts", String(upstream.port));
    const nginx = await startNginx(path, upstream.port);
    const ours = await startOurs(upstream.port);
    const limited = await startOurs(upstream.port, LIMITED);
    try {
      return [
        ...(await compare([
          { port: upstream.port, pids: [] },
          { port: nginx.port, pids: nginx.workers },
          { port: ours.port, pids: [ours.pid] },
        ])),
        ...(await firstByte([upstream.port, ours.port])),
        ...(await openStreams(ours)),
        ...(await upload(ours, UPLOAD_BYTES)),
        ...(await upload(uncapped, LARGE_BYTES)),
        ...(await overload(limited.port)),
        ...(await fairness(limited.port)),
      ];
    } finally {
      await limited.stop();
      await ours.stop();
      await nginx.stop();
      await uncapped.stop();
      await upstream.stop();
    }
  },
};

/** A process of the bench's own, which prints its port. */
async function startPart(file: string, ...args: string[]) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "gateway", file), ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  return {
    port: Number(new TextDecoder().decode(value).trim()),
    pid: child.pid,
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

/** The server as people run it. Its Spark does not answer over SSH; the vLLM there is seen over HTTP, and that suffices. */
async function startOurs(port: number, settings = "gateway_chat_in_flight: 2000") {
  const { dataDir, remove } = makeDataDir({
    "topology.yaml": `nodes: [{ name: spark-1, host: 127.0.0.1, user: nobody, ssh_port: 1 }]\nslots: [{ name: main, nodes: [spark-1], port: ${port} }]\nsettings: { ${settings} }\n`,
    "services-overrides.yaml": `services: { parakeet: { kind: asr, host: 127.0.0.1, port: ${port} } }\n`,
  });
  const controller = await Controller.start({
    dataDir,
    env: { NODE_ENV: "production", LOG_LEVEL: "warn", ...SERVER_ENV },
  });
  await until("the slot serves", async () => {
    const { slots } = await controller.get<{ slots: { state: string }[] }>("/api/status");
    return slots[0]?.state === "serving";
  });
  return {
    port: Number(new URL(controller.url).port),
    pid: controller.process.pid,
    async stop() {
      await controller.stop();
      remove();
    },
  };
}

interface Way {
  readonly port: number;
  /** Processes whose CPU time is the proxy's. */
  readonly pids: readonly number[];
}

/** CPU time is what a busy machine does not distort: the ratio of it stands beside the ratio of requests a second. */
async function compare(ways: readonly [Way, Way, Way]): Promise<Result[]> {
  const results: Result[] = [];
  for (const { what, request, connections, bar } of [
    { what: "JSON POST, c=32", request: JSON_POST, connections: 32, bar: 0.35 },
    { what: "200 events, c=16", request: EVENTS_POST, connections: 16, bar: 0.85 },
  ]) {
    for (const { port } of ways) await runLoad({ port, connections, request, forMs: WARM_UP_MS });
    const perSecond: number[][] = ways.map(() => []);
    const cpuMs: number[][] = ways.map(() => []);
    for (let round = 0; round < ROUNDS; round++)
      for (const [index, { port, pids }] of ways.entries()) {
        const used = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
        const before = used();
        const measured = await runLoad({ port, connections, request, forMs: FOR_MS });
        const count = measured.statuses.get(200) ?? 0;
        if (measured.statuses.size !== 1 || count === 0)
          throw new Error(`${what}: statuses ${JSON.stringify([...measured.statuses])}`);
        perSecond[index]!.push(measured.perSecond);
        cpuMs[index]!.push(((used() - before) * 1000) / count);
      }
    const [direct, nginx, ours] = perSecond as [number[], number[], number[]];
    const [, nginxCpu, oursCpu] = cpuMs as [number[], number[], number[]];
    const ratio = (of: readonly number[], to: readonly number[]) => of.map((value, round) => value / to[round]!);
    results.push(
      { name: `${what}: direct`, unit: "/s", values: direct, bar: null },
      { name: `${what}: nginx`, unit: "/s", values: nginx, bar: null },
      { name: `${what}: ours`, unit: "/s", values: ours, bar: null },
      { name: `${what}: ours to nginx`, unit: "×", values: ratio(ours, nginx), bar: { atLeast: bar } },
      { name: `${what}: CPU of nginx for one`, unit: "ms", values: nginxCpu, bar: null },
      { name: `${what}: CPU of ours for one`, unit: "ms", values: oursCpu, bar: null },
      { name: `${what}: CPU of nginx to ours`, unit: "×", values: ratio(nginxCpu, oursCpu), bar: null },
    );
  }
  return results;
}

async function firstByte(ports: readonly [number, number]): Promise<Result[]> {
  const p50: number[] = [];
  const p99: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [direct, ours] = [
      await runLoad({ port: ports[0], connections: 1, request: JSON_POST, forMs: FOR_MS }),
      await runLoad({ port: ports[1], connections: 1, request: JSON_POST, forMs: FOR_MS }),
    ];
    p50.push(percentile(ours.firstByteMs, 0.5) - percentile(direct.firstByteMs, 0.5));
    p99.push(percentile(ours.firstByteMs, 0.99) - percentile(direct.firstByteMs, 0.99));
  }
  return [
    { name: "added to the first byte, c=1, p50", unit: "ms", values: p50, bar: { below: 0.5 } },
    { name: "added to the first byte, c=1, p99", unit: "ms", values: p99, bar: { below: 2 } },
  ];
}

/** Streams that are open and say nothing. */
async function openStreams({ port, pid }: { readonly port: number; readonly pid: number }): Promise<Result[]> {
  const before = residentMb(pid);
  let open = 0;
  const sockets = await Promise.all(
    Array.from({ length: STREAMS_OPEN }, () =>
      Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: {
          open: (socket) => void socket.write(IDLE_POST),
          data: (_, data) => {
            if (data.includes("text/event-stream")) open++;
          },
        },
      }),
    ),
  );
  await until("every stream is open", () => open === STREAMS_OPEN, 30_000);
  const grown = residentMb(pid) - before;
  for (const socket of sockets) socket.terminate();
  return [{ name: `${STREAMS_OPEN} open streams: memory grows by`, unit: "MB", values: [grown], bar: { below: 100 } }];
}

async function upload({ port, pid }: { readonly port: number; readonly pid: number }, size: number): Promise<Result[]> {
  // The first one pays for what a process makes once.
  await send(port, WARM_UP_BYTES);
  const before = residentMb(pid);
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, residentMb(pid));
  }, 20);
  await send(port, size);
  clearInterval(watch);
  const name = `upload of ${size / MIB} MiB in chunks: memory grows by`;
  return [{ name, unit: "MB", values: [most - before], bar: { below: 60 } }];
}

async function send(port: number, size: number): Promise<void> {
  const piece = new Uint8Array(256 * 1024);
  let left = size / piece.length;
  const body = new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(piece);
      else controller.close();
    },
  });
  const answer = await fetch(`http://127.0.0.1:${port}/v1/audio/transcriptions`, { method: "POST", body });
  const { bytes } = (await answer.json()) as { bytes: number };
  if (bytes !== size) throw new Error(`${bytes} of ${size} bytes arrived`);
}
