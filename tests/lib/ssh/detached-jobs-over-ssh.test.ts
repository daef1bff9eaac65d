import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createSsh } from "../../../lib/ssh/connection-pool.ts";
import { createDetachedJobs } from "../../../lib/ssh/detached-jobs.ts";
import { openHostKeys } from "../../../lib/ssh/host-keys.ts";
import type { JobSpec } from "../../../lib/ssh/jobs.ts";
import { command } from "../../../lib/ssh/quote.ts";
import { requirement } from "../../support/requirements.ts";
import { SSHD_AVAILABLE, SSHD_HOW, type Sshd, startSshd, until } from "./sshd.ts";

setDefaultTimeout(60_000);

const within = { deadlineMs: 20_000 };
const INSTANCE = "0193b0a0-0000-7000-8000-000000000001";

requirement(
  "detached jobs over SSH",
  SSHD_AVAILABLE,
  SSHD_HOW,
)("detached jobs over a real sshd", () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.remove());

  const pool = () =>
    createSsh({ privateKey: sshd.privateKey, hostKeys: openHostKeys({ file: join(sshd.folder, "known_hosts.json") }) });
  const spec = (id: string, argv: readonly string[]): JobSpec => {
    return { id, generation: 1, instance: INSTANCE, argv, env: {}, cwd: "~" };
  };

  test("the channel is free at once while the job runs on", async () => {
    const ssh = pool();
    const jobs = createDetachedJobs(ssh);
    await jobs.start(sshd.target, spec("long", ["sleep", "60"]), within);
    const reading = await jobs.read(sshd.target, "long", { ...within, offset: 0, maxBytes: 100 });
    expect(reading.state).toBe("running");
    await jobs.kill(sshd.target, "long", within);
    await ssh.close();
  });

  test("a job that prints survives SIGKILL of its SSH session and the end of the pool", async () => {
    const go = join(sshd.home, "go");
    const wait = `echo before; while [ ! -e ${go} ]; do echo waiting; sleep 0.02; done; echo after; exit 7`;
    const first = pool();
    await createDetachedJobs(first).start(sshd.target, spec("survivor", ["sh", "-c", wait]), within);
    await sshd.kill();
    await first.close();
    await sshd.start();

    const second = pool();
    const jobs = createDetachedJobs(second);
    const read = (offset: number) => jobs.read(sshd.target, "survivor", { ...within, offset, maxBytes: 4_000_000 });
    expect((await read(0)).state).toBe("running");
    await second.exec(sshd.target, command(["touch", go]), within);
    await until("it has ended", async () => (await read(0)).state === "exited");

    const done = await read(0);
    const log = new TextDecoder().decode(done.chunk);
    expect(done.exitCode).toBe(7);
    expect(log).toStartWith("before\n");
    expect(log).toEndWith("after\n");
    await second.close();
  });

  test("a start that was given up in the middle can be repeated, and runs once", async () => {
    const marker = join(sshd.home, "runs");
    const job = spec("repeated", ["sh", "-c", `echo run >>${marker}`]);
    const ssh = pool();
    const jobs = createDetachedJobs(ssh);
    await ssh.exec(sshd.target, command(["true"]), within);
    for (const deadlineMs of [1, 5, 10, 20, 40]) {
      await jobs.start(sshd.target, job, { deadlineMs }).catch(() => {});
    }
    await jobs.start(sshd.target, job, within);
    await until("it has run", async () => {
      const { state } = await jobs.read(sshd.target, "repeated", { ...within, offset: 0, maxBytes: 1 });
      return state === "exited";
    });
    expect(existsSync(marker) && readFileSync(marker, "utf8")).toBe("run\n");
    await ssh.close();
  });
});
