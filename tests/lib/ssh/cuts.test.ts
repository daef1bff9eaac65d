/** Lines that are cut, swallow everything, work in one direction only, or are slow: what callers of lib/ssh see, and when. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, type ServerChannel } from "ssh2";
import { createSsh, type SshOptions } from "../../../lib/ssh/connection-pool.ts";
import { SshError } from "../../../lib/ssh/errors.ts";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { generateKeyPair } from "../../../lib/ssh/key-pair.ts";
import { command } from "../../../lib/ssh/quote.ts";
import type { ExecResult, Ssh, SshTarget } from "../../../lib/ssh/ssh.ts";
import { DESCRIPTORS_AVAILABLE, DESCRIPTORS_HOW, descriptors } from "../../support/descriptors.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.ts";
import { requirement } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";

setDefaultTimeout(120_000);

const CHANNELS = 4;
/** Short, so that a silent line is noticed soon; the product's are 5 s × 3. */
const KEEPALIVE = { keepaliveIntervalMs: 200, keepaliveCountMax: 3 };
const SILENCE_MS = KEEPALIVE.keepaliveIntervalMs * KEEPALIVE.keepaliveCountMax;
const READY_TIMEOUT_MS = 500;
/** One more interval until the missing answer is counted, and what a busy machine may take. */
const LATEST_MS = SILENCE_MS + KEEPALIVE.keepaliveIntervalMs + 3_000;
const NO_DEADLINE = { deadlineMs: 600_000 };
const SOON = { deadlineMs: 20_000 };

const hang = command(["hang"]);
const hello = command(["hello"]);
const flood = (bytes: number) => command(["flood", `${bytes}`]);

let folder = "";
let proxy: FaultProxy;
let peer: Peer;
const pools: Ssh[] = [];
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown) => unhandled.push(error);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cuts-"));
  peer = await startPeer();
  process.on("uncaughtException", onUnhandled);
  process.on("unhandledRejection", onUnhandled);
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((ssh) => ssh.close()));
  proxy.close();
  await until("every socket of the test is closed", () => proxy.open === 0 && peer.sockets.size === 0);
  expect(unhandled).toEqual([]);
});
afterAll(() => {
  peer.close();
  process.off("uncaughtException", onUnhandled);
  process.off("unhandledRejection", onUnhandled);
  rmSync(folder, { recursive: true });
});

interface Peer {
  readonly port: number;
  readonly sockets: Set<Socket>;
  /** Commands that have begun and not ended. */
  hanging: number;
  close(): void;
}

/** An SSH server with three commands: `hang` never ends, `hello` answers, `flood N` writes N bytes. */
async function startPeer(): Promise<Peer> {
  const sockets = new Set<Socket>();
  const server = new Server({ hostKeys: [generateKeyPair("host").privateKey] }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (context) => context.accept());
    client.on("session", (accept) => accept().on("exec", (run, _reject, info) => execute(run(), info.command)));
  });
  const execute = (channel: ServerChannel, line: string) => {
    channel.on("error", () => {});
    channel.resume();
    const [name, bytes] = line.split(" ");
    if (name === "hang") {
      made.hanging += 1;
      channel.once("close", () => {
        made.hanging -= 1;
      });
      return;
    }
    channel.write(name === "flood" ? "x".repeat(Number(bytes)) : "hello");
    channel.exit(0);
    channel.end();
  };
  const front = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  const { port } = front.address() as AddressInfo;
  const made: Peer = { port, sockets, hanging: 0, close: () => void front.close() };
  return made;
}

/** A pool and a target that leads through the proxy to the peer. */
async function line(options: Partial<SshOptions> = {}): Promise<{ ssh: Ssh; target: SshTarget }> {
  proxy = await startFaultProxy({ target: () => ({ host: "127.0.0.1", port: peer.port }) });
  const ssh = createSsh({
    privateKey: generateKeyPair("client").privateKey,
    hostKeys: openHostKeys({ file: join(folder, `${crypto.randomUUID()}.json`) }),
    backoff: { firstMs: 10, maxMs: 50 },
    maxChannels: CHANNELS,
    readyTimeoutMs: READY_TIMEOUT_MS,
    ...KEEPALIVE,
    ...options,
  });
  pools.push(ssh);
  return { ssh, target: { host: proxy.host, port: proxy.port, user: "alice" } };
}

type Ending = { readonly reason: SshError["reason"] | "success"; readonly message: string; readonly at: number };

/** How a command ends, and when (`performance.now()`). */
async function ending(promise: Promise<ExecResult>): Promise<Ending> {
  try {
    const { stdout } = await promise;
    return { reason: "success", message: stdout, at: performance.now() };
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    return { reason: error.reason, message: error.message, at: performance.now() };
  }
}

/** Every channel taken by a command that hangs, and two more commands waiting for one. */
async function busy({ ssh, target }: { ssh: Ssh; target: SshTarget }, signal?: AbortSignal) {
  const call = signal ? { ...NO_DEADLINE, signal } : NO_DEADLINE;
  const running = Array.from({ length: CHANNELS }, () => ending(ssh.exec(target, hang, call)));
  await until("the commands run", () => peer.hanging === CHANNELS);
  const queued = [0, 1].map(() => ending(ssh.exec(target, hello, call)));
  return { running: Promise.all(running), queued: Promise.all(queued) };
}

const reasons = (endings: readonly Ending[]) => endings.map(({ reason }) => reason);
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const lastOf = (endings: readonly Ending[]) => Math.max(...endings.map(({ at }) => at));

for (const how of ["reset", "end"] as const)
  test(`a cut (${how}): running commands are unknown at once, waiting ones go on over a new connection`, async () => {
    const wire = await line({ keepaliveIntervalMs: 5_000 });
    const { running, queued } = await busy(wire);
    const cutAt = performance.now();
    proxy.cut(how);
    expect(reasons(await running)).toEqual(times(CHANNELS, "unknown"));
    // Sooner than any keepalive could have noticed.
    expect(lastOf(await running) - cutAt).toBeLessThan(5_000);
    expect(reasons(await queued)).toEqual(["success", "success"]);
    expect(proxy.accepted).toBe(2);
    await until("the dead connection is gone", () => proxy.open === 1 && peer.sockets.size === 1);
  });

test("a cut, and nobody listens any more: waiting commands fail as network; the next command works when it is back", async () => {
  const wire = await line();
  const { running, queued } = await busy(wire);
  proxy.refuse();
  proxy.cut("reset");
  expect(reasons(await running)).toEqual(times(CHANNELS, "unknown"));
  expect(reasons(await queued)).toEqual(["network", "network"]);
  expect((await queued)[0]?.message).toContain("refuses SSH connections");
  await proxy.accept();
  expect((await wire.ssh.exec(wire.target, hello, SOON)).stdout).toBe("hello");
});

const silences = [
  { name: "a black hole", begin: () => proxy.blackHole() },
  { name: "half-open, nothing reaches the host", begin: () => proxy.halfOpen("to_server") },
  { name: "half-open, nothing comes from the host", begin: () => proxy.halfOpen("to_client") },
];
for (const { name, begin } of silences) {
  test(`${name}: running commands are unknown after the keepalive, waiting ones network after the handshake's limit`, async () => {
    const wire = await line();
    const { running, queued } = await busy(wire);
    const silentAt = performance.now();
    begin();
    const ended = await running;
    expect(reasons(ended)).toEqual(times(CHANNELS, "unknown"));
    expect(lastOf(ended) - silentAt).toBeLessThan(LATEST_MS);
    const waited = await queued;
    expect(reasons(waited)).toEqual(["network", "network"]);
    expect(waited[0]?.message).toContain("did not complete the SSH handshake within 0.5 s");
    expect(lastOf(waited) - lastOf(ended)).toBeLessThan(READY_TIMEOUT_MS + 3_000);

    proxy.pass();
    expect((await wire.ssh.exec(wire.target, hello, SOON)).stdout).toBe("hello");
    await until("nothing but the new connection is left", () => proxy.open === 1 && peer.sockets.size === 1);
    expect(peer.hanging).toBe(0);
  });

  test(`${name}: a command's own deadline holds, and the pool closes`, async () => {
    const { ssh, target } = await line({ keepaliveIntervalMs: 60_000 });
    await ssh.peerAddress(target, SOON);
    begin();
    const began = performance.now();
    const late = await ending(ssh.exec(target, hello, { deadlineMs: 300 }));
    expect(late.reason).toBe("timeout");
    expect(late.at - began).toBeLessThan(3_300);
    const closing = performance.now();
    await ssh.close();
    expect(performance.now() - closing).toBeLessThan(3_500);
  });
}

test("a silence shorter than the keepalive loses nothing: the command goes on over the same connection", async () => {
  const { ssh, target } = await line({ keepaliveIntervalMs: 5_000 });
  await ssh.peerAddress(target, SOON);
  proxy.blackHole();
  const answer = ssh.exec(target, hello, SOON);
  await until("the command is on its way", () => proxy.heldBytes > 0);
  proxy.pass();
  expect((await answer).stdout).toBe("hello");
  expect(proxy.accepted).toBe(1);
});

test("a slow answer of many keepalives' length arrives whole: a line that brings data is alive", async () => {
  const { ssh, target } = await line();
  await ssh.peerAddress(target, SOON);
  proxy.slow({ bytesPerSecond: 40_000 });
  const began = performance.now();
  const { stdout } = await ssh.exec(target, flood(100_000), SOON);
  expect(stdout.length).toBe(100_000);
  expect(performance.now() - began).toBeGreaterThan(3 * SILENCE_MS);
  expect(proxy.accepted).toBe(1);
});

test("a long way to go is no silence: logging in and commands work with a delay of nearly a keepalive", async () => {
  const { ssh, target } = await line({ readyTimeoutMs: 10_000 });
  proxy.slow({ delayMs: 150 });
  const answers = await Promise.all([0, 1, 2].map(() => ssh.exec(target, hello, SOON)));
  expect(answers.map(({ stdout }) => stdout)).toEqual(times(3, "hello"));
  expect(proxy.accepted).toBe(1);
});

const withProc = requirement("leaks over 500 cuts", DESCRIPTORS_AVAILABLE, DESCRIPTORS_HOW);

withProc("500 cuts", () => {
  const ROUNDS = 500;
  const WARM_UP = 20;

  test("leave no descriptor, no socket and no listener behind", async () => {
    // What ends a handshake here is the cut, not the clock of a busy machine.
    const wire = await line({ readyTimeoutMs: 10_000 });
    const signal = new CountingSignal();
    const round = async (number: number) => {
      const { running, queued } = await busy(wire, signal.signal);
      // In turn: reset, end, and a reset in the middle of the next handshake.
      if (number % 3 !== 2) proxy.cut(number % 3 === 0 ? "reset" : "end");
      else {
        proxy.cut("reset");
        proxy.blackHole();
        await until("a handshake is under way", () => proxy.heldBytes > 0);
        proxy.cut("reset");
        proxy.pass();
      }
      expect(reasons(await running)).toEqual(times(CHANNELS, "unknown"));
      expect(reasons(await queued)).toEqual(times(2, number % 3 === 2 ? "network" : "success"));
      expect((await wire.ssh.exec(wire.target, hello, { ...SOON, signal: signal.signal })).stdout).toBe("hello");
      await until("one connection is left", () => proxy.open === 1 && peer.sockets.size === 1 && peer.hanging === 0);
    };

    for (let number = 0; number < WARM_UP; number += 1) await round(number);
    const before = descriptors();
    for (let number = 0; number < ROUNDS; number += 1) await round(number);
    await until("as many descriptors as before", () => descriptors().all <= before.all);

    expect(descriptors()).toEqual(before);
    // All listen to the one signal while they run and wait; none does afterwards.
    expect([signal.most, signal.count]).toEqual([CHANNELS + 2, 0]);
  });
});

/** An AbortSignal that knows how many listeners it has. */
class CountingSignal {
  readonly signal = new AbortController().signal;
  count = 0;
  most = 0;

  constructor() {
    const { signal } = this;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    const known = new Set<unknown>();
    signal.addEventListener = (type: string, listener: EventListener, options?: AddEventListenerOptions) => {
      known.add(listener);
      this.count = known.size;
      this.most = Math.max(this.most, this.count);
      add(type, listener, options);
    };
    signal.removeEventListener = (type: string, listener: EventListener) => {
      known.delete(listener);
      this.count = known.size;
      remove(type, listener);
    };
  }
}
