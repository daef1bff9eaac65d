import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { etaOf, Pace, progressOf } from "../../../lib/downloads/progress.ts";
import { evidenceIn, explain, ScriptLog } from "../../../lib/downloads/script-log.ts";
import { verdictOf } from "../../../lib/downloads/verdict.ts";

const where = { head: "spark-1", copies: ["spark-2"], repo: "acme/big" };
const read = (...pieces: string[]) => {
  const log = new ScriptLog();
  for (const piece of pieces) log.push(new TextEncoder().encode(piece));
  return log;
};

describe("the script's log", () => {
  test("tells the phase, and of a progress bar its last state, however it is cut", () => {
    const whole =
      "Downloading model 'acme/big' using uvx...\n\rFetching 4 files:  0%\rFetching 4 files: 50%\r\nDownload completed in 00:10:00\nModel directory: /h/models--acme--big\n\nCopying model to 1 host(s): 10.0.0.2\n";
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 6 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const log = read(...at.slice(1).map((to, index) => whole.slice(at[index], to)));
        expect(log.phase).toBe("copying");
        expect(log.lines()).toEqual([
          "Downloading model 'acme/big' using uvx...",
          "Fetching 4 files: 50%",
          "Download completed in 00:10:00",
          "Model directory: /h/models--acme--big",
          "Copying model to 1 host(s): 10.0.0.2",
        ]);
      }),
    );
  });

  test("is kept in bounded space, and remembers the phase", () => {
    const log = read("Copying model 'x'\n", ...Array.from({ length: 40 }, (_, n) => `${n} ${"x".repeat(2_000)}\n`));
    expect(log.phase).toBe("copying");
    expect(log.lines().join("\n").length).toBeLessThan(33_000);
    expect(evidenceIn(log.lines())!.length).toBeLessThan(2_500);
  });
});

describe("a failure", () => {
  const signs: [string, string][] = [
    ["OSError: [Errno 28] No space left on device", "The disk of spark-1 or spark-2 is full."],
    [
      'rsync: write failed on "/h/x": No space left on device (28)\nCopy to 10.0.0.2 failed.',
      "The disk of spark-1 or spark-2 is full.",
    ],
    ["huggingface_hub.errors.GatedRepoError: 401 Client Error.", "Hugging Face does not give acme/big to everybody."],
    ["RepositoryNotFoundError: 404 Client Error.", "Hugging Face has no acme/big."],
    ["Error: 'uvx' command not found.", "spark-1 has no uvx, with which the download script works."],
    [
      "ssh: connect to host 10.0.0.2 port 22: No route to host\nCopy to 10.0.0.2 failed.",
      "The model is on spark-1, but could not be copied to spark-2.",
    ],
    ["requests.exceptions.ConnectionError: Max retries exceeded", "spark-1 does not reach huggingface.co."],
    ["Segmentation fault", "The download script ended with exit code 1: Segmentation fault"],
  ];
  for (const [said, reason] of signs)
    test(`is explained: ${said.slice(0, 50)}`, () => {
      const explained = explain(said.split("\n"), 1, where);
      expect(explained.reason).toBe(reason);
      expect(explained.advice).not.toBe("");
    });

  test("without a word is told as such", () => {
    expect(explain([], null, where).reason).toBe("The download script was killed without a word");
  });
});

describe("the end", () => {
  const on = (...bytes: (number | null)[]) => ({
    nodes: ["spark-1", "spark-2"],
    repo: "acme/big",
    on_disk: bytes.map((each, index) => ({ node: `spark-${index + 1}`, bytes: each })),
  });
  const exited = (exitCode: number | null) => ({ state: "exited" as const, exitCode });

  test("is good only when the files are there, on every Spark", () => {
    expect(verdictOf(on(100, 100), exited(0), []).state).toBe("done");
    expect(verdictOf(on(100, 99.5), exited(0), []).state).toBe("done");
    expect(verdictOf(on(100, 60), exited(0), [])).toMatchObject({
      state: "failed",
      reason: expect.stringContaining("spark-2 has not all"),
    });
    expect(verdictOf(on(100, null), exited(0), []).state).toBe("failed");
    expect(verdictOf(on(null, null), exited(0), []).reason).toContain("nothing of acme/big is on spark-1");
  });

  for (const state of ["vanished", "rebooted", "absent"] as const)
    test(`of a job that is ${state} is a failure that can be repeated`, () => {
      const verdict = verdictOf(on(100, 100), { state, exitCode: null }, []);
      expect(verdict.state).toBe("failed");
      expect(verdict.advice).toContain("Start it again");
    });
});

describe("the pace", () => {
  test("is that of the last half minute, and begins anew with a folder that shrank", () => {
    const pace = new Pace();
    pace.add(0, 0);
    expect(pace.bytesPerSecond).toBeNull();
    for (let second = 1; second <= 60; second += 1)
      pace.add(second * 1000, second <= 30 ? second * 100 : 3_000 + (second - 30) * 10);
    expect(pace.bytesPerSecond).toBe(10);
    pace.add(61_000, 5);
    expect(pace.bytesPerSecond).toBeNull();
  });

  test("gives the time that is left, when all of it is known", () => {
    expect(etaOf(40, 100, 10)).toBe(6);
    expect(etaOf(140, 100, 10)).toBe(0);
    for (const [bytes, total, speed] of [
      [null, 1, 1],
      [1, null, 1],
      [1, 1, null],
      [1, 1, 0],
    ] as const)
      expect(etaOf(bytes, total, speed)).toBeNull();
  });

  test("progress is of all Sparks together, and never whole before the end", () => {
    expect(progressOf([50, null], 100)).toBe(0.25);
    expect(progressOf([100, 100], 100)).toBe(0.99);
    expect(progressOf([50], null)).toBeNull();
  });
});
