import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Histogram, Registry } from "prom-client";
import { createGatewayMetrics, type FinishedRequest } from "../../../lib/metrics/gateway-metrics.ts";
import { RouteTallies, registerHistogram } from "../../../lib/metrics/route-tally.ts";

const BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800];
const FINISHED: FinishedRequest = {
  upstream: "slot:main",
  route: "/v1/chat/completions",
  outcome: "complete",
  status: 200,
  fault: null,
  queueSeconds: 0,
  seconds: 2,
  firstByteSeconds: 0.2,
  bytesIn: 100,
  bytesOut: 900,
  tokensIn: 7,
  tokensOut: null,
};

describe("figures by upstream and route", () => {
  test("property: a histogram reads as prom-client's own would", async () => {
    const observed = fc.record({
      upstream: fc.constantFrom("slot:main", 'service:"odd\\'),
      route: fc.constantFrom("/v1/chat/completions", "/v1/embeddings"),
      seconds: fc.oneof(fc.constantFrom(...BUCKETS), fc.double({ min: 0, max: 4000, noNaN: true })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(observed, { maxLength: 40 }), async (all) => {
        const [ours, theirs] = [new Registry(), new Registry()];
        const tallies = new RouteTallies();
        registerHistogram(ours, "x_seconds", "X", tallies, ({ duration }) => duration);
        const histogram = new Histogram({
          name: "x_seconds",
          help: "X",
          labelNames: ["upstream", "route"],
          buckets: BUCKETS,
          registers: [theirs],
        });
        for (const { upstream, route, seconds } of all) {
          tallies.of(upstream, route).duration.observe(seconds);
          histogram.observe({ upstream, route }, seconds);
        }
        const lines = async (of: Registry) => (await of.metrics()).split("\n").map(withSortedLabels).sort();

        expect(await lines(ours)).toEqual(await lines(theirs));
      }),
    );
  });

  test("requests, bytes and tokens are counted once, however often they are scraped", async () => {
    const registry = new Registry();
    const metrics = createGatewayMetrics(
      registry,
      () => [],
      () => 0,
    );
    for (let count = 0; count < 3; count++) metrics.finished(FINISHED);
    metrics.finished({ ...FINISHED, outcome: "left", status: null, tokensIn: null, firstByteSeconds: null });
    await registry.metrics();
    const text = await registry.metrics();

    expect(text).toContain('outcome="complete",status="200"} 3');
    expect(text).toContain('outcome="left",status="none"} 1');
    expect(text).toMatch(/^spark_gateway_bytes_total\{.*direction="out"\} 3600$/m);
    expect(text).toMatch(/^spark_gateway_tokens_total\{.*direction="in"\} 21$/m);
    expect(text).not.toMatch(/^spark_gateway_tokens_total\{.*direction="out"\}/m);
    expect(text).toMatch(/^spark_gateway_time_to_first_token_seconds_count\{.*\} 3$/m);
  });
});

const withSortedLabels = (line: string): string =>
  line.replace(
    /\{(.*)\}/,
    (_, labels: string) =>
      `{${labels
        .split(/,(?=\w+=)/)
        .sort()
        .join(",")}}`,
  );
