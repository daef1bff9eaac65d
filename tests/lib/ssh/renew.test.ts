import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { createSsh } from "../../../lib/ssh/connection-pool.ts";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import { command } from "../../../lib/ssh/quote.ts";
import type { SshPool } from "../../../lib/ssh/ssh.ts";
import { requirement } from "../../support/requirements.ts";
import { SSHD_AVAILABLE, SSHD_HOW, type Sshd, startSshd } from "./sshd.ts";

setDefaultTimeout(30_000);

requirement(
  "a renewed login",
  SSHD_AVAILABLE,
  SSHD_HOW,
)("a renewed login", () => {
  let sshd: Sshd;
  let ssh: SshPool;
  beforeEach(async () => {
    sshd = await startSshd();
    const hostKeys = openHostKeys({ file: join(sshd.folder, "known_hosts.json") });
    ssh = createSsh({ privateKey: sshd.privateKey, hostKeys });
  });
  afterEach(async () => {
    await ssh.close();
    await sshd.remove();
  });
  /** Addresses and ports of the connection that the command runs on. */
  const connection = async () =>
    (await ssh.exec(sshd.target, command(["printenv", "SSH_CONNECTION"]), { deadlineMs: 10_000 })).stdout;

  test("is made by the next command, while one that runs goes on to its end", async () => {
    const before = await connection();
    expect(await connection()).toBe(before);
    const running = ssh.exec(sshd.target, command(["sh", "-c", "echo begun; sleep 0.5; echo ended"]), {
      deadlineMs: 10_000,
    });

    ssh.renew(sshd.target);

    expect(await connection()).not.toBe(before);
    expect((await running).stdout).toBe("begun\nended\n");
  });

  test("of a host that was never asked for is nothing", () => {
    expect(() => ssh.renew({ host: "192.0.2.1", port: 22, user: "alice" })).not.toThrow();
  });
});
