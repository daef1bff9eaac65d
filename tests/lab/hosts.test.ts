/** The hosts as machines: separate, reachable, breakable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requirement } from "../support/requirements.ts";
import { labAvailability } from "./available.ts";
import { must, type Output, run, until } from "./command.ts";
import type { Host } from "./host.ts";
import { type Lab, startLab } from "./lab.ts";

const { available, how } = await labAvailability();
const describeLab = requirement("the hosts of the lab", available, how);

const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";
const LIMIT_MS = 60_000;

describeLab("the hosts of the lab", () => {
  let lab: Lab;
  let folder: string;

  beforeAll(async () => {
    lab = await startLab({ dialect: "new" });
    folder = await mkdtemp(join(tmpdir(), "lab-key-"));
    await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key")]);
    await lab.authorize(await Bun.file(join(folder, "key.pub")).text());
  }, LIMIT_MS);

  afterAll(async () => {
    await lab?.close();
    if (folder) await rm(folder, { recursive: true });
  }, LIMIT_MS);

  /** As a controller would: over the network, with a key, as the Spark user. */
  const ssh = (host: Host, command: string): Promise<Output> => {
    const options = ["BatchMode=yes", "ConnectTimeout=2", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
    const flags = options.flatMap((option) => ["-o", option]);
    return run([
      "ssh",
      "-q",
      "-F",
      "none",
      "-i",
      join(folder, "key"),
      ...flags,
      `${host.user}@${host.address}`,
      command,
    ]);
  };

  test("each has a process table of its own, with its first process and sshd", async () => {
    await lab.head.exec("sleep 86397 </dev/null >/dev/null 2>&1 &");
    const [head, worker] = await Promise.all(lab.hosts.map((host) => host.processes()));
    expect(head?.map((one) => one.args)).toContain("sleep 86397");
    expect(worker?.map((one) => one.args)).not.toContain("sleep 86397");
    expect(worker?.find((one) => one.pid === 1)?.args).toContain("init.sh");
    expect(worker?.some((one) => one.args.startsWith("sshd:"))).toBe(true);
  });

  test("boot ids differ from each other and from the machine's", async () => {
    const [head, worker, machine] = await Promise.all([
      lab.head.exec(BOOT_ID),
      lab.worker.exec(BOOT_ID),
      run(["cat", "/proc/sys/kernel/random/boot_id"]),
    ]);
    expect(new Set([head.stdout, worker.stdout, machine.stdout]).size).toBe(3);
  });

  test("memory is a Spark's, and what a test says is available", async () => {
    const read = async () =>
      /MemTotal: +(\d+) kB[\s\S]*MemAvailable: +(\d+) kB/
        .exec((await lab.head.exec("cat /proc/meminfo")).stdout)
        ?.slice(1);
    const before = await read();
    await lab.head.setMemory(1);
    const after = await read();
    await lab.head.setMemory(114);
    expect([before, after]).toEqual([
      ["125514547", "119537664"],
      ["125514547", "1048576"],
    ]);
  });

  test("the Spark user logs in from outside and finds home, name and docker", async () => {
    const { stdout, exitCode } = await ssh(lab.worker, "whoami; pwd; hostname; command -v docker nvidia-smi");
    expect(exitCode).toBe(0);
    expect(stdout.trim().split("\n")).toEqual([
      "alice",
      "/home/alice",
      "spark-2",
      "/run/lab/bin/docker",
      "/run/lab/bin/nvidia-smi",
    ]);
  });

  test("a key that is not authorized is refused", async () => {
    await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(folder, "stranger")]);
    const flags = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
    const refused = await run([
      "ssh",
      "-F",
      "none",
      "-i",
      join(folder, "stranger"),
      ...flags,
      `alice@${lab.head.address}`,
      "true",
    ]);
    expect(refused.exitCode).toBe(255);
    expect(refused.stderr).toContain("Permission denied");
  });

  test("the head reaches the worker without a password, by address, not the other way round", async () => {
    const there = await lab.head.exec(`ssh -o BatchMode=yes ${lab.worker.address} hostname`);
    const back = await lab.worker.exec(`ssh -o BatchMode=yes -o StrictHostKeyChecking=no ${lab.head.address} hostname`);
    expect(there.stdout.trim()).toBe("spark-2");
    expect(back.exitCode).toBe(255);
  });

  test(
    "a pulled cable cuts the host off until it is plugged in again",
    async () => {
      await lab.worker.linkDown();
      const cut = await ssh(lab.worker, "true");
      await lab.worker.linkUp();
      await until("the worker answers", async () => (await ssh(lab.worker, "true")).exitCode === 0, LIMIT_MS);
      expect(cut.exitCode).toBe(255);
    },
    LIMIT_MS,
  );

  test(
    "dropped packets cut off the controller only",
    async () => {
      await lab.worker.dropFrom(lab.controllerAddress);
      const [cut, inside] = await Promise.all([
        ssh(lab.worker, "true"),
        lab.head.exec(`ssh ${lab.worker.address} true`),
      ]);
      await lab.worker.undrop(lab.controllerAddress);
      const after = await ssh(lab.worker, "true");
      expect([cut.exitCode, inside.exitCode, after.exitCode]).toEqual([255, 0, 0]);
    },
    LIMIT_MS,
  );

  test("a reset refuses SSH, a stopped sshd leaves the caller waiting", async () => {
    await lab.worker.rejectSsh();
    const connecting = Bun.connect({ hostname: lab.worker.address, port: 22, socket: { data: () => {} } });
    await expect(connecting).rejects.toThrow();
    await lab.worker.allowSsh();
    await lab.worker.stopSshd();
    const stopped = await ssh(lab.worker, "true");
    await lab.worker.contSshd();
    const after = await ssh(lab.worker, "true");
    expect([stopped.exitCode, after.exitCode]).toEqual([255, 0]);
  });

  test(
    "a reboot ends every process, changes the boot id and keeps the disk",
    async () => {
      await lab.head.exec("echo kept >~/note; sleep 86398 </dev/null >/dev/null 2>&1 &");
      await lab.head.exec("docker run -d --rm --network host --name short vllm-node sleep infinity");
      await lab.head.exec("docker run -d --network host --name long vllm-node sleep infinity");
      const before = await lab.head.exec(BOOT_ID);
      await lab.head.reboot();
      const look = `${BOOT_ID}; cat ~/note; docker ps -a --format '{{.Names}}'; docker ps -q`;
      let after = await ssh(lab.head, look);
      // On a busy machine the first answer may take longer than ssh waits.
      await until(
        "the host answers",
        async () => {
          if (after.exitCode !== 0) after = await ssh(lab.head, look);
          return after.exitCode === 0;
        },
        LIMIT_MS,
      );
      const [bootId, ...rest] = after.stdout.trim().split("\n");
      expect(bootId).not.toBe(before.stdout.trim());
      expect(rest).toEqual(["kept", "long"]);
      expect((await lab.head.processes()).map((one) => one.args)).not.toContain("sleep 86398");
      await lab.head.exec("docker rm -f long");
    },
    LIMIT_MS,
  );

  test(
    "a power loss says no goodbye: an open connection hears of it only when the host is back",
    async () => {
      const closed = Promise.withResolvers<void>();
      let isClosed = false;
      const end = () => {
        isClosed = true;
        closed.resolve();
      };
      const greeted = Promise.withResolvers<void>();
      const socket = await Bun.connect({
        hostname: lab.worker.address,
        port: 22,
        socket: { data: () => greeted.resolve(), close: end, error: end },
      });
      await greeted.promise;
      await lab.worker.powerLoss();
      expect(await lab.worker.processes()).toEqual([]);
      expect(isClosed).toBe(false);
      await lab.worker.boot();
      socket.write("SSH-2.0-test\r\n");
      await closed.promise;
      expect((await ssh(lab.worker, "hostname")).stdout.trim()).toBe("spark-2");
    },
    LIMIT_MS,
  );
});
