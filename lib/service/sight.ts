/** How services are looked at: their containers in one round trip a Spark, and each at its own port. */
import { Fault } from "../fault.ts";
import { type Service as ConfiguredService, type Node, type Topology, usableNode } from "../topology/topology.ts";
import type { Answer, Seen, SeenContainer } from "./judge.ts";
import { type Ask, type HttpAnswer, probe } from "./probe.ts";

export interface SeenImage extends SeenContainer {
  readonly image: string;
}

/** Where a service answers. */
export interface Address {
  /** Such as `http://10.77.0.12:8000`. */
  readonly origin: string;
  /** For the `Host` header; null where an address is all that is known. */
  readonly host: string | null;
}

export interface SightMeans {
  topology(): Topology;
  /** Null while it is not known. */
  address(service: ConfiguredService, signal: AbortSignal): Promise<Address | null>;
  /** In one round trip; a name that is not in the answer is no container there. @throws Fault */
  inspect(node: Node, names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, SeenImage>>;
  ask(url: string, init: RequestInit, deadlineMs: number, signal: AbortSignal): Promise<HttpAnswer>;
}

export interface Sighting {
  readonly service: ConfiguredService;
  readonly seen: Seen;
  readonly answer: Answer;
  readonly url: string | null;
  readonly image: string | null;
}

export class Sight {
  constructor(private readonly means: SightMeans) {}

  /**
   * Services of one Spark, or of none. What cannot be asked is part of the answer.
   * @param tell called for each as soon as it is there: one that hangs keeps no other back
   */
  async look(
    services: readonly ConfiguredService[],
    signal: AbortSignal,
    tell: (sighting: Sighting) => void,
  ): Promise<void> {
    const containers = this.#inspect(services, signal);
    await Promise.all(
      services.map(async (service) => {
        const [seenOf, { answer, url }] = await Promise.all([containers, this.#probe(service, signal)]);
        const seen = seenOf(service);
        const image = seen.how === "looked" && seen.container ? (seen.container as SeenImage).image : null;
        signal.throwIfAborted();
        tell({ service, seen, answer, url, image });
      }),
    );
  }

  /** Asks a service with its own address in front. @throws Fault 503 while that is not known */
  async asker(service: ConfiguredService, signal: AbortSignal): Promise<Ask> {
    const place = await this.means.address(service, signal);
    if (!place) throw new Fault("unavailable", "no_address", `The address of ${service.name} is not known.`);
    return this.#asking(place);
  }

  #asking({ origin, host }: Address): Ask {
    const added = host === null ? {} : { host };
    return (path, init, deadlineMs, signal) => {
      const headers = { ...(init.headers as Record<string, string> | undefined), ...added };
      return this.means.ask(`${origin}${path}`, { ...init, headers }, deadlineMs, signal);
    };
  }

  /** @returns what was seen of each */
  async #inspect(
    services: readonly ConfiguredService[],
    signal: AbortSignal,
  ): Promise<(service: ConfiguredService) => Seen> {
    const nodeName = services[0]?.node ?? null;
    if (nodeName === null) return () => ({ how: "none" });
    const node = usableNode(this.means.topology(), nodeName);
    if (!node) return () => ({ how: "failed", reason: `${nodeName} is misconfigured.` });
    const names = [...new Set(services.flatMap(({ container }) => container ?? []))];
    try {
      const found = await this.means.inspect(node, names, signal);
      return ({ container }) =>
        container === null ? { how: "none" } : { how: "looked", container: found.get(container) ?? null };
    } catch (error) {
      if (!(error instanceof Fault) || signal.aborted) throw error;
      return () => ({ how: "failed", reason: error.message });
    }
  }

  async #probe(
    service: ConfiguredService,
    signal: AbortSignal,
  ): Promise<{ readonly answer: Answer; readonly url: string | null }> {
    const nothing = { answer: { kind: "none" }, url: null } as const;
    if (service.port === null) return nothing;
    const place = await this.means.address(service, signal).catch((error) => {
      if (error instanceof Fault && !signal.aborted) return null;
      throw error;
    });
    if (!place) return nothing;
    return { answer: await probe(service.kind, this.#asking(place), signal), url: place.origin };
  }
}
