/** How much memory a large body takes on its way through, and what a slow reader costs: the server is a process of its own. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { residentMb } from "../bench/process-figures.ts";
import { Controller, makeDataDir } from "../support/controller.ts";
import { requirement } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
const MOST_GROWTH_MB = 90;
const START_LIMIT_MS = 30_000;
const describeLinux = requirement("memory of processes", process.platform === "linux", "needs /proc");

let upstream: Bun.Subprocess<"ignore", "pipe", "inherit">;
let talker: Server;
let controller: Controller;
let remove: () => void;
/** Bytes that the endless upstream could hand over. */
let spoken = 0;

beforeAll(async () => {
  upstream = Bun.spawn([process.execPath, join(import.meta.dir, "../bench/gateway/upstream.ts")], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await upstream.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value).trim());
  talker = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: audio/pcm\r\ncontent-length: 1000000000\r\n\r\n");
      const piece = Buffer.alloc(MIB);
      const speak = () => {
        while (socket.writable && socket.write(piece)) spoken += MIB;
        spoken += MIB;
        socket.once("drain", speak);
      };
      speak();
    });
  });
  await new Promise<void>((resolve) => talker.listen(0, "127.0.0.1", () => resolve()));
  const talkerAddress = talker.address();
  const talkerPort = typeof talkerAddress === "object" ? talkerAddress?.port : 0;
  const data = makeDataDir({
    "services-overrides.yaml": `services: { parakeet: { kind: asr, host: 127.0.0.1, port: ${port} }, kokoro: { kind: tts, host: 127.0.0.1, port: ${talkerPort} } }\n`,
  });
  remove = data.remove;
  controller = await Controller.start({ dataDir: data.dataDir, env: { NODE_ENV: "production" } });
}, START_LIMIT_MS);
afterAll(async () => {
  await controller.stop();
  upstream.kill();
  talker.close();
  remove();
});

/** The most by which the server's memory grows while something goes on. */
async function growth(work: () => Promise<void>): Promise<number> {
  const { pid } = controller.process;
  const before = residentMb(pid);
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, residentMb(pid));
  }, 10);
  await work();
  clearInterval(watch);
  return most - before;
}

async function upload(bytes: number): Promise<Response> {
  const piece = new Uint8Array(MIB / 4);
  let left = bytes / piece.length;
  const body = new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(piece);
      else controller.close();
    },
  });
  return fetch(`${controller.url}/v1/audio/transcriptions`, { method: "POST", body });
}

describeLinux("large bodies", () => {
  test("200 MiB in chunks arrive complete and are never held", async () => {
    let arrived = 0;
    const grown = await growth(async () => {
      const answer = await upload(200 * MIB);
      arrived = ((await answer.json()) as { bytes: number }).bytes;
    });

    expect(arrived).toBe(200 * MIB);
    expect(grown).toBeLessThan(MOST_GROWTH_MB);
  }, 60_000);

  test("205 MiB in chunks are refused, and the next upload works", async () => {
    const refused = await upload(205 * MIB);
    const next = await upload(MIB);

    expect(refused.status).toBe(413);
    expect((await next.json()) as { bytes: number }).toEqual({ bytes: MIB });
  }, 60_000);

  test("a client that does not read stalls the upstream instead of filling the server", async () => {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: Number(new URL(controller.url).port),
      socket: {
        open(opened) {
          opened.write("POST /v1/audio/speech HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}");
          opened.pause();
        },
        data() {},
      },
    });
    let last = -1;
    const grown = await growth(() =>
      until(
        "the upstream has stalled",
        async () => {
          const before = spoken;
          await Bun.sleep(300);
          const stalled = spoken === before && spoken === last;
          last = spoken;
          return stalled && spoken > 0;
        },
        20_000,
      ),
    );
    socket.terminate();

    expect(spoken).toBeLessThan(100 * MIB);
    expect(grown).toBeLessThan(MOST_GROWTH_MB);
  }, 30_000);
});
