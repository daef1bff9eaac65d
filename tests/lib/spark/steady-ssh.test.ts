import { describe, expect, test } from "bun:test";
import { steadySsh } from "../../../lib/spark/steady-ssh.ts";
import { SshError } from "../../../lib/ssh/errors.ts";
import { command } from "../../../lib/ssh/quote.ts";
import type { ExecOptions, Ssh, SshErrorReason } from "../../../lib/ssh/ssh.ts";

const target = { host: "spark-1", port: 22, user: "alice" };
const call = { deadlineMs: 20_000 };
const look = command(["uptime"]);

/** An SSH that fails for these reasons, one a call, and then answers. */
function failing(...reasons: readonly SshErrorReason[]) {
  const calls: ExecOptions[] = [];
  const answer = { stdout: "up", stdoutBytes: new Uint8Array(), stderr: "", exitCode: 0, truncated: false };
  const ssh: Ssh = {
    exec: (_target, _command, options) => {
      const reason = reasons[calls.length];
      calls.push(options);
      return reason ? Promise.reject(new SshError(reason, target, reason)) : Promise.resolve(answer);
    },
    peerAddress: () => Promise.resolve("10.77.0.9"),
    close: () => Promise.resolve(),
  };
  return { ssh: steadySsh(ssh), calls };
}

const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "none",
    (error: unknown) => (error instanceof SshError ? error.reason : error),
  );

describe("a command", () => {
  test("that was cut off is asked again, also while the Spark cannot be reached for a moment", async () => {
    const { ssh, calls } = failing("unknown", "network", "network", "unknown");
    expect((await ssh.exec(target, look, call)).stdout).toBe("up");
    expect(calls).toHaveLength(5);
  });

  for (const reason of ["network", "timeout", "aborted", "signal", "key_refused", "host_key"] as const)
    test(`that fails because of ${reason} is not repeated`, async () => {
      const { ssh, calls } = failing(reason);
      expect(await reasonOf(ssh.exec(target, look, call))).toBe(reason);
      expect(calls).toHaveLength(1);
    });

  test("gets what is left of its deadline, and no more", async () => {
    const { ssh, calls } = failing("unknown", ...Array.from({ length: 99 }, () => "network" as const));
    expect(await reasonOf(ssh.exec(target, look, { deadlineMs: 450 }))).toBe("network");
    const given = calls.map(({ deadlineMs }) => deadlineMs);
    expect(given.length).toBeGreaterThan(1);
    expect(given).toEqual([...given].sort((a, b) => b - a));
    expect(given.at(-1)).toBeLessThanOrEqual(350);
  });

  test("is not repeated once its caller has gone", async () => {
    const caller = new AbortController();
    const { ssh, calls } = failing("unknown", "unknown");
    const ended = reasonOf(ssh.exec(target, look, { ...call, signal: caller.signal }));
    caller.abort();
    expect(await ended).toBe("unknown");
    expect(calls).toHaveLength(1);
  });
});
