/** The harness of the benches: what it makes of figures. How fast the product is, only `bun run bench` says. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { requirement } from "../support/requirements.ts";
import { readEvents } from "./event-stream.ts";
import { exitCode, type Figure, verdict } from "./figure.ts";
import { firstAnswer } from "./first-answer.ts";
import { readNumberedLines } from "./numbered-lines.ts";
import { cpuSeconds, residentMb } from "./process-figures.ts";
import { median, percentile } from "./statistics.ts";
import { table } from "./table.ts";

const aFigure = (given: Partial<Figure> = {}): Figure => ({
  name: "start",
  unit: "ms",
  values: [300, 900, 310],
  bar: { below: 500 },
  ...given,
});
const describeLinux = requirement("figures of processes", process.platform === "linux", "needs /proc");
const SKIPPED = { name: "overhead", skipped: "needs root" };

describe("statistics", () => {
  test("the median of an odd number of values is the middle one, in whatever order they came", () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  test("the median of an even number of values is the mean of the two in the middle", () => {
    expect(median([4, 1, 100, 2])).toBe(3);
  });

  test("a percentile is one of the values", () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect([0, 0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([1, 100, 198, 200]);
  });

  test("no values have no median", () => {
    expect(() => median([])).toThrow(RangeError);
  });

  test("the values given are left in their order", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe("a verdict", () => {
  test("rests on the median, not on the worst round", () => {
    expect(verdict(aFigure({ values: [300, 900, 310] }))).toBe("pass");
    expect(verdict(aFigure({ values: [300, 900, 910] }))).toBe("FAIL");
  });

  test("`below` excludes the bar, `atMost` and `atLeast` include it", () => {
    expect(verdict(aFigure({ values: [500], bar: { below: 500 } }))).toBe("FAIL");
    expect(verdict(aFigure({ values: [500], bar: { atMost: 500 } }))).toBe("pass");
    expect(verdict(aFigure({ values: [501], bar: { atMost: 500 } }))).toBe("FAIL");
    expect(verdict(aFigure({ values: [500], bar: { atLeast: 500 } }))).toBe("pass");
    expect(verdict(aFigure({ values: [499], bar: { atLeast: 500 } }))).toBe("FAIL");
  });

  test("there is none without a bar", () => {
    expect(verdict(aFigure({ bar: null }))).toBe("");
  });
});

describe("the exit code", () => {
  const missed = aFigure({ values: [600] });

  test("is 0 when every bar is met", () => {
    expect(exitCode([aFigure(), aFigure({ bar: null })], false)).toBe(0);
  });

  test("is 1 when one bar is missed", () => {
    expect(exitCode([aFigure(), missed, aFigure()], false)).toBe(1);
  });

  test("counts what was skipped only when everything is required", () => {
    expect(exitCode([aFigure(), SKIPPED], false)).toBe(0);
    expect(exitCode([aFigure(), SKIPPED], true)).toBe(1);
  });

  test("is 2 for a bench that does not exist, which names those that do", async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "run.ts"), "nonsense"], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const said = await new Response(child.stderr).text();
    expect(await child.exited).toBe(2);
    expect(said).toContain(
      'no bench "nonsense". There are: start, ready, memory, log, lock, streams, overhead, gateway, sparks, services.',
    );
  });
});

describe("the table", () => {
  test("shows rounds, median, spread, bar and verdict, in columns", () => {
    const figures = [aFigure(), aFigure({ name: "memory", unit: "MB", values: [71.25], bar: { below: 150 } })];
    expect(table(figures).split("\n")).toEqual([
      "|        | rounds |  median |  spread |      bar |      |",
      "|--------|-------:|--------:|--------:|---------:|-----:|",
      "| start  |      3 |  310 ms | 300–900 | < 500 ms | pass |",
      "| memory |      1 | 71.3 MB |         | < 150 MB | pass |",
    ]);
  });

  test("says why something was skipped", () => {
    expect(table([aFigure(), SKIPPED])).toContain("| overhead | skipped: needs root |");
  });
});

describe("numbered lines", () => {
  const lines = (...numbers: number[]) =>
    numbers.map((number) => ({ text: `line ${String(number).padStart(6, "0")} ${1000 + number}`, receivedMs: 1500 }));

  test("all of them in order, among other lines: nothing is wrong", () => {
    const received = [{ text: "loading", receivedMs: 1 }, ...lines(1, 2, 3), { text: "line x", receivedMs: 2 }];
    expect(readNumberedLines(received, 3)).toEqual({ wrong: 0, latencies: [499, 498, 497], linesASecond: 1000 });
  });

  test("a progress bar may stand before one on its line", () => {
    const [first, second] = lines(1, 2);
    const received = [first!, { ...second!, text: `Loading shards: 50% | 1/2${second?.text}` }];
    expect(readNumberedLines(received, 2).wrong).toBe(0);
  });

  test("a lost, a doubled and a misplaced line each count", () => {
    expect(readNumberedLines(lines(1, 3), 3).wrong).toBe(1);
    expect(readNumberedLines(lines(1, 2, 2, 3), 3).wrong).toBe(1);
    expect(readNumberedLines(lines(1, 3, 2), 3).wrong).toBe(1);
  });

  test("a log that is cut short counts each line that did not come", () => {
    expect(readNumberedLines(lines(1, 2), 10).wrong).toBe(8);
  });

  test("none at all is an error, not a perfect score", () => {
    expect(() => readNumberedLines([{ text: "loading", receivedMs: 1 }], 3)).toThrow("no numbered lines came");
  });
});

describe("the reader of events", () => {
  test("puts events together that come in pieces, and passes over comments", async () => {
    const pieces = ["retry: 10\n\n: \n\nid: 1\nevent: log\nda", 'ta: {"text":"µ', '"}\n', "\ndata: 2\n\n"];
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () =>
        new Response(
          new ReadableStream({
            async start(controller) {
              for (const piece of pieces) {
                controller.enqueue(new TextEncoder().encode(piece));
                await Bun.sleep(0);
              }
              controller.close();
            },
          }),
        ),
    });
    const events = [];
    for await (const { event, data } of readEvents(server.url.href, new AbortController().signal))
      events.push({ event, data });
    expect(events).toEqual([
      { event: "log", data: { text: "µ" } },
      { event: "message", data: 2 },
    ]);
  });

  test("an answer that is no stream is an error", async () => {
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("", { status: 404 }) });
    await expect(readEvents(server.url.href, new AbortController().signal).next()).rejects.toThrow("answered 404");
  });
});

test("the prober goes on until the first success", async () => {
  const statuses = [503, 404, 200, 200];
  let asked = 0;
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("", { status: statuses[asked++] ?? 500 }),
  });
  await firstAnswer(server.url.origin, new AbortController().signal);
  expect(asked).toBe(3);
});

describeLinux("what /proc says of this process", () => {
  test("memory lies between a tenth and ten times what the runtime says", () => {
    const share = residentMb(process.pid) / (process.memoryUsage.rss() / 1e6);
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(10);
  });

  test("CPU time is what the runtime counts, but for a tick each of user and system", () => {
    const { user, system } = process.cpuUsage();
    expect(cpuSeconds(process.pid)).toBeGreaterThanOrEqual((user + system) / 1e6 - 0.02);
    const later = process.cpuUsage();
    expect(cpuSeconds(process.pid)).toBeLessThan((later.user + later.system) / 1e6 + 1);
  });
});
