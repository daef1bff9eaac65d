/** What the gateway needs to know of the cluster, put together from what the nouns know. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { AuditNote } from "./audit/audit.ts";
import { type Catalog, type Model, servedSource } from "./catalog/catalog.ts";
import type { EventBus } from "./events/bus.ts";
import { Gateway } from "./gateway/gateway.ts";
import { ModelList } from "./gateway/model-list.ts";
import type { Place } from "./gateway/route-model.ts";
import type { Limits, ProxiedKind, ProxiedService } from "./gateway/services.ts";
import { createHold, wakeHeld } from "./gateway-hold.ts";
import type { LiveConfig } from "./live-config.ts";
import type { ReservationLock } from "./lock/reservation-lock.ts";
import { createHoldMetrics } from "./metrics/hold-metrics.ts";
import type { Observation } from "./observation.ts";
import type { SparkControl } from "./swap/cluster.ts";
import type { SwapEngine } from "./swap/engine.ts";
import { servedName } from "./swap/served.ts";
import type { SlotBoard } from "./swap/slot-board.ts";
import type { SlotStatus } from "./swap/slots.ts";
import type { SwapJob } from "./swap/swap.ts";
import {
  isConfigured,
  type Node,
  type Service,
  type Settings,
  type Topology,
  usableNode,
} from "./topology/topology.ts";

const PROXIED: readonly ProxiedKind[] = ["asr", "tts", "embeddings", "reranker"];
const LOOKUP_KEEP_MS = 10_000;
const ADDRESS_DEADLINE_MS = 10_000;

/** Every name that means this model. */
const namesOf = (model: Model) => [servedName(model), model.key, ...model.aliases, servedSource(model)];

/** Key of the model that a client means by this name: keys first, then served names, then aliases and repositories. */
export function modelKeyOf(catalog: Catalog, name: string): string | null {
  const { models } = catalog;
  const found =
    models.find(({ key }) => key === name) ??
    models.find((model) => servedName(model) === name) ??
    models.find((model) => namesOf(model).includes(name));
  return found?.key ?? null;
}

/**
 * The slots as places to send requests to. A swap that only plans has not begun to empty its slot.
 * @param stopping slots whose model is being stopped without a swap
 * @param emptied slots whose model a swap is stopping, those beside its own included
 */
export function placesOf(
  statuses: readonly SlotStatus[],
  jobs: readonly SwapJob[],
  catalog: Catalog,
  stopping: ReadonlySet<string> = new Set(),
  emptied: ReadonlyMap<string, SwapJob> = new Map(),
): Place[] {
  return statuses.map((status) => {
    const job = jobs.find(({ job_id }) => job_id === status.job_id) ?? emptied.get(status.name);
    const model = catalog.models.find(({ key }) => key === status.model);
    const served =
      status.served_ids.length > 0 ? status.served_ids : model && status.state !== "idle" ? [servedName(model)] : [];
    const wanted = job && catalog.models.find(({ key }) => key === job.model);
    const isOpen = status.state === "serving" || status.state === "not_answering" || job?.state === "planned";
    return {
      slot: status.name,
      origin: status.url?.replace(/\/v1$/, "") ?? null,
      open: isOpen && served.length > 0 && !stopping.has(status.name) && !emptied.has(status.name),
      served: [...served, ...status.adapters],
      aliases: model ? namesOf(model) : [],
      swap: job
        ? {
            names: wanted ? namesOf(wanted) : [job.model],
            model: wanted?.name ?? job.model,
            etaSeconds: job.eta_seconds,
          }
        : null,
    };
  });
}

/** The services that the gateway leads to. @param address IPv4 address of a node, over SSH where nothing else tells it */
export function proxiedServices(
  topology: Topology,
  address: (node: Node) => Promise<string>,
  resolve: (host: string) => Promise<readonly string[]>,
): ProxiedService[] {
  return topology.services.flatMap((service: Service): ProxiedService[] => {
    const kind = PROXIED.find((each) => each === service.kind);
    const { name, port, host } = service;
    if (!kind || service.disabled || port === null) return [];
    const node = service.node === null ? undefined : usableNode(topology, service.node);
    if (host === null && !node) return [];
    return [
      {
        name,
        kind,
        port,
        host: host !== null && isIP(host) === 0 ? host : null,
        addresses: async () => (host !== null ? resolve(host) : node ? [await address(node)] : []),
      },
    ];
  });
}

/** A resolver that keeps what it found for some seconds. IPv4 where there is one: an IPv6 of a `.local` name may hang. */
export function createResolver(): (host: string) => Promise<readonly string[]> {
  const known = new Map<string, { at: number; addresses: readonly string[] }>();
  return async (host) => {
    if (isIP(host) !== 0) return [host];
    const kept = known.get(host);
    if (kept && Date.now() - kept.at < LOOKUP_KEEP_MS) return kept.addresses;
    const found = await lookup(host, { all: true }).catch(() => []);
    const addresses = found.sort((a, b) => a.family - b.family).map((one) => one.address);
    known.set(host, { at: Date.now(), addresses });
    return addresses;
  };
}

export function limitsOf(settings: Settings): Limits {
  const waitMs = settings.gateway_queue_seconds * 1000;
  const isAdaptive = settings.gateway_limit === "adaptive";
  const limit = (inFlight: number, queue: number) => ({ inFlight, queue, waitMs, isAdaptive });
  return {
    chat: limit(settings.gateway_chat_in_flight, settings.gateway_chat_queue),
    audio: limit(settings.gateway_audio_in_flight, settings.gateway_audio_queue),
    text: limit(settings.gateway_text_in_flight, settings.gateway_text_queue),
  };
}

export interface GatewayParts {
  readonly config: Pick<LiveConfig, "current">;
  readonly slots: Pick<SlotBoard, "statuses">;
  readonly swaps: Pick<SwapEngine, "active" | "start" | "claims">;
  readonly lock: Pick<ReservationLock, "permit" | "current">;
  note(note: AuditNote): void;
  readonly control: Pick<SparkControl, "address">;
  readonly events: Pick<EventBus, "subscribe">;
  readonly observation: Pick<Observation, "requests" | "metrics">;
  /** Slots whose model is being stopped without a swap. */
  readonly stopping: ReadonlySet<string>;
  /** A service failed at its work. */
  onFailure(service: string): void;
}

/** The gateway of this cluster, and the list of what is behind it. */
export function createGateway(parts: GatewayParts) {
  const { config, slots, swaps, lock, control, events, observation, stopping } = parts;
  const catalog = () => config.current.catalog;
  const keyOf = (name: string) => modelKeyOf(catalog(), name);
  const resolve = createResolver();
  // Each request reads these: they are made anew only after something has happened.
  let places: readonly Place[] | null = null;
  let services: readonly ProxiedService[] | null = null;
  let limits: Limits | null = null;
  events.subscribe(({ type }) => {
    if (type === "slot.changed" || type === "slot.stopping" || type === "swap.changed" || type === "swap.progressed")
      places = null;
    if (type === "config.changed") places = services = limits = null;
  });
  const currentLimits = () => {
    limits ??= limitsOf(config.current.topology.settings);
    return limits;
  };
  const currentPlaces = () => {
    places ??= placesOf(slots.statuses(), swaps.active(), catalog(), stopping, swaps.claims.beingEmptied());
    return places;
  };
  const currentServices = () => {
    const address = (node: Node) => control.address(node, AbortSignal.timeout(ADDRESS_DEADLINE_MS));
    services ??= proxiedServices(config.current.topology, address, resolve);
    return services;
  };
  const gateway: Gateway = new Gateway({
    ...observation.requests,
    onFailure: parts.onFailure,
    configured: () => isConfigured(config.current.topology) || currentServices().length > 0,
    places: currentPlaces,
    keyOf,
    hold: createHold({ config, slots, swaps, lock, note: (note) => parts.note(note) }),
    service: (kind) => currentServices().find((service) => service.kind === kind) ?? null,
    limits: currentLimits,
  });
  wakeHeld(events, gateway.line);
  createHoldMetrics(observation.metrics.registry, () => gateway.line.length);
  const gatewayModels = new ModelList({
    created: Math.floor(Date.now() / 1000),
    places: currentPlaces,
    services: currentServices,
    keyOf,
    catalog: () =>
      catalog().models.map((model) => ({
        key: model.key,
        servedName: servedName(model),
        aliases: model.aliases,
        maxModelLen: model.max_model_len,
      })),
  });
  return { gateway, gatewayModels };
}
