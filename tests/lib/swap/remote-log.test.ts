import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { JobReading } from "../../../lib/swap/cluster.ts";
import { RemoteLog } from "../../../lib/swap/remote-log.ts";
import { RunLog } from "../../../lib/swap/run-log.ts";
import { until } from "../../support/until.ts";
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

  test("are read to their end without a pause while there is more", async () => {
    const jobs = new Jobs();
    jobs.write("spark-1/swap-1", `${"x".repeat(1023)}\n`.repeat(3 * 1024 + 1));
    let lines = 0;
    const over = new AbortController();
    const ends = jobs.open().readToEnd(() => lines++, { followMs: 60_000, settleLookMs: 0 }, over.signal);

    await until("all of it was read", () => lines === 3 * 1024 + 1);

    over.abort(new Error("that was all"));
    await ends.catch(() => {});
  });
});

describe("a log that is read a second time, as after a restart of the controller", () => {
  /** What a Spark keeps: the first bytes and the last ones; the middle goes once it is long enough, and was read. */
  class LongLog {
    #bytes = new Uint8Array();
    #hole: { from: number; to: number } | null = null;
    readonly control = someSparks({
      readJob: (_node, id, asked, most) => {
        const bytes = id.endsWith("-log") ? new Uint8Array() : this.#bytes;
        const hole = id.endsWith("-log") ? null : this.#hole;
        const isIn = hole !== null && asked >= hole.from && asked < hole.to;
        const offset = isIn ? hole.to : Math.min(asked, bytes.length);
        const end = hole !== null && offset < hole.from ? hole.from : bytes.length;
        const chunk = bytes.slice(offset, Math.min(end, offset + most));
        const skipped = Math.max(0, offset - asked);
        return Promise.resolve({ ...RUNNING, chunk, nextOffset: offset + chunk.length, skipped });
      },
    });

    write(text: string): void {
      this.#bytes = new Uint8Array(Buffer.concat([this.#bytes, new TextEncoder().encode(text)]));
    }

    dropMiddle(from: number, to: number): void {
      if (to > from) this.#hole = { from, to };
    }
  }
  const RUNNING = { state: "running", exitCode: null } as const;
  const HEAD_BYTES = 50;

  /** Reads until nothing is left; what is new goes to the store, as a run does it. */
  async function readAll(log: LongLog, store: { line: string; end: number | undefined }[]): Promise<void> {
    const run = new RunLog({
      writeLog: (_source, line, end) => void store.push({ line, end }),
      leg: () => "forward",
      readTo: () => new Map([["launch", Math.max(0, ...store.map(({ end = 0 }) => end))]]),
    });
    const remote = new RemoteLog(log.control, [aNode("spark-1")], "swap-1", run.begin());
    for (let again = 2; again > 0; again--) {
      const { segments, more } = await remote.read(never);
      for (const segment of segments) if (segment.final) run.take(segment);
      if (more) again = 2;
    }
  }

  const piece = fc.oneof(
    fc.string({ maxLength: 30 }).map((text) => `${text}\n`),
    fc.constantFrom("shards: 10%\r", "half a ", "Größe 模型\r\n", `${"long 模 ".repeat(4_000)}`, "\n"),
  );

  test("property: no line is missing or twice, however long lines are, and though the middle of what was read is dropped", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(piece, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
        async (turns, drops) => {
          const undisturbed: { line: string; end: number | undefined }[] = [];
          const whole = new LongLog();
          whole.write(turns.flat().join(""));
          await readAll(whole, undisturbed);

          const log = new LongLog();
          const adopted: typeof undisturbed = [];
          for (const [turn, pieces] of turns.entries()) {
            log.write(pieces.join(""));
            await readAll(log, adopted);
            log.dropMiddle(HEAD_BYTES, Math.floor((drops[turn] ?? 0) * (adopted.at(-1)?.end ?? 0)));
          }

          expect(adopted).toEqual(undisturbed);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("tells what was dropped before any controller has read it, and counts only that", async () => {
    const log = new LongLog();
    const store: { line: string; end: number | undefined }[] = [];
    log.write(`${"a".repeat(99)}\n`);
    await readAll(log, store);
    log.write(`${"b".repeat(99)}\n${"c".repeat(99)}\n`);
    log.dropMiddle(HEAD_BYTES, 250);

    await readAll(log, store);
    await readAll(log, store);

    expect(store).toEqual([
      { line: "a".repeat(99), end: 100 },
      { line: "… 150 bytes of this log were dropped …", end: 250 },
      { line: "c".repeat(49), end: 300 },
    ]);
  });
});
