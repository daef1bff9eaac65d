/** What the Sparks work on now, as far as anybody here knows. Pure. */
import type { SlotStatus } from "../swap/slots.ts";
import type { SwapJob } from "../swap/swap.ts";
import type { Service } from "../topology/topology.ts";
import type { Work } from "./busy.ts";

export interface WorkFacts {
  /** Requests of the gateway in flight, by `slot:NAME` and `service:NAME`. */
  readonly load: readonly { readonly upstream: string; readonly inFlight: number }[];
  readonly slots: readonly Pick<SlotStatus, "name" | "nodes" | "requests">[];
  readonly services: readonly Pick<Service, "name" | "node">[];
  /** Swaps under way. */
  readonly swaps: readonly Pick<SwapJob, "slot" | "nodes" | "state" | "model_name">[];
}

/** Of a swap: it works the Sparks. */
const LOADS: ReadonlySet<SwapJob["state"]> = new Set(["launching", "loading", "verifying"]);

/** Requests of the gateway, what each vLLM says of itself, and what is being loaded. */
export function workOf({ load, slots, services, swaps }: WorkFacts): Work[] {
  const through = new Map(load.map(({ upstream, inFlight }) => [upstream, inFlight]));
  return [
    ...slots.map(({ name, nodes, requests }) => {
      const own = through.get(`slot:${name}`) ?? 0;
      return { name, nodes, requests: Math.max(own, requests?.running ?? 0) };
    }),
    ...services.map(({ name, node }) => {
      return { name, nodes: node === null ? [] : [node], requests: through.get(`service:${name}`) ?? 0 };
    }),
    ...swaps
      .filter(({ state }) => LOADS.has(state))
      .map(({ slot: name, nodes, model_name: loads }) => ({ name, nodes, requests: 0, loads })),
  ];
}
