import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSsh, type SshOptions } from "../../../lib/ssh/connection-pool.ts";
import { SshError } from "../../../lib/ssh/errors.ts";
import { execOk } from "../../../lib/ssh/exec-ok.ts";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { generateKeyPair } from "../../../lib/ssh/key-pair.ts";
import { batch, command, parseBatch } from "../../../lib/ssh/quote.ts";
import type { SshPool } from "../../../lib/ssh/ssh.ts";
import { requirement } from "../../support/requirements.ts";
import { freePort, SSHD_AVAILABLE, SSHD_HOW, type Sshd, startSshd, until } from "./sshd.ts";

setDefaultTimeout(60_000);

const withSshd = requirement("SSH against a real sshd", SSHD_AVAILABLE, SSHD_HOW);

async function failure(promise: Promise<unknown>): Promise<SshError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SshError) return error;
  throw new Error(`expected an SshError, got ${String(error)}`);
}

withSshd("commands on a real sshd", () => {
  let sshd: Sshd;
  let folder: string;
  let knownHosts: string;
  const pools: SshPool[] = [];

  const pool = (options: Partial<SshOptions> = {}): SshPool => {
    const ssh = createSsh({
      privateKey: sshd.privateKey,
      hostKeys: openHostKeys({ file: knownHosts }),
      backoff: { firstMs: 10, maxMs: 50 },
      ...options,
    });
    pools.push(ssh);
    return ssh;
  };
  const sh = (text: string) => command(["sh", "-c", text]);
  const within = { deadlineMs: 20_000 };

  beforeAll(async () => {
    sshd = await startSshd();
    folder = mkdtempSync(join(tmpdir(), "ssh-exec-"));
    knownHosts = join(folder, "known_hosts.json");
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((ssh) => ssh.close()));
  });
  afterAll(async () => {
    await sshd.remove();
    rmSync(folder, { recursive: true });
  });

  test("gives stdout, stderr and the exit code, whatever it is", async () => {
    const result = await pool().exec(sshd.target, sh("printf out; printf err >&2; exit 7"), within);
    expect(result).toMatchObject({ stdout: "out", stderr: "err", exitCode: 7, truncated: false });
  });

  test("closes stdin, so that a command that reads it ends", async () => {
    const result = await pool().exec(sshd.target, command(["cat"]), within);
    expect(result).toMatchObject({ stdout: "", exitCode: 0 });
  });

  test("keeps binary output byte for byte", async () => {
    const result = await pool().exec(sshd.target, sh("printf '\\377\\000\\303\\200'"), within);
    expect([...result.stdoutBytes]).toEqual([0xff, 0, 0xc3, 0x80]);
    expect(result.stdout).toBe("\ufffd\0\u00c0");
  });

  test("keeps the first bytes up to the cap, reads on to the end, and says so", async () => {
    const big = sh("head -c 3000000 /dev/zero | tr '\\0' x; exit 5");
    const result = await pool().exec(sshd.target, big, { ...within, maxBytes: 1000 });
    expect(result).toMatchObject({ stdout: "x".repeat(1000), truncated: true, exitCode: 5 });
  });

  test("a batch gives each answer with its exit code", async () => {
    const nonce = "c0ffee01";
    const together = batch([sh("echo one; exit 3"), command(["echo", `\n${nonce}`]), sh("echo bad >&2")], nonce);
    const { stdout } = await pool().exec(sshd.target, together, within);
    expect(parseBatch(stdout, nonce)).toEqual([
      { output: "one\n", exitCode: 3 },
      { output: `\n${nonce}\n`, exitCode: 0 },
      { output: "bad\n", exitCode: 0 },
    ]);
  });

  test("execOk refuses another exit code and shows the end of stderr", async () => {
    const call = { ...within, what: "docker stop" };
    const error = await failure(execOk(pool(), sshd.target, sh("echo no such container >&2; exit 1"), call));
    expect(error).toMatchObject({ reason: "exit_code", members: { exit_code: 1 } });
    expect(error.message).toContain("docker stop on 127.0.0.1");
    expect(error.message).toContain("no such container");
  });

  test("a command that is killed ends with the reason signal", async () => {
    const error = await failure(pool().exec(sshd.target, sh("kill -KILL $$"), within));
    expect(error).toMatchObject({ reason: "signal", members: { signal: "SIGKILL" } });
  });

  test("60 commands at once on one connection all succeed", async () => {
    const connects: unknown[] = [];
    const ssh = pool({ log: (message) => message === "ssh connected" && connects.push(message) });
    const numbers = Array.from({ length: 60 }, (_, index) => index);
    const results = await Promise.all(numbers.map((n) => ssh.exec(sshd.target, command(["echo", `${n}`]), within)));
    expect(results.map((result) => Number(result.stdout))).toEqual(numbers);
    expect(connects).toHaveLength(1);
  });

  test("commands that wait for a slot run in the order in which they came", async () => {
    const ssh = pool({ maxChannels: 1 });
    const order: number[] = [];
    const runs = Array.from({ length: 12 }, async (_, index) => {
      await ssh.exec(sshd.target, command(["true"]), within);
      order.push(index);
    });
    await Promise.all(runs);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).toHaveLength(12);
  });

  test("a command past its deadline is given up and its slot is free", async () => {
    const ssh = pool({ maxChannels: 1 });
    await ssh.exec(sshd.target, command(["true"]), within);
    const error = await failure(ssh.exec(sshd.target, command(["sleep", "30"]), { deadlineMs: 200 }));
    expect(error.reason).toBe("timeout");
    expect(error.message).toContain("did not finish within 0.2 s");
    const after = await ssh.exec(sshd.target, command(["echo", "next"]), within);
    expect(after.stdout).toBe("next\n");
  });

  test("20 commands that hang do not use up the sessions of the server", async () => {
    const ssh = pool();
    await ssh.exec(sshd.target, command(["true"]), within);
    const hanging = Array.from({ length: 20 }, () =>
      failure(ssh.exec(sshd.target, sh("trap '' HUP TERM; sleep 30"), { deadlineMs: 300 })),
    );
    expect(new Set((await Promise.all(hanging)).map((error) => error.reason))).toEqual(new Set(["timeout"]));
    const result = await ssh.exec(sshd.target, command(["echo", "still here"]), within);
    expect(result.stdout).toBe("still here\n");
  });

  test("a queued command honours its deadline and its signal", async () => {
    const ssh = pool({ maxChannels: 1 });
    const stop = new AbortController();
    const marker = join(folder, "queued");
    const running = failure(ssh.exec(sshd.target, command(["sleep", "30"]), { ...within, signal: stop.signal }));
    const late = failure(ssh.exec(sshd.target, command(["touch", marker]), { deadlineMs: 100 }));
    const caller = new AbortController();
    const calledOff = failure(ssh.exec(sshd.target, command(["touch", marker]), { ...within, signal: caller.signal }));
    caller.abort();
    expect((await calledOff).reason).toBe("aborted");
    expect((await late).reason).toBe("timeout");
    stop.abort();
    expect((await running).reason).toBe("aborted");
    const result = await ssh.exec(sshd.target, command(["test", "-e", marker]), within);
    expect(result.exitCode).toBe(1);
  });

  test("a running command that is aborted ends at once", async () => {
    const ssh = pool({ maxChannels: 1 });
    const marker = join(folder, "aborted");
    const stop = new AbortController();
    const call = { deadlineMs: 600_000, signal: stop.signal };
    const running = failure(ssh.exec(sshd.target, sh(`touch ${marker}; exec sleep 30`), call));
    await until("it runs", () => Bun.file(marker).exists());
    stop.abort();
    expect((await running).reason).toBe("aborted");
    expect((await ssh.exec(sshd.target, command(["true"]), within)).exitCode).toBe(0);
  });

  test("an aborted signal starts nothing", async () => {
    const error = await failure(
      pool().exec(sshd.target, command(["true"]), { ...within, signal: AbortSignal.abort() }),
    );
    expect(error.reason).toBe("aborted");
  });

  test("a server with few sessions gets few commands at a time, and all succeed", async () => {
    const narrow = await startSshd(["MaxSessions 2"]);
    try {
      const ssh = pool({ privateKey: narrow.privateKey });
      const numbers = Array.from({ length: 24 }, (_, index) => index);
      const results = await Promise.all(numbers.map((n) => ssh.exec(narrow.target, command(["echo", `${n}`]), within)));
      expect(results.map((result) => Number(result.stdout))).toEqual(numbers);
    } finally {
      await narrow.remove();
    }
  });

  test("sessions that were held by commands that had been given up are used again later, on the same connection", async () => {
    const narrow = await startSshd(["MaxSessions 4"]);
    try {
      const ssh = pool({ privateKey: narrow.privateKey, narrowMs: 1_000 });
      const stubborn = () => ssh.exec(narrow.target, sh("trap '' HUP TERM INT; sleep 3"), { deadlineMs: 500 });
      const given = await Promise.all([stubborn(), stubborn(), stubborn()].map(failure));
      expect(given.map(({ reason }) => reason)).toEqual(["timeout", "timeout", "timeout"]);
      const connection = sh("echo $SSH_CONNECTION");
      // It takes the last session, so the next command is refused and waits.
      const long = ssh.exec(narrow.target, sh("echo $SSH_CONNECTION; sleep 5"), within);
      await Bun.sleep(300);
      const refused = ssh.exec(narrow.target, connection, within);
      await Bun.sleep(3_000);

      const later = await ssh.exec(narrow.target, connection, { deadlineMs: 1_500 });
      const all = [later, await refused, await long].map(({ stdout }) => stdout);
      expect(all).toEqual([later.stdout, later.stdout, later.stdout]);
    } finally {
      await narrow.remove();
    }
  });

  test("a dead server fails its commands at once with reason unknown; the next command connects anew", async () => {
    const ssh = pool();
    const marker = join(folder, "running");
    const running = failure(ssh.exec(sshd.target, sh(`touch ${marker}; exec sleep 30`), { deadlineMs: 600_000 }));
    await until("it runs", () => Bun.file(marker).exists());
    await sshd.kill();
    expect((await running).reason).toBe("unknown");
    const refused = await failure(ssh.exec(sshd.target, command(["true"]), { deadlineMs: 300 }));
    expect(refused.reason).toBe("network");
    expect(refused.message).toContain("refuses SSH connections");
    await sshd.start();
    const result = await ssh.exec(sshd.target, command(["echo", "back"]), within);
    expect(result.stdout).toBe("back\n");
  });

  test("within the pause after a failure a short deadline gets the last error at once", async () => {
    const target = { ...sshd.target, port: await freePort() };
    const ssh = pool({ backoff: { firstMs: 600_000, maxMs: 600_000 } });
    const first = await failure(ssh.exec(target, command(["true"]), within));
    const second = await failure(ssh.exec(target, command(["true"]), within));
    expect(second).toBe(first);
  });

  test("within the pause after a failure a longer deadline waits for the next attempt", async () => {
    const target = { ...sshd.target, port: await freePort() };
    const ssh = pool({ backoff: { firstMs: 100, maxMs: 100 } });
    const first = await failure(ssh.exec(target, command(["true"]), within));
    const second = await failure(ssh.exec(target, command(["true"]), within));
    expect(second).not.toBe(first);
    expect(second.reason).toBe("network");
  });

  test("within the pause after a failure somebody else's attempt counts, too, however often one is made", async () => {
    const target = { ...sshd.target, port: await freePort() };
    const ssh = pool({ backoff: { firstMs: 400, maxMs: 400 } });
    const first = await failure(ssh.exec(target, command(["true"]), within));
    const patient = failure(ssh.exec(target, command(["true"]), within));
    let waits = true;
    const others = (async () => {
      // Each attempt begins a pause that lasts beyond the end of the one before.
      while (waits) {
        await Bun.sleep(150);
        ssh.renew(target);
        await failure(ssh.exec(target, command(["true"]), within));
      }
    })();

    const began = performance.now();
    const error = await patient;
    const waited = performance.now() - began;
    waits = false;
    await others;
    expect(error).not.toBe(first);
    expect(error.reason).toBe("network");
    expect(waited).toBeLessThan(5_000);
  });

  test("a key that the server does not know is refused, in words that say what to do", async () => {
    const stranger = generateKeyPair("stranger").privateKey;
    const error = await failure(pool({ privateKey: stranger }).exec(sshd.target, command(["true"]), within));
    expect(error.reason).toBe("key_refused");
    expect(error.message).toContain("does not accept this controller's key for user root");
    expect(error.message).toContain("~/.ssh/authorized_keys");
  });

  test("a name that does not resolve says so", async () => {
    const target = { ...sshd.target, host: "no-such-spark.invalid" };
    const error = await failure(pool().exec(target, command(["true"]), within));
    expect(error.reason).toBe("network");
    expect(error.message).toContain("could not be resolved");
  });

  test("a name is reached over IPv4", async () => {
    const address = await pool().peerAddress({ ...sshd.target, host: "localhost" }, within);
    expect(address).toBe("127.0.0.1");
  });

  test("pins the host key on first use and refuses a changed one until it is accepted", async () => {
    const hostKeys = openHostKeys({ file: join(folder, "changing.json") });
    const { host, port } = sshd.target;
    await pool({ hostKeys }).exec(sshd.target, command(["true"]), within);
    const before = hostKeys.list()[0]?.fingerprint ?? "none";
    await sshd.kill();
    sshd.changeHostKey();
    await sshd.start();

    const error = await failure(
      pool({ hostKeys }).exec(sshd.target, command(["touch", join(folder, "wrong")]), within),
    );
    const shown = hostKeys.list()[0]?.refused_fingerprint ?? "none";
    expect(error.reason).toBe("host_key");
    expect(error.message).toContain(`expected ${before}, shown ${shown}`);
    expect(shown).toStartWith("SHA256:");
    expect(shown).not.toBe(before);
    expect(await Bun.file(join(folder, "wrong")).exists()).toBe(false);

    hostKeys.accept(host, port);
    expect((await pool({ hostKeys }).exec(sshd.target, command(["true"]), within)).exitCode).toBe(0);
    rmSync(knownHosts, { force: true });
  });

  test("close ends what runs and refuses what comes, and leaves no process waiting", async () => {
    const ssh = pool();
    await ssh.exec(sshd.target, command(["true"]), within);
    const running = failure(ssh.exec(sshd.target, command(["sleep", "30"]), within));
    await ssh.close();
    expect((await running).reason).toBe("aborted");
    expect((await failure(ssh.exec(sshd.target, command(["true"]), within))).reason).toBe("aborted");
  });
});
