/** Swaps for requests that are held: where a model would be loaded, whether it may be, and what wakes those who wait. */
import type { AuditNote } from "./audit/audit.ts";
import type { Catalog, Model } from "./catalog/catalog.ts";
import type { EventBus } from "./events/bus.ts";
import { Fault } from "./fault.ts";
import type { HoldLine, HoldMeans, Target, Wish } from "./gateway/hold-line.ts";
import type { LiveConfig } from "./live-config.ts";
import type { ReservationLock } from "./lock/reservation-lock.ts";
import { conflicts } from "./swap/conflicts.ts";
import type { SwapEngine } from "./swap/engine.ts";
import { footprint } from "./swap/facts.ts";
import type { SlotBoard } from "./swap/slot-board.ts";
import type { SlotStatus } from "./swap/slots.ts";
import type { SwapJob } from "./swap/swap.ts";
import type { Slot, Topology } from "./topology/topology.ts";

export interface HoldParts {
  readonly config: Pick<LiveConfig, "current">;
  readonly slots: Pick<SlotBoard, "statuses">;
  readonly swaps: Pick<SwapEngine, "start" | "claims">;
  readonly lock: Pick<ReservationLock, "permit" | "current">;
  /** Into the audit log: the request itself is none of those that change something by their path. */
  note(note: AuditNote): void;
}

/** After these, a held request may have somewhere to go. */
const LOOKS: ReadonlySet<string> = new Set([
  ...["slot.changed", "slot.stopping", "swap.changed", "swap.progressed", "config.changed"],
  ...["lock.acquired", "lock.released", "lock.expired", "lock.forced"],
]);
const LOST: ReadonlySet<SwapJob["state"]> = new Set(["failed", "cancelled", "unknown"]);

/** Slots in which a model can be loaded, those that are empty first; among others, the one that has served longest. */
function slotsFor(model: Model, topology: Topology, statuses: readonly SlotStatus[]): Slot[] {
  const order = ({ name }: Slot) => {
    const status = statuses.find((each) => each.name === name);
    if (!status || status.state === "unknown") return Number.POSITIVE_INFINITY;
    return status.state === "idle" ? -1 : Date.parse(status.since ?? "") || 0;
  };
  return topology.slots.filter(({ nodes }) => nodes.length >= model.nodes).sort((a, b) => order(a) - order(b));
}

/** The slot itself, and those that would have to make room. */
function touchedBy(model: Model, slot: Slot, statuses: readonly SlotStatus[], catalog: Catalog): SlotStatus[] {
  const wanted = { ...footprint(model, slot), nodes: slot.nodes };
  return statuses.filter((status) => {
    if (status.name === slot.name) return true;
    const other = catalog.models.find(({ key }) => key === status.model);
    const { nodes, port, container } = status;
    const memory = other?.gpu_memory_utilization ?? null;
    return status.state !== "idle" && conflicts(wanted, { nodes, port, container, memory });
  });
}

/**
 * Where a held request's model would be loaded, and what would be stopped for it.
 * @throws Fault when no slot has enough Sparks
 */
export function holdTarget(
  model: Model,
  topology: Topology,
  statuses: readonly SlotStatus[],
  catalog: Catalog,
): Target {
  const [slot] = slotsFor(model, topology, statuses);
  if (!slot) {
    const message = `No slot has the ${model.nodes} Sparks that ${model.name} needs.`;
    throw new Fault("unavailable", "too_few_nodes", message, { param: "model", should_retry: false });
  }
  const touched = touchedBy(model, slot, statuses, catalog);
  const since = touched.flatMap((status) => (status.since === null ? [] : [Date.parse(status.since)]));
  return {
    slot: slot.name,
    servingSince: since.length === 0 ? null : Math.max(...since),
    isTaken: touched.some(({ state }) => state === "swapping" || state === "unknown"),
  };
}

const modelOf = (catalog: Catalog, key: string): Model => {
  const model = catalog.models.find((each) => each.key === key);
  if (!model) throw new Fault("not_found", "unknown_model", "There is no model with this key in the catalog.");
  return model;
};

/** Swaps for requests that are held: through the same gate and the same claim as everybody's. */
export function createHold({ config, slots, swaps, lock, note }: HoldParts): HoldMeans {
  const target = (key: string) => {
    const { catalog, topology } = config.current;
    return holdTarget(modelOf(catalog, key), topology, slots.statuses(), catalog);
  };
  return {
    terms() {
      const { settings } = config.current.topology;
      if (settings.gateway_routing !== "hold") return null;
      return {
        waitMs: settings.gateway_hold_seconds * 1000,
        dwellMs: settings.gateway_dwell_seconds * 1000,
        most: settings.gateway_chat_queue,
      };
    },
    target,
    permit(key: string, token: string | null) {
      const name = target(key).slot;
      const slot = config.current.topology.slots.find((each) => each.name === name);
      if (slot) lock.permit(swaps.claims.reach({ model: modelOf(config.current.catalog, key), slot }), token);
    },
    begin(key: string, wish: Pick<Wish, "caller" | "from" | "token" | "by">) {
      const { catalog, topology } = config.current;
      const name = target(key).slot;
      const slot = topology.slots.find((each) => each.name === name);
      const touched = slot ? touchedBy(modelOf(catalog, key), slot, slots.statuses(), catalog) : [];
      const replaces = touched.flatMap(({ model }) => model ?? []);
      const holder = wish.token === null ? null : (lock.current()?.holder ?? null);
      const { job_id } = swaps.start({ model: key, slot: name, token: wish.token, requestedBy: wish.by });
      note(begun(wish, { job_id, model: key, slot: name, replaces }, holder));
    },
  };
}

/** The entry of the request for which a swap has begun. */
function begun(
  { caller, from, token }: Pick<Wish, "caller" | "from" | "token">,
  details: AuditNote["details"],
  holder: string | null,
): AuditNote {
  return {
    ...{ via: "gateway", address: from.address, user_agent: from.userAgent, holder },
    ...{ action: "startSwap", method: null, path: null, outcome: "done", status: null, code: null, request_id: null },
    details: {
      ...details,
      // A digest of the API key, where one was sent.
      ...(caller === from.address ? {} : { caller }),
      ...(token === null ? {} : { with_token: true }),
    },
  };
}

/** Has the line look at everything that may let somebody go on. */
export function wakeHeld(events: Pick<EventBus, "subscribe">, line: HoldLine): void {
  events.subscribe((event) => {
    if (event.type === "controller.stopping") return line.close();
    if (!LOOKS.has(event.type)) return;
    if (event.type === "swap.changed" || event.type === "swap.progressed") tellOfEnd(line, event.job);
    // After everyone else has heard of it: a swap that has just ended must not seem to have left its slot as it was.
    queueMicrotask(() => line.look());
  });
}

function tellOfEnd(line: HoldLine, { job_id, slot, model, state, leg, reason, died }: SwapJob): void {
  if (died) line.failed(model, reason ?? "it has ended.", job_id);
  else if (state === "ready") line.loaded(model, slot);
  else if (leg === "rollback" || LOST.has(state)) line.failed(model, reason ?? "its swap has ended.", job_id);
}
