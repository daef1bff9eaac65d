/** What the gateway counts, by Prometheus' conventions: base units, `_total` for counters. No caller, no content. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Chats take from tens of milliseconds to half an hour. */
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800];

export interface FinishedRequest {
  readonly upstream: string;
  readonly route: string;
  readonly outcome: "complete" | "failed" | "left";
  readonly status: number | null;
  readonly seconds: number;
  readonly firstByteSeconds: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface UpstreamLoad {
  readonly upstream: string;
  readonly inFlight: number;
  readonly queued: number;
}

export interface GatewayMetrics {
  finished(request: FinishedRequest): void;
}

/** @param load asked at each scrape */
export function createGatewayMetrics(registry: Registry, load: () => readonly UpstreamLoad[]): GatewayMetrics {
  const registers = [registry];
  const where = ["upstream", "route"] as const;
  const requests = new Counter({
    name: "spark_gateway_requests_total",
    help: "Requests that are over, by outcome and by the status of the upstream's answer",
    labelNames: [...where, "outcome", "status"],
    registers,
  });
  const duration = new Histogram({
    name: "spark_gateway_request_duration_seconds",
    help: "From admission to the last byte",
    labelNames: [...where],
    buckets: SECONDS,
    registers,
  });
  const firstByte = new Histogram({
    name: "spark_gateway_first_byte_seconds",
    help: "From admission to the head of the upstream's answer",
    labelNames: [...where],
    buckets: SECONDS,
    registers,
  });
  const bytes = new Counter({
    name: "spark_gateway_bytes_total",
    help: "Bytes of bodies, in: to the upstream, out: to the client",
    labelNames: [...where, "direction"],
    registers,
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
    finished({ upstream, route, outcome, status, seconds, firstByteSeconds, bytesIn, bytesOut }) {
      const labels = { upstream, route };
      requests.inc({ ...labels, outcome, status: status === null ? "none" : String(status) });
      duration.observe(labels, seconds);
      if (firstByteSeconds !== null) firstByte.observe(labels, firstByteSeconds);
      if (bytesIn > 0) bytes.inc({ ...labels, direction: "in" }, bytesIn);
      if (bytesOut > 0) bytes.inc({ ...labels, direction: "out" }, bytesOut);
    },
  };
}
