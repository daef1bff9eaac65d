/** Figures of this process for Prometheus. */
import { collectDefaultMetrics, Registry } from "prom-client";

export interface Metrics {
  readonly registry: Registry;
  readonly contentType: string;
  /** All figures in the text format. */
  text(): Promise<string>;
}

/** A registry of its own, so that two controllers in one process (tests) do not share figures. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  // Memory, CPU, event loop lag of the process.
  collectDefaultMetrics({ register: registry, prefix: "spark_" });
  return { registry, contentType: registry.contentType, text: () => registry.metrics() };
}
