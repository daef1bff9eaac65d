import { Gauge, type Registry } from "prom-client";

/** @param held asked at each scrape */
export function createHoldMetrics(registry: Registry, held: () => number): void {
  new Gauge({
    name: "spark_gateway_requests_held",
    help: "Requests that wait for a model that is not loaded",
    registers: [registry],
    collect() {
      this.set(held());
    },
  });
}
