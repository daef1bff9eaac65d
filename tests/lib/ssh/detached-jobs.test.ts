import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDetachedJobs } from "../../../lib/ssh/detached-jobs.ts";
import { FencedError, SshError } from "../../../lib/ssh/errors.ts";
import { fencedStop, readFence, takeOver } from "../../../lib/ssh/fence.ts";
import type { DetachedJobs, JobReading, JobSpec } from "../../../lib/ssh/jobs.ts";
import { KEPT_JOBS } from "../../../lib/ssh/remote-scripts.ts";
import { requirement } from "../../support/requirements.ts";
import { type LocalShell, localShell, SHELLS } from "./local-shell.ts";
import { until } from "./sshd.ts";

setDefaultTimeout(60_000);

const INSTANCE = "0193b0a0-0000-7000-8000-000000000001";
const OTHER_INSTANCE = "0193b0a0-0000-7000-8000-000000000002";
const THIRD_INSTANCE = "0193b0a0-0000-7000-8000-000000000003";
const within = { deadlineMs: 20_000 };
const CAP = { headBytes: 1_000, tailBytes: 4_000 };

for (const { name, path, available } of SHELLS) {
  requirement(
    `detached jobs in ${name}`,
    available,
    `${path} is not installed`,
  )(`detached jobs in ${name}`, () => {
    let shell: LocalShell;
    let jobs: DetachedJobs;
    const started: string[] = [];

    beforeEach(() => {
      shell = localShell(path);
      jobs = createDetachedJobs(shell.ssh);
    });
    afterEach(async () => {
      for (const id of started.splice(0)) await jobs.kill(shell.target, id, within);
      shell.remove();
    });

    const spec = (id: string, argv: readonly string[], more: Partial<JobSpec> = {}): JobSpec => {
      return { id, generation: 1, instance: INSTANCE, argv, env: {}, cwd: "~", ...more };
    };
    const start = (job: JobSpec) => {
      started.push(job.id);
      return jobs.start(shell.target, job, within);
    };
    const read = (id: string, offset = 0, maxBytes = 65_536, from = jobs) =>
      from.read(shell.target, id, { ...within, offset, maxBytes });
    const readUntil = async (id: string, state: JobReading["state"]): Promise<JobReading> => {
      let last = await read(id);
      await until(`${id} is ${state}`, async () => {
        last = await read(id);
        return last.state === state;
      });
      return last;
    };
    const folder = (id: string) => join(shell.home, ".spark-control/jobs", id);
    const text = (reading: JobReading) => new TextDecoder().decode(reading.chunk);

    test("runs the argv in its folder with its environment and records the exit code", async () => {
      mkdirSync(join(shell.home, "work here"));
      const argv = ["sh", "-c", 'printf "%s|%s|%s" "$PWD" "$GREETING" "$1"; exit 7', "sh", "a  b"];
      const answer = await start(spec("job-1", argv, { cwd: "~/work here", env: { GREETING: "good day" } }));
      expect(answer).toEqual({ existed: false });
      const done = await readUntil("job-1", "exited");
      expect(done).toMatchObject({ exitCode: 7, generation: 1, skipped: 0 });
      expect(text(done)).toBe(`${shell.home}/work here|good day|a  b`);
    });

    test("records exit code 0, a program that is missing as 127, and never takes a program for a shell builtin", async () => {
      await start(spec("zero", ["true"]));
      await start(spec("missing", ["no-such-program"]));
      await start(spec("builtin", ["exit", "3"]));
      expect((await readUntil("zero", "exited")).exitCode).toBe(0);
      expect((await readUntil("missing", "exited")).exitCode).toBe(127);
      expect((await readUntil("builtin", "exited")).exitCode).toBe(127);
    });

    test("a job that nobody started is absent", async () => {
      expect(await read("nothing")).toMatchObject({ state: "absent", logSize: 0, pid: null, generation: null });
    });

    test("a running job shows its process, and starting it again is a no-op that says so", async () => {
      const marker = join(shell.home, "runs");
      const job = spec("again", ["sh", "-c", `echo run >>${marker}; exec sleep 60`]);
      await start(job);
      const answers = await Promise.all([1, 2, 3, 4].map(() => start(job)));
      expect(answers).toEqual(Array.from({ length: 4 }, () => ({ existed: true })));
      await until("it runs", () => existsSync(marker));
      expect(await read("again")).toMatchObject({ state: "running", exitCode: null });
      expect(readFileSync(marker, "utf8")).toBe("run\n");
    });

    test("concurrent first starts of one id run it once", async () => {
      const marker = join(shell.home, "runs");
      const job = spec("once", ["sh", "-c", `echo run >>${marker}`]);
      const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => start(job)));
      expect(answers.filter((answer) => !answer.existed)).toHaveLength(1);
      await readUntil("once", "exited");
      expect(readFileSync(marker, "utf8")).toBe("run\n");
    });

    test("a folder that a lost start left behind is prepared, and the repeated start runs it", async () => {
      mkdirSync(folder("lost"), { recursive: true });
      expect((await read("lost")).state).toBe("prepared");
      expect(await start(spec("lost", ["true"]))).toEqual({ existed: false });
      expect((await readUntil("lost", "exited")).exitCode).toBe(0);
    });

    test("a missing folder starts nothing and is named", async () => {
      const error = await start(spec("nowhere", ["true"], { cwd: "~/not there" })).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(SshError);
      expect(error).toMatchObject({ reason: "exit_code", members: { exit_code: 72 } });
      expect((error as SshError).message).toContain("~/not there does not exist on spark-1");
      expect((await read("nowhere")).state).toBe("absent");
    });

    test("a lower generation is fenced, an equal or higher one is not", async () => {
      await start(spec("five", ["true"], { generation: 5 }));
      const error = await start(spec("four", ["true"], { generation: 4 })).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FencedError);
      expect(error).toMatchObject({ code: "fenced_generation", fence: { by: "generation", highest: 5 } });
      expect((await read("four")).state).toBe("absent");
      await start(spec("five-too", ["true"], { generation: 5 }));
      await start(spec("ten", ["true"], { generation: 10 }));
      expect(await start(spec("nine", ["true"], { generation: 9 })).catch((reason: unknown) => reason)).toMatchObject({
        fence: { highest: 10 },
      });
    });

    test("another controller is fenced", async () => {
      await start(spec("mine", ["true"]));
      const theirs = spec("theirs", ["true"], { instance: OTHER_INSTANCE, generation: 9 });
      const error = await start(theirs).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FencedError);
      expect(error).toMatchObject({ code: "fenced_instance", fence: { by: "instance", instance: INSTANCE } });
      expect((await read("theirs")).state).toBe("absent");
      expect(await start(spec("still-mine", ["true"]))).toEqual({ existed: false });
    });

    test("a fenced kill ends the launch of the newest generation's controller only", async () => {
      await start(spec("victim", ["sleep", "1000"], { generation: 5 }));
      const kill = (generation: number, instance: string) =>
        jobs
          .kill(shell.target, "victim", { ...within, fence: { generation, instance } })
          .catch((error: unknown) => error);

      expect(await kill(4, INSTANCE)).toMatchObject({ code: "fenced_generation" });
      expect(await kill(6, OTHER_INSTANCE)).toMatchObject({ code: "fenced_instance" });
      expect((await read("victim")).state).toBe("running");
      expect(await kill(6, INSTANCE)).toBeUndefined();
      expect((await read("victim")).state).toBe("vanished");
    });

    test("only the newest jobs keep their folders, and one that runs keeps its own", async () => {
      await start(spec("a-that-runs", ["sleep", "1000"]));
      for (let number = 100; number < 100 + KEPT_JOBS + 5; number++) {
        await start(spec(`b-${number}`, ["true"]));
        await readUntil(`b-${number}`, "exited");
      }

      const kept = readdirSync(join(shell.home, ".spark-control/jobs")).sort();
      expect(kept).toContain("a-that-runs");
      expect(kept.filter((id) => id.startsWith("b-"))).toHaveLength(KEPT_JOBS);
      expect(kept).not.toContain("b-100");
    });

    test("a fenced stop stops for the newest generation only, under the lock, and never removes by force", async () => {
      const calls = join(shell.home, "calls");
      const isFree = `flock -n "$HOME/.spark-control/lock" true`;
      const docker = `#!/bin/sh\nif ${isFree}; then echo "not under the lock"; fi >>${calls}\necho "$@" >>${calls}\n`;
      writeFileSync(join(shell.bin, "docker"), docker, { mode: 0o755 });
      const stop = (generation: number, instance = INSTANCE) =>
        fencedStop(shell.ssh, shell.target, { generation, instance, container: "vllm_node", graceSeconds: 3 }, within);

      expect((await stop(5)).exitCode).toBe(0);
      expect(readFileSync(calls, "utf8")).toBe("stop -t 3 vllm_node\nrm vllm_node\n");
      const older = await stop(4).catch((reason: unknown) => reason);
      const foreign = await stop(6, OTHER_INSTANCE).catch((reason: unknown) => reason);

      expect(older).toMatchObject({ code: "fenced_generation", fence: { by: "generation", highest: 5 } });
      expect(foreign).toMatchObject({ code: "fenced_instance", fence: { by: "instance", instance: INSTANCE } });
      expect(readFileSync(calls, "utf8").split("\n")).toHaveLength(3);
    });

    test("the fence can be read, and taken over from the controller that was shown", async () => {
      expect(await readFence(shell.ssh, shell.target, within)).toEqual({ instance: null, generation: 0 });
      await start(spec("mine", ["true"], { generation: 7 }));
      expect(await readFence(shell.ssh, shell.target, within)).toEqual({ instance: INSTANCE, generation: 7 });

      const wrong = takeOver(shell.ssh, shell.target, { from: THIRD_INSTANCE, to: OTHER_INSTANCE }, within);
      expect(await wrong.catch((reason: unknown) => reason)).toMatchObject({ fence: { instance: INSTANCE } });
      await takeOver(shell.ssh, shell.target, { from: INSTANCE, to: OTHER_INSTANCE }, within);

      expect(await readFence(shell.ssh, shell.target, within)).toEqual({ instance: OTHER_INSTANCE, generation: 7 });
      const mine = await start(spec("late", ["true"], { generation: 8 })).catch((reason: unknown) => reason);
      expect(mine).toMatchObject({ fence: { instance: OTHER_INSTANCE } });
      const theirs = spec("theirs", ["true"], { instance: OTHER_INSTANCE, generation: 8 });
      expect(await start(theirs)).toEqual({ existed: false });
    });

    test("of concurrent starts none runs after one of a higher generation", async () => {
      const generations = [3, 8, 1, 6, 2, 7, 4, 5];
      const outcomes = await Promise.allSettled(
        generations.map((generation) => start(spec(`race-${generation}`, ["true"], { generation }))),
      );
      const ran = generations
        .filter((_, index) => outcomes[index]?.status === "fulfilled")
        // The record is written while the lock is held: its time orders the starts.
        .map((generation) => ({ generation, at: statSync(join(folder(`race-${generation}`), "process")).mtimeMs }))
        .sort((a, b) => a.at - b.at || a.generation - b.generation);
      expect(ran.map((one) => one.generation)).toEqual(ran.map((one) => one.generation).sort((a, b) => a - b));
      expect(ran.at(-1)?.generation).toBe(8);
      const refused = outcomes.filter((outcome) => outcome.status === "rejected");
      expect(refused.every((outcome) => outcome.reason instanceof FencedError)).toBe(true);
      const processes = readdirSync(join(shell.home, ".spark-control/jobs"));
      expect(processes.sort()).toEqual(ran.map((one) => `race-${one.generation}`).sort());
    });

    test("kill ends the whole group, children too, and leaves the job vanished", async () => {
      const childPid = join(shell.home, "child");
      await start(spec("group", ["sh", "-c", `sleep 60 & echo $! >${childPid}; trap '' TERM; wait`]));
      await until("the child runs", () => existsSync(childPid) && statSync(childPid).size > 0);
      await jobs.kill(shell.target, "group", within);
      expect(await read("group")).toMatchObject({ state: "vanished", exitCode: null });
      const child = Number(readFileSync(childPid, "utf8"));
      await until("the child is gone", () => !isRunning(child));
    });

    test("kill of a job that is over, or never was, does nothing", async () => {
      await start(spec("over", ["true"]));
      await readUntil("over", "exited");
      await jobs.kill(shell.target, "over", within);
      await jobs.kill(shell.target, "never", within);
      expect((await read("over")).state).toBe("exited");
      expect((await read("never")).state).toBe("absent");
    });

    test("a record from another boot means rebooted, and kill touches nothing", async () => {
      await start(spec("boot", ["sleep", "60"]));
      const record = readFileSync(join(folder("boot"), "process"), "utf8");
      const [pid, born] = record.split(" ");
      writeFileSync(join(folder("boot"), "process"), `${pid} ${born} 00000000-0000-4000-8000-000000000000\n`);
      expect((await read("boot")).state).toBe("rebooted");
      await jobs.kill(shell.target, "boot", within);
      expect(isRunning(Number(pid))).toBe(true);
      writeFileSync(join(folder("boot"), "process"), record);
      expect((await read("boot")).state).toBe("running");
    });

    test("a process id that was given to another process is not taken for the job", async () => {
      await start(spec("reused", ["sleep", "60"]));
      const record = readFileSync(join(folder("reused"), "process"), "utf8");
      const [pid, born, boot] = record.trim().split(" ");
      writeFileSync(join(folder("reused"), "process"), `${pid} ${Number(born) - 1} ${boot}\n`);
      expect((await read("reused")).state).toBe("vanished");
      await jobs.kill(shell.target, "reused", within);
      expect(isRunning(Number(pid))).toBe(true);
      writeFileSync(join(folder("reused"), "process"), record);
    });

    test("a process whose name has spaces and parentheses is recognised", async () => {
      const program = join(shell.home, "a) 1 (b");
      copyFileSync("/usr/bin/sleep", program);
      await Bun.$`chmod +x ${program}`.quiet();
      const child = Bun.spawn([program, "60"]);
      const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
      const born = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
      mkdirSync(folder("named"), { recursive: true });
      const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
      writeFileSync(join(folder("named"), "process"), `${child.pid} ${born} ${boot}`);
      expect(await read("named")).toMatchObject({ state: "running", pid: child.pid });
      child.kill();
      await child.exited;
      expect((await read("named")).state).toBe("vanished");
    });

    test("lists the jobs newest first with generation and state", async () => {
      await start(spec("0193-a", ["true"], { generation: 2 }));
      await start(spec("0194-b", ["sleep", "60"], { generation: 3 }));
      await readUntil("0193-a", "exited");
      expect(await jobs.list(shell.target, within)).toEqual([
        { id: "0194-b", generation: 3, state: "running" },
        { id: "0193-a", generation: 2, state: "exited" },
      ]);
    });

    test("lists nothing on a Spark that has never seen a job", async () => {
      expect(await jobs.list(shell.target, within)).toEqual([]);
    });

    test("a log read in chunks of any size is the log, byte for byte", async () => {
      const bytes = Uint8Array.from({ length: 3_000 }, (_, index) => (index * 7 + (index >> 8)) % 256);
      writeFileSync(join(shell.home, "bytes"), bytes);
      await start(spec("bytes", ["cat", join(shell.home, "bytes")]));
      await readUntil("bytes", "exited");
      const chunks: Uint8Array[] = [];
      let offset = 0;
      for (const size of [1, 700, 3, 256, 5_000, 10]) {
        const reading = await read("bytes", offset, size);
        expect(reading).toMatchObject({ skipped: 0, logSize: 3_000 });
        expect(reading.chunk.length).toBeLessThanOrEqual(size);
        chunks.push(reading.chunk);
        offset = reading.nextOffset;
      }
      expect(Buffer.concat(chunks)).toEqual(Buffer.from(bytes));
      expect(offset).toBe(3_000);
    });

    test("an offset behind the end answers with the end", async () => {
      await start(spec("short", ["printf", "abc"]));
      await readUntil("short", "exited");
      expect(await read("short", 99)).toMatchObject({ logSize: 3, nextOffset: 3, skipped: 0 });
    });

    test("a long log keeps its first and last bytes, and says what was dropped", async () => {
      const capped = createDetachedJobs(shell.ssh, CAP);
      await start(spec("long", ["seq", "1", "20000"]));
      await readUntil("long", "exited");
      const whole = Buffer.from(Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join(""));

      const head = await read("long", 0, 65_536, capped);
      const rest = await read("long", head.nextOffset, 65_536, capped);

      expect(Buffer.from(head.chunk)).toEqual(whole.subarray(0, CAP.headBytes));
      expect(head).toMatchObject({ skipped: 0, logSize: whole.length });
      expect(Buffer.from(rest.chunk)).toEqual(whole.subarray(whole.length - CAP.tailBytes));
      expect(rest).toMatchObject({ skipped: whole.length - CAP.headBytes - CAP.tailBytes, nextOffset: whole.length });
    });

    test("readers that follow a log while it is written and rotated see each byte at its offset", async () => {
      const capped = createDetachedJobs(shell.ssh, CAP);
      const lines = 'i=0; while [ "$i" -lt 6000 ]; do i=$((i + 1)); printf "%07d\\n" "$i"; done';
      await start(spec("follow", ["sh", "-c", lines]));
      const follow = async (maxBytes: number) => {
        let offset = 0;
        let skipped = 0;
        let seen = 0;
        await until("the log has been read", async () => {
          const reading = await read("follow", offset, maxBytes, capped);
          expect(Buffer.from(reading.chunk).equals(numbered(offset + reading.skipped, reading.chunk.length))).toBe(
            true,
          );
          seen += reading.chunk.length;
          skipped += reading.skipped;
          offset = reading.nextOffset;
          return reading.state === "exited" && offset === reading.logSize;
        });
        return { seen, skipped };
      };
      for (const { seen, skipped } of await Promise.all([900, 333, 2_500].map((maxBytes) => follow(maxBytes)))) {
        expect(seen + skipped).toBe(48_000);
        expect(seen).toBeGreaterThanOrEqual(CAP.headBytes);
      }
    });

    test("what a log drops is given back to the disk", async () => {
      const capped = createDetachedJobs(shell.ssh, { headBytes: 65_536, tailBytes: 131_072 });
      await start(spec("disk", ["head", "-c", "4000000", "/dev/urandom"]));
      await readUntil("disk", "exited");
      await read("disk", 0, 10, capped);
      expect(statSync(join(folder("disk"), "log")).blocks * 512).toBeLessThan(400_000);
    });

    test("the records are private to the user", async () => {
      await start(spec("private", ["true"]));
      await readUntil("private", "exited");
      const modes = readdirSync(folder("private")).map((file) => statSync(join(folder("private"), file)).mode & 0o077);
      expect(modes.every((mode) => mode === 0)).toBe(true);
      expect(modes.length).toBeGreaterThan(3);
    });
  });
}

/** Bytes of a log whose lines are `0000001`, `0000002`, … with eight bytes each. */
function numbered(offset: number, length: number): Buffer {
  const first = Math.floor(offset / 8);
  const lines = Array.from({ length: Math.ceil(length / 8) + 1 }, (_, index) => {
    return `${String(first + index + 1).padStart(7, "0")}\n`;
  });
  return Buffer.from(lines.join("")).subarray(offset % 8, (offset % 8) + length);
}

/** Zombies count as gone. */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
