/** The log keeper against a `docker` made of files: `there` says that the container exists, and holds its id. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDetachedJobs } from "../../../lib/ssh/detached-jobs.ts";
import type { DetachedJobs, JobReading } from "../../../lib/ssh/jobs.ts";
import { logKeeperArgv } from "../../../lib/ssh/log-keeper.ts";
import { requirement } from "../../support/requirements.ts";
import { type LocalShell, localShell, SHELLS } from "./local-shell.ts";
import { until } from "./sshd.ts";

setDefaultTimeout(60_000);

const DOCKER = `#!/bin/sh
cd "$HOME" || exit 1
printf '%s\\n' "$*" >>calls
case $1 in
inspect) [ -f there ] && cat there ;;
logs)
  printf 'out %s\\n' "$*"
  printf 'err %s\\n' "$*" >&2
  while [ -f attached ]; do sleep 0.05; done
  ;;
esac
`;
const within = { deadlineMs: 20_000 };
const INSTANCE = "0193b0a0-0000-7000-8000-000000000001";

for (const { name, path, available } of SHELLS) {
  requirement(
    `log keeper in ${name}`,
    available,
    `${path} is not installed`,
  )(`log keeper in ${name}`, () => {
    let shell: LocalShell;
    let jobs: DetachedJobs;
    const file = (name: string) => join(shell.home, name);
    /** Whole lines only: the file is there before its first line is. */
    const calls = () => (existsSync(file("calls")) ? readFileSync(file("calls"), "utf8").split("\n").slice(0, -1) : []);
    /** In one step: a look never meets half an id. */
    const appear = (id: string) => {
      writeFileSync(file("appearing"), `${id}\n`);
      renameSync(file("appearing"), file("there"));
    };
    const read = (): Promise<JobReading> => jobs.read(shell.target, "logs", { ...within, offset: 0, maxBytes: 65_536 });
    const start = (patienceSeconds?: number) =>
      jobs.start(
        shell.target,
        {
          id: "logs",
          generation: 1,
          instance: INSTANCE,
          argv: logKeeperArgv("vllm_node", patienceSeconds),
          env: {},
          cwd: "~",
        },
        within,
      );

    beforeEach(() => {
      shell = localShell(path);
      jobs = createDetachedJobs(shell.ssh);
      writeFileSync(join(shell.bin, "docker"), DOCKER);
      chmodSync(join(shell.bin, "docker"), 0o755);
    });
    afterEach(async () => {
      await jobs.kill(shell.target, "logs", within);
      shell.remove();
    });

    test("waits for the container, keeps both streams, reattaches while it is there and ends when it is gone", async () => {
      await start();
      await until("it looks for the container", () => calls().length > 0);
      expect(calls()[0]).toBe("inspect --type container --format {{.Id}} vllm_node");
      writeFileSync(file("attached"), "");
      appear("c0ffee");
      await until("it follows the log", () => calls().includes("logs -f c0ffee"));
      rmSync(file("attached"));
      await until("it reattaches", () => calls().some((call) => call.startsWith("logs -f --since ")));
      rmSync(file("there"));
      await until("it ends", async () => (await read()).state === "exited");

      const reading = await read();
      expect(reading.exitCode).toBe(0);
      const lines = new TextDecoder().decode(reading.chunk).trim().split("\n");
      expect(lines.slice(0, 2)).toEqual(["out logs -f c0ffee", "err logs -f c0ffee"]);
      expect(lines[2]).toMatch(/^out logs -f --since \d{10} c0ffee$/);
    });

    test("ends when another container has taken the name: that one's log is not its own", async () => {
      await start();
      writeFileSync(file("attached"), "");
      appear("c0ffee");
      await until("it follows the log", () => calls().includes("logs -f c0ffee"));
      appear("decaf");
      rmSync(file("attached"));
      await until("it ends", async () => (await read()).state === "exited");
      expect((await read()).exitCode).toBe(0);
      expect(calls().filter((call) => call.startsWith("logs "))).toEqual(["logs -f c0ffee"]);
    });

    test("gives up when the container does not appear", async () => {
      await start(1);
      await until("it ends", async () => (await read()).state === "exited");
      const reading = await read();
      expect(reading.exitCode).toBe(1);
      expect(new TextDecoder().decode(reading.chunk)).toBe("container vllm_node did not appear within 1 s\n");
    });
  });
}
