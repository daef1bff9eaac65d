/** States of services for Prometheus: 1 for the state that each is in, as with any enumeration there. */
import { Gauge, type Registry } from "prom-client";

export interface ShownService {
  readonly name: string;
  readonly kind: string;
  readonly state: string;
}

/** @param services asked at each scrape */
export function createServiceMetrics(registry: Registry, services: () => readonly ShownService[]): void {
  new Gauge({
    name: "spark_service_state",
    help: "1: the service is in this state",
    labelNames: ["service", "kind", "state"],
    registers: [registry],
    collect() {
      // A state that was left, and a service that was removed, must not stay.
      this.reset();
      for (const { name, kind, state } of services()) this.set({ service: name, kind, state }, 1);
    },
  });
}
