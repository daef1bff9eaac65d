/** The soak of the gateway, short; `bun run campaign soak` runs it for half an hour. SOAK_SECONDS chooses another length. */
import { expect, test } from "bun:test";
import { slopeOf, soak, soakTable } from "../support/soak/soak.ts";

const SECONDS = Number(process.env.SOAK_SECONDS) || (process.env.REQUIRE_ALL === "1" ? 180 : 40);
/** Around it: start, end, a machine that is busy. */
const MARGIN_MS = 120_000;
/**
 * What single looks were apart on a quiet machine, after a collection each: 10 MB at most, so that a line through twenty of them
 * may rise by 8 MB though nothing grows. The shorter the time, the steeper that line.
 */
const NOISE_MB = 8;
const MOST_MB_PER_MINUTE = Math.max(1, NOISE_MB / (SECONDS / 2 / 60));
const MOST_LOOP_P99_MS = 50;

test(
  `${SECONDS} s of mixed traffic with swaps, clients that leave and an upstream that restarts`,
  async () => {
    const report = await soak(SECONDS, 1);
    console.log(soakTable(report));

    expect(report.wrong).toEqual([]);
    expect(report.stuck).toBe(0);
    expect(report.swaps).toBeGreaterThanOrEqual(2);
    for (const how of [
      "stream 200",
      "whole 200",
      "abandoned left",
      "broken upload left",
      "transcription 200",
      "speech 200",
      "rerank 200",
      "embeddings 200",
      "embeddings 502",
      "unknown 404",
    ])
      expect([how, (report.counts.get(how) ?? 0) > 0]).toEqual([how, true]);
    expect(report.slopeMbPerMinute).toBeLessThan(MOST_MB_PER_MINUTE);
    expect(report.loopP99Ms).toBeLessThan(MOST_LOOP_P99_MS);
  },
  SECONDS * 1000 + MARGIN_MS,
);

test("a slope is a slope", () => {
  expect(
    slopeOf([
      [0, 10],
      [1, 12],
      [2, 14],
    ]),
  ).toBeCloseTo(2);
});
