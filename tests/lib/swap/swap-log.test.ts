import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { openStore } from "../../../lib/store/store.ts";
import type { LogLine } from "../../../lib/swap/swap.ts";
import { KEPT_LOGS, SwapLog } from "../../../lib/swap/swap-log.ts";

class Opened implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "spark-swap-log-"));
  readonly #store = openStore(this.#folder);
  #seconds = 0;
  log = this.#open();

  /** Forgets what is only in memory, as a restart of the process does. */
  restart(): void {
    this.log = this.#open();
  }

  #open(): SwapLog {
    const start = Date.parse("2026-01-01T00:00:00Z");
    return new SwapLog(this.#store.telemetry, () => new Date(start + 1000 * this.#seconds++).toISOString());
  }

  [Symbol.dispose](): void {
    this.#store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const numbers = (lines: readonly LogLine[]) => lines.map(({ seq }) => seq);
const texts = (lines: readonly LogLine[]) => lines.map(({ line }) => line);

describe("the lines of a swap", () => {
  test("are numbered from 1, each swap on its own", () => {
    using opened = new Opened();
    opened.log.append("job-1", "launch", "one");
    opened.log.append("job-2", "launch", "other");
    opened.log.append("job-1", "spark-2", "two");

    expect(opened.log.read("job-1", 0, 10)).toEqual([
      { seq: 1, at: "2026-01-01T00:00:00.000Z", source: "launch", line: "one" },
      { seq: 2, at: "2026-01-01T00:00:02.000Z", source: "spark-2", line: "two" },
    ]);
    expect(numbers(opened.log.read("job-2", 0, 10))).toEqual([1]);
    expect(opened.log.read("job-3", 0, 10)).toEqual([]);
  });

  test("are read from any number on, as many as asked for", () => {
    using opened = new Opened();
    for (const line of ["a", "b", "c", "d"]) opened.log.append("job-1", "launch", line);

    expect(texts(opened.log.read("job-1", 1, 2))).toEqual(["b", "c"]);
    expect(texts(opened.log.read("job-1", 4, 2))).toEqual([]);
  });

  test("tell up to where the remote log of each source was read, after a restart too", () => {
    using opened = new Opened();
    opened.log.append("job-1", "launch", "x", 2);
    opened.log.append("job-1", "spark-2", "y", 70);
    opened.log.append("job-1", "launch", "z", 4);
    opened.log.append("job-1", "controller", "our own");
    opened.restart();

    expect(Object.fromEntries(opened.log.readTo("job-1"))).toEqual({ launch: 4, "spark-2": 70 });
    expect(opened.log.readTo("job-2").size).toBe(0);
  });

  test("property: have no gap and no number twice, whatever restarts and ends in between", () => {
    const action = fc.constantFrom("append", "append", "append", "restart", "settle", "read");
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        using opened = new Opened();
        let appended = 0;
        for (const each of actions) {
          if (each === "append") opened.log.append("job-1", "launch", `line ${++appended}`);
          if (each === "restart") opened.restart();
          if (each === "settle") opened.log.settle("job-1");
          if (each === "read") opened.log.read("job-1", 0, 1);
        }

        const lines = opened.log.read("job-1", 0, 100);

        expect(numbers(lines)).toEqual(Array.from({ length: appended }, (_each, index) => index + 1));
        expect(texts(lines)).toEqual(Array.from({ length: appended }, (_each, index) => `line ${index + 1}`));
      }),
      { numRuns: 40 },
    );
  });
});

describe("who follows a swap", () => {
  test("gets every line from then on, in order, and none of another swap", () => {
    using opened = new Opened();
    const seen: string[] = [];
    opened.log.append("job-1", "launch", "before");

    opened.log.follow("job-1", ({ seq, line }) => seen.push(`${seq} ${line}`));
    for (const [job, line] of [
      ["job-1", "two"],
      ["job-2", "other"],
      ["job-1", "three"],
    ] as const)
      opened.log.append(job, "launch", line);

    expect(seen).toEqual(["2 two", "3 three"]);
  });

  test("gets no line after the end of following; others go on", () => {
    using opened = new Opened();
    const one: string[] = [];
    const two: string[] = [];
    const end = opened.log.follow("job-1", ({ line }) => one.push(line));
    opened.log.follow("job-1", ({ line }) => two.push(line));
    opened.log.append("job-1", "launch", "a");

    end();
    end();
    opened.log.append("job-1", "launch", "b");

    expect([one, two]).toEqual([["a"], ["a", "b"]]);
  });

  test("misses nothing between reading and following", () => {
    using opened = new Opened();
    opened.log.append("job-1", "launch", "a");
    const seen: number[] = [];

    opened.log.follow("job-1", ({ seq }) => seen.push(seq));
    const read = numbers(opened.log.read("job-1", 0, 100));
    opened.log.append("job-1", "launch", "b");

    expect([...read, ...seen]).toEqual([1, 2]);
  });
});

describe("the store of logs is bounded", () => {
  test("when a swap ends, the logs of the newest ones are kept and the others go", () => {
    using opened = new Opened();
    const jobs = Array.from({ length: KEPT_LOGS + 3 }, (_each, index) => `job-${index}`);
    for (const job of jobs) opened.log.append(job, "launch", "line");

    opened.log.settle(jobs.at(-1)!);

    const kept = jobs.filter((job) => opened.log.read(job, 0, 1).length > 0);
    expect(kept).toEqual(jobs.slice(3));
  });
});
