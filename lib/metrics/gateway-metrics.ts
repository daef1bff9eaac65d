/** What the gateway counts, by Prometheus' conventions: base units, `_total` for counters. No caller, no content. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Chats take from tens of milliseconds to half an hour. */
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800];
const UPSTREAM_BROKEN = 500;

export interface FinishedRequest {
  /** Null: refused before one was chosen. */
  readonly upstream: string | null;
  readonly route: string;
  readonly outcome: "complete" | "failed" | "left" | "refused";
  /** Of the upstream's answer. */
  readonly status: number | null;
  /** What was told in the place of an answer. */
  readonly fault: { readonly kind: string; readonly code: string } | null;
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
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, labelNames: [...where], buckets: SECONDS, registers });
  const requests = new Counter({
    name: "spark_gateway_requests_total",
    help: "Requests that are over, by outcome and by the status of the upstream's answer",
    labelNames: [...where, "outcome", "status"],
    registers,
  });
  const duration = histogram("spark_gateway_request_duration_seconds", "From admission to the last byte");
  const firstByte = histogram(
    "spark_gateway_time_to_first_token_seconds",
    "From admission to the first bytes of the answer's body: the first token, where it is streamed",
  );
  const queue = histogram("spark_gateway_queue_duration_seconds", "Waited for a place, of requests that had to wait");
  const bytes = new Counter({
    name: "spark_gateway_bytes_total",
    help: "Bytes of bodies, in: to the upstream, out: to the client",
    labelNames: [...where, "direction"],
    registers,
  });
  const tokens = new Counter({
    name: "spark_gateway_tokens_total",
    help: "Tokens as the answers tell them, in: of prompts, out: of answers",
    labelNames: [...where, "direction"],
    registers,
  });
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
      const { route, outcome, status, fault, bytesIn, bytesOut, tokensIn, tokensOut } = request;
      const upstream = request.upstream ?? "none";
      const labels = { upstream, route };
      requests.inc({ ...labels, outcome, status: status === null ? "none" : String(status) });
      if (request.queueSeconds > 0) queue.observe(labels, request.queueSeconds);
      if (outcome === "refused") return refused.inc({ route, code: fault?.code ?? "internal" });
      duration.observe(labels, request.seconds);
      if (request.firstByteSeconds !== null) firstByte.observe(labels, request.firstByteSeconds);
      if (bytesIn > 0) bytes.inc({ ...labels, direction: "in" }, bytesIn);
      if (bytesOut > 0) bytes.inc({ ...labels, direction: "out" }, bytesOut);
      if (tokensIn !== null) tokens.inc({ ...labels, direction: "in" }, tokensIn);
      if (tokensOut !== null) tokens.inc({ ...labels, direction: "out" }, tokensOut);
      // A body that is too large in mid-upload is the client's.
      const isClients = fault?.kind === "too_large";
      if (outcome === "failed" && !isClients) errors.inc({ upstream, code: fault?.code ?? "unknown" });
      else if (status !== null && status >= UPSTREAM_BROKEN) errors.inc({ upstream, code: `status_${status}` });
    },
  };
}
