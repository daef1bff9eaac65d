/** What the board of services is given. */
import type { SlotStatus } from "../swap/slots.ts";
import type { Service as ConfiguredService, Topology } from "../topology/topology.ts";
import type { Work } from "./busy.ts";
import type { Conditions } from "./conditions.ts";
import type { Service } from "./service.ts";
import type { Sight } from "./sight.ts";

export interface BoardMeans {
  readonly conditions: Conditions;
  readonly sight: Sight;
  topology(): Topology;
  slots(): readonly SlotStatus[];
  /** What slots and services work on now. */
  work(): readonly Work[];
  /** Requests that the gateway has in flight to a service. */
  inFlight(service: string): number;
  /** Milliseconds since 1970. */
  now(): number;
  random(): number;
  /** What is shown of it has changed. */
  onChange(service: Service): void;
  /** What was told last, in an earlier process too. */
  told(name: string): "up" | "down" | null;
  /** Makes it durable. */
  tell(service: ConfiguredService, is: "up" | "down"): void;
  /** It has failed and may be restarted. */
  restart(name: string): void;
  /** It is left alone from now on. */
  giveUp(name: string, why: string): void;
  report(error: unknown): void;
}
