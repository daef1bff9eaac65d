import { describe, expect, test } from "bun:test";
import type { JobReading } from "../../../lib/swap/cluster.ts";
import { RemoteLog } from "../../../lib/swap/remote-log.ts";
import { aNode, someSparks } from "./_fixtures.ts";

const never = new AbortController().signal;
const MIB = 1 << 20;

/** Jobs with a log each, by `node/id`; what is not there is absent. */
class Jobs {
  readonly logs = new Map<
    string,
    { text: string; state: JobReading["state"]; exitCode: number | null; skipped: number }
  >();
  readonly control = someSparks({
    readJob: (node, id, offset, maxBytes) => {
      const job = this.logs.get(`${node.name}/${id}`);
      if (!job)
        return Promise.resolve({
          state: "absent",
          exitCode: null,
          chunk: new Uint8Array(),
          nextOffset: offset,
          skipped: 0,
        });
      const { state, exitCode, skipped } = job;
      const chunk = new TextEncoder().encode(job.text).slice(offset, offset + maxBytes);
      return Promise.resolve({ state, exitCode, chunk, nextOffset: offset + chunk.length, skipped });
    },
  });

  write(
    job: string,
    text: string,
    given: { state?: JobReading["state"]; exitCode?: number; skipped?: number } = {},
  ): void {
    const before = this.logs.get(job)?.text ?? "";
    this.logs.set(job, {
      text: before + text,
      state: given.state ?? "running",
      exitCode: given.exitCode ?? null,
      skipped: given.skipped ?? 0,
    });
  }

  open(): RemoteLog {
    return new RemoteLog(this.control, [aNode("spark-1"), aNode("spark-2")], "swap-1");
  }
}

const lines = async (log: RemoteLog) =>
  (await log.read(never)).segments.filter(({ final }) => final).map(({ source, text }) => `${source}: ${text}`);

describe("the logs of a launch", () => {
  test("are the launcher's on the head and the container's on each node, each under its name", async () => {
    const jobs = new Jobs();
    jobs.write("spark-1/swap-1", "Starting cluster\n");
    jobs.write("spark-1/swap-1-log", "rank 0\n");
    jobs.write("spark-2/swap-1-log", "rank 1\n");

    expect(await lines(jobs.open())).toEqual(["launch: Starting cluster", "spark-1: rank 0", "spark-2: rank 1"]);
  });

  test("are read on where the reading before ended, lines of one source never mixed with another's", async () => {
    const jobs = new Jobs();
    const log = jobs.open();
    jobs.write("spark-1/swap-1", "one\nhal");
    jobs.write("spark-2/swap-1-log", "oth");
    expect(await lines(log)).toEqual(["launch: one"]);

    jobs.write("spark-1/swap-1", "f\n");
    jobs.write("spark-2/swap-1-log", "er\n");

    expect(await lines(log)).toEqual(["launch: half", "spark-2: other"]);
    expect(await lines(log)).toEqual([]);
  });

  test("give their last, unfinished line when their job has ended", async () => {
    const jobs = new Jobs();
    const log = jobs.open();
    jobs.write("spark-1/swap-1", "Error: the last wo", { state: "running" });
    expect(await lines(log)).toEqual([]);

    jobs.write("spark-1/swap-1", "rds", { state: "exited", exitCode: 1 });

    expect(await lines(log)).toEqual(["launch: Error: the last words"]);
  });

  test("say when bytes were dropped before they could be read", async () => {
    const jobs = new Jobs();
    jobs.write("spark-1/swap-1", "after\n", { skipped: 4096 });

    expect(await lines(jobs.open())).toEqual(["launch: … 4096 bytes of this log were dropped …", "launch: after"]);
  });

  test("tell how the launcher is, whatever the others do", async () => {
    const jobs = new Jobs();
    jobs.write("spark-1/swap-1", "", { state: "exited", exitCode: 125 });
    jobs.write("spark-1/swap-1-log", "", { state: "running" });

    expect((await jobs.open().read(never)).launcher).toMatchObject({ state: "exited", exitCode: 125 });
  });

  test("larger than one reading say that there is more", async () => {
    const jobs = new Jobs();
    jobs.write("spark-2/swap-1-log", `${"x".repeat(1023)}\n`.repeat(1024 + 1));
    const log = jobs.open();

    const first = await log.read(never);
    const second = await log.read(never);

    expect([first.more, second.more]).toEqual([true, false]);
    expect(first.segments).toHaveLength(MIB / 1024);
    expect(second.segments).toHaveLength(1);
  });
});
