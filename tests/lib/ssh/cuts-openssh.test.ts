/**
 * The same faults of the line as in cuts.test.ts, with OpenSSH at the other end: 500 cuts leave nothing behind, neither
 * here (descriptors, sockets) nor there (sshd's processes, the commands).
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSsh, type SshOptions } from "../../../lib/ssh/connection-pool.ts";
import { SshError } from "../../../lib/ssh/errors.ts";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { command } from "../../../lib/ssh/quote.ts";
import type { ExecResult, Ssh, SshTarget } from "../../../lib/ssh/ssh.ts";
import { DESCRIPTORS_AVAILABLE, DESCRIPTORS_HOW, descriptors } from "../../support/descriptors.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.ts";
import { requirement } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";
import { SSHD_AVAILABLE, SSHD_HOW, type Sshd, startSshd } from "./sshd.ts";

const CHANNELS = 3;
/** Short, so that a silent line is noticed soon; the product's are 5 s × 3 and 10 s. */
const KEEPALIVE = { keepaliveIntervalMs: 250, keepaliveCountMax: 3 };
const READY_TIMEOUT_MS = 2_000;
/** The silence, one more interval until the missing answer is counted, and what a busy machine may take. */
const LATEST_MS = KEEPALIVE.keepaliveIntervalMs * (KEEPALIVE.keepaliveCountMax + 1) + 3_000;
const CUTS = 500;
/** Every so many-th cut is a silence instead: each takes as long as the keepalive. */
const SILENT_EVERY = 50;
const CUTS_LIMIT_MS = 400_000;
const SOON = { deadlineMs: 20_000 };
const NO_DEADLINE = { deadlineMs: 600_000 };

/** Leaves its pid in the home, says nothing, and ends with the process of sshd that started it. */
const hang = command(["sh", "-c", ': >"$HOME/running/$$"; while kill -0 "$PPID" 2>/dev/null; do sleep 0.1; done']);
const hello = command(["echo", "hello"]);

const withSshd = requirement(
  "cuts against a real sshd",
  SSHD_AVAILABLE && DESCRIPTORS_AVAILABLE,
  SSHD_AVAILABLE ? DESCRIPTORS_HOW : SSHD_HOW,
);

type Ending = { readonly reason: SshError["reason"] | "success"; readonly at: number };

async function ending(promise: Promise<ExecResult>): Promise<Ending> {
  try {
    await promise;
    return { reason: "success", at: performance.now() };
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    return { reason: error.reason, at: performance.now() };
  }
}

/** One that has ended and waits to be reaped by whoever inherited it has no command line any more. */
function lives(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
  } catch {
    return false;
  }
}

const reasons = (endings: readonly Ending[]) => endings.map(({ reason }) => reason);
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

withSshd("a line to OpenSSH", () => {
  let sshd: Sshd;
  let folder = "";
  let proxy: FaultProxy;
  let ssh: Ssh | undefined;

  beforeAll(async () => {
    sshd = await startSshd();
    folder = mkdtempSync(join(tmpdir(), "cuts-openssh-"));
    mkdirSync(join(sshd.home, "running"));
  });
  afterEach(async () => {
    proxy.pass();
    await ssh?.close();
    proxy.close();
    await until("sshd has no connection", () => sshd.connectionProcesses() === 0);
  });
  afterAll(async () => {
    await sshd.remove();
    rmSync(folder, { recursive: true });
  });

  async function line(options: Partial<SshOptions> = {}): Promise<{ ssh: Ssh; target: SshTarget }> {
    proxy = await startFaultProxy({ target: () => sshd.target });
    ssh = createSsh({
      privateKey: sshd.privateKey,
      hostKeys: openHostKeys({ file: join(folder, `${crypto.randomUUID()}.json`) }),
      backoff: { firstMs: 10, maxMs: 50 },
      maxChannels: CHANNELS,
      readyTimeoutMs: READY_TIMEOUT_MS,
      ...KEEPALIVE,
      ...options,
    });
    return { ssh, target: { ...sshd.target, host: proxy.host, port: proxy.port } };
  }

  /** Commands of `hang` that live. */
  const hanging = () => readdirSync(join(sshd.home, "running")).filter(lives).length;
  const forget = () => {
    rmSync(join(sshd.home, "running"), { recursive: true });
    mkdirSync(join(sshd.home, "running"));
  };

  /** Every channel taken by a command that hangs, and two more commands waiting for one. */
  async function busy(wire: { ssh: Ssh; target: SshTarget }) {
    forget();
    const running = Array.from({ length: CHANNELS }, () => ending(wire.ssh.exec(wire.target, hang, NO_DEADLINE)));
    await until("the commands run", () => hanging() === CHANNELS);
    const queued = [0, 1].map(() => ending(wire.ssh.exec(wire.target, hello, NO_DEADLINE)));
    return { running: Promise.all(running), queued: Promise.all(queued) };
  }

  test("slow: commands come through whole, and a long answer is no silence", async () => {
    const wire = await line({ readyTimeoutMs: 10_000 });
    proxy.slow({ bytesPerSecond: 40_000, delayMs: 50 });
    const began = performance.now();
    const flood = command(["head", "-c", "100000", "/dev/zero"]);
    const answers = await Promise.all([
      wire.ssh.exec(wire.target, hello, SOON),
      wire.ssh.exec(wire.target, flood, SOON),
    ]);
    expect(answers.map(({ stdoutBytes }) => stdoutBytes.length)).toEqual([6, 100_000]);
    expect(performance.now() - began).toBeGreaterThan(2 * KEEPALIVE.keepaliveIntervalMs * KEEPALIVE.keepaliveCountMax);
    expect(proxy.accepted).toBe(1);
  }, 60_000);

  test(
    `${CUTS} cuts leave no descriptor, no socket, no process of sshd and no command behind`,
    async () => {
      const wire = await line();
      const perConnection = await (async () => {
        await wire.ssh.exec(wire.target, hello, SOON);
        return sshd.connectionProcesses();
      })();
      expect(perConnection).toBeGreaterThan(0);
      const silences = [() => proxy.blackHole(), () => proxy.halfOpen("to_server"), () => proxy.halfOpen("to_client")];
      let slowestMs = 0;

      const round = async (number: number) => {
        const { running, queued } = await busy(wire);
        const cutAt = performance.now();
        const isSilent = number % SILENT_EVERY === SILENT_EVERY - 1;
        // Else in turn: reset, end, and a reset in the middle of the next handshake.
        const kind = number % 3;
        if (isSilent) silences[Math.floor(number / SILENT_EVERY) % silences.length]?.();
        else if (kind !== 2) proxy.cut(kind === 0 ? "reset" : "end");
        else {
          proxy.cut("reset");
          proxy.blackHole();
          await until("a handshake is under way", () => proxy.heldBytes > 0);
          proxy.cut("reset");
          proxy.pass();
        }
        const ended = await running;
        expect(reasons(ended)).toEqual(times(CHANNELS, "unknown"));
        const took = Math.max(...ended.map(({ at }) => at)) - cutAt;
        expect(took).toBeLessThan(LATEST_MS);
        slowestMs = Math.max(slowestMs, took);
        if (isSilent) proxy.pass();
        expect(reasons(await queued)).toEqual(times(2, !isSilent && kind === 2 ? "network" : "success"));

        expect((await wire.ssh.exec(wire.target, hello, SOON)).stdout).toBe("hello\n");
        await until(
          "one connection is left on both sides, and no command",
          () => proxy.open === 1 && sshd.connectionProcesses() === perConnection && hanging() === 0,
        );
      };

      for (let number = 0; number < 6; number += 1) await round(number);
      const before = descriptors();
      for (let number = 0; number < CUTS; number += 1) await round(number);
      await until("as many descriptors as before", () => descriptors().all <= before.all);

      expect(descriptors()).toEqual(before);
      console.log(`${CUTS} cuts against OpenSSH: noticed within ${Math.round(slowestMs)} ms`);
    },
    CUTS_LIMIT_MS,
  );
});
