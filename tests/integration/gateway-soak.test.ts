/** The soak of the gateway, short; `bun run campaign soak` runs it for half an hour. SOAK_SECONDS chooses another length. */
import { expect, test } from "bun:test";
import { slopeOf, soak, soakTable } from "../support/soak/soak.ts";

const SECONDS = Number(process.env.SOAK_SECONDS) || (process.env.REQUIRE_ALL === "1" ? 180 : 40);
/** Around it: start, end, a machine that is busy. */
const MARGIN_MS = 120_000;
/** What the collector leaves lying may look like a slope for minutes; half an hour tells better. */
const MOST_GROWTH_MB = 120;
/** The bar is 50 ms where nothing else runs; here it is only told from a loop that stands still. */
const STANDSTILL_MS = 2_000;

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
      "embeddings 200",
      "embeddings 502",
      "unknown 404",
    ])
      expect([how, (report.counts.get(how) ?? 0) > 0]).toEqual([how, true]);
    expect((report.slopeMbPerMinute * SECONDS) / 60).toBeLessThan(MOST_GROWTH_MB);
    expect(report.middleP99Ms).toBeLessThan(STANDSTILL_MS);
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
