/** What the gateway counts, by Prometheus' conventions: base units, `_total` for counters. No caller, no content. */
import { Counter, Gauge, type Registry } from "prom-client";
import { hasUpstreamFailed, isSenders } from "../fault.ts";
import { RouteTallies, type RouteTally, registerHistogram, type SecondsTally } from "./route-tally.ts";

export interface FinishedRequest {
  /** Null: refused before one was chosen. */
  readonly upstream: string | null;
  readonly route: string;
  readonly outcome: "complete" | "failed" | "left" | "refused";
  /** Of the upstream's answer. */
  readonly status: number | null;
  /** What was told in the place of an answer. */
  readonly fault: { readonly code: string } | null;
  readonly queueSeconds: number;
  readonly seconds: number;
  readonly firstByteSeconds: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly tokensIn: number | null;
  readonly tokensOut: number | null;
}

export interface UpstreamLoad {
  readonly upstream: string;
  readonly inFlight: number;
  readonly queued: number;
}

export interface GatewayMetrics {
  finished(request: FinishedRequest): void;
}

/**
 * @param load    asked at each scrape
 * @param skipped requests that the activity list does not have; asked at each scrape
 */
export function createGatewayMetrics(
  registry: Registry,
  load: () => readonly UpstreamLoad[],
  skipped: () => number,
): GatewayMetrics {
  const registers = [registry];
  const where = ["upstream", "route"] as const;
  const tallies = new RouteTallies();
  const histogram = (name: string, help: string, of: (tally: RouteTally) => SecondsTally) =>
    registerHistogram(registry, name, help, tallies, of);
  new Counter({
    name: "spark_gateway_requests_total",
    help: "Requests that are over, by outcome and by the status of the upstream's answer",
    labelNames: [...where, "outcome", "status"],
    registers,
    collect() {
      this.reset();
      for (const tally of tallies)
        for (const { outcome, status, count } of tally.requests())
          this.inc({ ...tally.labels, outcome, status }, count);
    },
  });
  histogram("spark_gateway_request_duration_seconds", "From admission to the last byte", ({ duration }) => duration);
  histogram(
    "spark_gateway_time_to_first_token_seconds",
    "From admission to the first bytes of the answer's body: the first token, where it is streamed",
    ({ firstByte }) => firstByte,
  );
  histogram(
    "spark_gateway_queue_duration_seconds",
    "Waited for a place, of requests that had to wait",
    ({ queue }) => queue,
  );
  const bothWays = (name: string, help: string, of: (tally: RouteTally) => { in: number; out: number }) =>
    new Counter({
      name,
      help,
      labelNames: [...where, "direction"],
      registers,
      collect() {
        this.reset();
        for (const tally of tallies)
          for (const [direction, value] of Object.entries(of(tally)))
            if (value > 0) this.inc({ ...tally.labels, direction }, value);
      },
    });
  bothWays(
    "spark_gateway_bytes_total",
    "Bytes of bodies, in: to the upstream, out: to the client",
    ({ bytesIn, bytesOut }) => ({ in: bytesIn, out: bytesOut }),
  );
  bothWays(
    "spark_gateway_tokens_total",
    "Tokens as the answers tell them, in: of prompts, out: of answers",
    ({ tokensIn, tokensOut }) => ({ in: tokensIn, out: tokensOut }),
  );
  const errors = new Counter({
    name: "spark_gateway_upstream_errors_total",
    help: "Requests that an upstream failed: no answer, a broken one, or a status from 500 on",
    labelNames: ["upstream", "code"],
    registers,
  });
  const refused = new Counter({
    name: "spark_gateway_refused_total",
    help: "Requests that were not passed on, by the code of the error",
    labelNames: ["route", "code"],
    registers,
  });
  new Counter({
    name: "spark_activity_skipped_total",
    help: "Requests that are counted but not listed, because too many came at once",
    registers,
    collect() {
      this.reset();
      this.inc(skipped());
    },
  });
  const gauge = (name: string, help: string, value: (of: UpstreamLoad) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ["upstream"],
      registers,
      collect() {
        for (const one of load()) this.set({ upstream: one.upstream }, value(one));
      },
    });
  gauge("spark_gateway_requests_in_flight", "Requests that an upstream works on", ({ inFlight }) => inFlight);
  gauge("spark_gateway_requests_queued", "Requests that wait for a place", ({ queued }) => queued);
  return {
    finished(request) {
      const { route, outcome, status, fault } = request;
      const upstream = request.upstream ?? "none";
      const tally = tallies.of(upstream, route);
      tally.ended(outcome, status);
      if (request.queueSeconds > 0) tally.queue.observe(request.queueSeconds);
      if (outcome === "refused") return refused.inc({ route, code: fault?.code ?? "internal" });
      tally.duration.observe(request.seconds);
      if (request.firstByteSeconds !== null) tally.firstByte.observe(request.firstByteSeconds);
      tally.bytesIn += request.bytesIn;
      tally.bytesOut += request.bytesOut;
      tally.tokensIn += request.tokensIn ?? 0;
      tally.tokensOut += request.tokensOut ?? 0;
      if (!hasUpstreamFailed(request)) return;
      const isTold = outcome === "failed" && !isSenders(fault);
      errors.inc({ upstream, code: isTold ? (fault?.code ?? "unknown") : `status_${status}` });
    },
  };
}
