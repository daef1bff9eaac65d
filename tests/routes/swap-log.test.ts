/** The log of a swap over HTTP: pages of it, and the whole as a file. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LogLine } from "../../lib/swap/swap.ts";
import { type Demo, startDemo } from "../support/demo.ts";

const LINES = 5_000;

describe("the log of a swap", () => {
  let demo: Demo;
  let job: string;
  let total: number;
  beforeAll(async () => {
    demo = await startDemo();
    job = (await demo.swap("gpt-oss-20b")).job_id;
    for (let number = 1; number <= LINES; number++) demo.plane.swapLog.append(job, "launch", `extra ${number}\t<b>`);
    total = demo.plane.swapLog.lastSeq(job);
  });
  afterAll(() => demo?.close());

  const page = async (query: string) => {
    const answer = await fetch(`${demo.url}/api/swap/${job}/lines${query}`);
    return { status: answer.status, ...((await answer.json()) as { lines: LogLine[]; last_seq: number }) };
  };
  const numbers = (lines: readonly LogLine[]) => lines.map(({ seq }) => seq);
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

  test("without a place gives the last lines, in order", async () => {
    const { lines, last_seq } = await page("?limit=10");

    expect(last_seq).toBe(total);
    expect(numbers(lines)).toEqual(range(total - 9, total));
  });

  test("goes on after a line, and back before one", async () => {
    expect(numbers((await page("?after=100&limit=3")).lines)).toEqual([101, 102, 103]);
    expect(numbers((await page("?before=100&limit=3")).lines)).toEqual([97, 98, 99]);
    expect(numbers((await page("?after=100&before=103")).lines)).toEqual([101, 102]);
    expect((await page(`?after=${total}`)).lines).toEqual([]);
  });

  test("never gives more than 2,000 lines at once, and refuses what makes no sense", async () => {
    expect((await page("")).lines).toHaveLength(2_000);
    expect((await page("?limit=2001")).status).toBe(422);
    expect((await page("?after=-1")).status).toBe(422);
    expect((await fetch(`${demo.url}/api/swap/nothing/lines`)).status).toBe(404);
    expect((await fetch(`${demo.url}/api/swap/nothing/log`)).status).toBe(404);
  });

  test("the whole is a text file to keep, with every line once", async () => {
    const answer = await fetch(`${demo.url}/api/swap/${job}/log`);
    const text = await answer.text();

    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(answer.headers.get("content-disposition")).toMatch(/^attachment; filename="gpt-oss-20b-[\dT-]+\.log"$/);
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(total);
    expect(lines.filter((line) => line.includes("\textra "))).toHaveLength(LINES);
    expect(lines.at(-1)).toEndWith(`\tlaunch\textra ${LINES}\t<b>`);
  });

  test("one that grows is told to the event stream, four times a second at most", async () => {
    const over = new AbortController();
    const stream = await fetch(`${demo.url}/api/events`, { signal: over.signal });
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    let said = (await reader.read()).value ?? "";
    for (let number = 1; number <= 1_000; number++) demo.plane.swapLog.append(job, "launch", "more");

    const last = `event: log\ndata: {"job_id":"${job}","last_seq":${total + 1_000}}`;
    while (!said.includes(last)) said += (await reader.read()).value ?? "";

    expect(said.split("event: log\n").length - 1).toBe(1);
    over.abort();
  });
});
