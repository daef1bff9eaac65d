/** Behaviour that a real sshd does not show on demand: peers made with ssh2's own server, and bare TCP. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AcceptConnection, Server, type ServerChannel, type Session } from "ssh2";
import { createSsh, type SshOptions } from "../../../lib/ssh/connection-pool.ts";
import { SshError } from "../../../lib/ssh/errors.ts";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { generateKeyPair } from "../../../lib/ssh/key-pair.ts";
import { command } from "../../../lib/ssh/quote.ts";
import type { Ssh, SshTarget } from "../../../lib/ssh/ssh.ts";
import { until } from "./sshd.ts";

setDefaultTimeout(60_000);

const within = { deadlineMs: 20_000 };
const anything = command(["true"]);
const key = generateKeyPair("test").privateKey;
let folder = "";
const cleanups: (() => Promise<unknown>)[] = [];
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown) => unhandled.push(error);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "odd-peers-"));
  process.on("uncaughtException", onUnhandled);
  process.on("unhandledRejection", onUnhandled);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  expect(unhandled).toEqual([]);
});
afterAll(() => {
  process.off("uncaughtException", onUnhandled);
  process.off("unhandledRejection", onUnhandled);
  rmSync(folder, { recursive: true });
});

type OnExec = (channel: ServerChannel, session: Session) => void;

interface Peer {
  readonly target: SshTarget;
  readonly sockets: Set<Socket>;
  /** What ssh2 says about signals and closed channels. */
  readonly protocol: string[];
  connections: number;
}

/** An SSH server that lets everyone in. @param onSession what it does with a request for a session */
async function peer(onSession: (accept: AcceptConnection<Session>, reject: () => void) => void): Promise<Peer> {
  const hostKeys = [generateKeyPair("test").privateKey];
  const debug = (line: string) => /signal|CHANNEL_CLOSE/.test(line) && made.protocol.push(line);
  const server = new Server({ hostKeys, debug }, (client) => {
    made.connections += 1;
    client.on("error", () => {});
    client.on("authentication", (context) => context.accept());
    client.on("session", onSession);
  });
  const sockets = new Set<Socket>();
  // Bytes pass through a socket of our own, so that the test can cut or freeze the line.
  const front = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => front.close(resolve));
  });
  const { port } = front.address() as AddressInfo;
  const made: Peer = { target: { host: "127.0.0.1", port, user: "alice" }, sockets, protocol: [], connections: 0 };
  return made;
}

function executing(onExec: OnExec): Parameters<typeof peer>[0] {
  return (accept) => {
    const session = accept();
    session.on("exec", (acceptExec) => onExec(acceptExec(), session));
  };
}

function pool(options: Partial<SshOptions> = {}): Ssh {
  const hostKeys = openHostKeys({ file: join(folder, `${crypto.randomUUID()}.json`) });
  const ssh = createSsh({ privateKey: key, hostKeys, backoff: { firstMs: 10, maxMs: 50 }, ...options });
  cleanups.push(() => ssh.close());
  return ssh;
}

async function failure(promise: Promise<unknown>): Promise<SshError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SshError) return error;
  throw new Error(`expected an SshError, got ${String(error)}`);
}

const succeed: OnExec = (channel) => {
  channel.exit(0);
  channel.end("ok");
};

test("a channel that closes without an exit status has an unknown outcome", async () => {
  const { target } = await peer(executing((channel) => channel.close()));
  const error = await failure(pool().exec(target, anything, within));
  expect(error.reason).toBe("unknown");
  expect(error.outcomeUnknown).toBe(true);
});

test("an exit signal is reported with its name", async () => {
  const { target } = await peer(
    executing((channel) => {
      channel.exit("TERM", false, "");
      channel.end();
    }),
  );
  const error = await failure(pool().exec(target, anything, within));
  expect(error).toMatchObject({ reason: "signal", members: { signal: "SIGTERM" } });
});

test("a command that is given up gets SIGKILL, and its channel is closed", async () => {
  const odd = await peer(executing((channel) => channel.resume()));
  const ssh = pool();
  await ssh.peerAddress(odd.target, within);
  const error = await failure(ssh.exec(odd.target, anything, { deadlineMs: 500 }));
  expect(error.reason).toBe("timeout");
  await until("the channel is closed", () => odd.protocol.some((line) => line.includes("CHANNEL_CLOSE")));
  expect(odd.protocol[0]).toContain("Inbound: CHANNEL_REQUEST (r:0, signal: KILL)");
  expect(odd.protocol[1]).toContain("Inbound: CHANNEL_CLOSE");
});

test("a line that is cut while a command runs: unknown, and the next command connects anew", async () => {
  let calls = 0;
  const odd = await peer(
    executing((channel, session) => {
      calls += 1;
      if (calls > 1) succeed(channel, session);
    }),
  );
  const ssh = pool();
  const running = failure(ssh.exec(odd.target, anything, { deadlineMs: 600_000 }));
  await until("the command runs", () => calls === 1);
  for (const socket of odd.sockets) socket.resetAndDestroy();
  expect((await running).reason).toBe("unknown");
  expect((await ssh.exec(odd.target, anything, within)).stdout).toBe("ok");
  expect(odd.connections).toBe(2);
});

test("a peer that falls silent is given up by keepalive", async () => {
  let running = false;
  const odd = await peer(
    executing(() => {
      running = true;
    }),
  );
  const ssh = pool({ keepaliveIntervalMs: 50, keepaliveCountMax: 2 });
  const result = failure(ssh.exec(odd.target, anything, { deadlineMs: 600_000 }));
  await until("the command runs", () => running);
  for (const socket of odd.sockets) socket.pause();
  expect((await result).reason).toBe("unknown");
});

test("a peer that accepts TCP and never speaks: network, in words about the handshake", async () => {
  const open = new Set<Socket>();
  const mute = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  cleanups.push(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => mute.close(resolve));
  });
  const target = { host: "127.0.0.1", port: (mute.address() as AddressInfo).port, user: "alice" };
  const error = await failure(pool({ readyTimeoutMs: 1_000 }).exec(target, anything, within));
  expect(error.reason).toBe("network");
  expect(error.message).toContain("did not complete the SSH handshake within 1 s");
});

test("a peer that hangs up on connecting: network, without a second error reaching the process", async () => {
  const rude = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise((resolve) => rude.close(resolve)));
  const target = { host: "127.0.0.1", port: (rude.address() as AddressInfo).port, user: "alice" };
  const ssh = pool();
  const errors = await Promise.all([1, 2, 3].map(() => failure(ssh.exec(target, anything, within))));
  expect(errors.map((error) => error.reason)).toEqual(["network", "network", "network"]);
});

test("a peer that talks nonsense: network", async () => {
  const web = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
    socket.end(`HTTP/1.1 400 Bad Request\r\n\r\n${"x".repeat(10_000)}`);
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise((resolve) => web.close(resolve)));
  const target = { host: "127.0.0.1", port: (web.address() as AddressInfo).port, user: "alice" };
  expect((await failure(pool().exec(target, anything, within))).reason).toBe("network");
});

test("a peer that never opens a session says so instead of trying for ever", async () => {
  const odd = await peer((_accept, reject) => reject());
  const error = await failure(pool().exec(odd.target, anything, within));
  expect(error.reason).toBe("network");
  expect(error.message).toContain("opens no session");
});

test("sessions that hung commands hold on to: the next command goes over a new connection", async () => {
  let sessions = 0;
  let hold = true;
  const odd = await peer((accept, reject) => {
    sessions += 1;
    if (sessions === 2) return reject();
    accept().on("exec", (acceptExec) => {
      const channel = acceptExec();
      if (!hold) succeed(channel, undefined as never);
    });
  });
  const ssh = pool();
  const stop = new AbortController();
  const hung = failure(ssh.exec(odd.target, anything, { ...within, signal: stop.signal }));
  await until("the command runs", () => sessions === 1);
  stop.abort();
  expect((await hung).reason).toBe("aborted");
  hold = false;
  expect((await ssh.exec(odd.target, anything, within)).stdout).toBe("ok");
  expect(odd.connections).toBe(2);
});

test("callers share one attempt to connect, and one connection", async () => {
  const odd = await peer(executing(succeed));
  const ssh = pool();
  await Promise.all(Array.from({ length: 30 }, () => ssh.exec(odd.target, anything, within)));
  expect(odd.connections).toBe(1);
});

test("closing the pool while it connects ends the attempt", async () => {
  const open = new Set<Socket>();
  const mute = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.resume();
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const target = { host: "127.0.0.1", port: (mute.address() as AddressInfo).port, user: "alice" };
  const ssh = pool();
  const waiting = failure(ssh.exec(target, anything, { deadlineMs: 600_000 }));
  await until("it connects", () => open.size === 1);
  await ssh.close();
  expect((await waiting).reason).toBe("aborted");
  await until("the socket is closed", () => open.size === 0);
  await new Promise((resolve) => mute.close(resolve));
});

test("300 commands, a third of them given up, leave no listener behind on the caller's signal", async () => {
  let calls = 0;
  const odd = await peer(
    executing((channel, session) => {
      calls += 1;
      if (calls % 3 !== 0) succeed(channel, session);
    }),
  );
  const signal = new AbortController().signal;
  const listeners = new Set<unknown>();
  let subscribed = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    subscribed += 1;
    listeners.add(args[1]);
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.delete(args[1]);
    remove(...args);
  };
  const ssh = pool();
  const results = await Promise.allSettled(
    Array.from({ length: 300 }, () => ssh.exec(odd.target, anything, { deadlineMs: 3_000, signal })),
  );
  expect(results.some((result) => result.status === "fulfilled")).toBe(true);
  expect(subscribed).toBe(300);
  expect(listeners.size).toBe(0);
  expect(odd.connections).toBe(1);
});
