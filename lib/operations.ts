/** Services and bots put together: how they are looked at, what is done with them, and what others are told of it. */
import type { BotUpdates } from "./bot/bot-updates.ts";
import { createBots } from "./bots.ts";
import type { EventBus } from "./events/bus.ts";
import type { ServiceActed } from "./events/event.ts";
import { lastFact, recordFact } from "./events/facts.ts";
import { Fault } from "./fault.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { createResolver } from "./gateway-places.ts";
import { isoTime } from "./ids.ts";
import type { LiveConfig } from "./live-config.ts";
import type { ReservationLock } from "./lock/reservation-lock.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics/metrics.ts";
import { createServiceMetrics } from "./metrics/service-metrics.ts";
import { Conditions } from "./service/conditions.ts";
import { ContainerLogs } from "./service/container-logs.ts";
import { DeepChecks } from "./service/deep-checks.ts";
import {
  type ActionRequest,
  AUTO_RESTART,
  type ModelPlace,
  modelPlace,
  ServiceActions,
  type SlotActed,
} from "./service/service-actions.ts";
import { ServiceBoard } from "./service/service-board.ts";
import { type Address, Sight } from "./service/sight.ts";
import { workOf } from "./service/work.ts";
import { actOnContainer, containerLog, inspectContainers } from "./spark/containers.ts";
import { ask } from "./spark/http.ts";
import type { Sparks } from "./sparks.ts";
import type { Store } from "./store/store.ts";
import type { SwapEngine } from "./swap/engine.ts";
import { pause } from "./swap/run.ts";
import type { SlotBoard } from "./swap/slot-board.ts";
import { SlotStops } from "./swap/slot-stop.ts";
import type { SwapStore } from "./swap/swap-store.ts";
import type { Timing } from "./swap/timing.ts";
import { type Node, type Service, usableNode } from "./topology/topology.ts";

const MOST_SWAPS_LOOKED_AT = 200;

export interface OperationsMeans {
  readonly store: Store;
  readonly events: EventBus;
  readonly log: Logger;
  readonly report: (error: unknown) => void;
  readonly config: Pick<LiveConfig, "current">;
  readonly sparks: Sparks;
  /** This controller's id. */
  readonly instance: string;
  readonly swapStore: SwapStore;
  readonly swaps: SwapEngine;
  readonly slots: SlotBoard;
  readonly lock: ReservationLock;
  readonly metrics: Pick<Metrics, "registry">;
  readonly timing: Timing;
  gateway(): Gateway;
}

export interface Operations {
  readonly services: ServiceBoard;
  readonly serviceActions: ServiceActions;
  readonly serviceLogs: ContainerLogs;
  readonly deepChecks: DeepChecks;
  readonly slotStops: SlotStops;
  readonly botUpdates: BotUpdates;
  start(): void;
  close(): Promise<void>;
}

export function createOperations(means: OperationsMeans): Operations {
  const { store, events, log, report, config, sparks, swapStore, swaps, slots, lock } = means;
  const { sparkSsh, control } = sparks;
  const topology = () => config.current.topology;
  const db = store.facts;
  const resolve = createResolver();

  const slotStops = new SlotStops({
    control,
    store: swapStore,
    gate: lock,
    claims: swaps.claims,
    timing: means.timing,
    topology,
    inFlight: (slot) => means.gateway().inFlight(slot),
    slotOf: (launch) => swapStore.slotOf(launch),
    onChange(slot) {
      events.publish({ type: "slot.stopping", at: isoTime(Date.now()), slot });
      slots.lookAgain();
    },
  });

  async function address(
    { name: _, host, node: nodeName, port }: Service,
    signal: AbortSignal,
  ): Promise<Address | null> {
    if (port === null) return null;
    const bracketed = (text: string) => (text.includes(":") ? `[${text}]` : text);
    if (host !== null) {
      const [first] = await resolve(host);
      if (first === undefined) return null;
      return {
        origin: `http://${bracketed(first)}:${port}`,
        host: first === host ? null : `${bracketed(host)}:${port}`,
      };
    }
    const node = nodeName === null ? undefined : usableNode(topology(), nodeName);
    return node ? { origin: `http://${bracketed(await control.address(node, signal))}:${port}`, host: null } : null;
  }

  const work = () =>
    workOf({
      load: means.gateway().load(),
      slots: slots.statuses(),
      services: topology().services,
      swaps: swaps.active(),
    });

  const record = (event: ServiceActed | Parameters<typeof recordFact>[1]) => {
    try {
      store.transaction(() => recordFact(db, event));
    } catch (error) {
      report(error);
    }
    events.publish(event);
  };

  const told = new Map<string, "up" | "down" | null>();
  const inspect = (...asked: Parameters<typeof inspectContainers> extends [unknown, ...infer Rest] ? Rest : never) =>
    inspectContainers(sparkSsh, ...asked);
  const sight = new Sight({ topology, address, inspect, ask });
  const services: ServiceBoard = new ServiceBoard({
    conditions: new Conditions(store.notes),
    sight,
    topology,
    slots: () => slots.statuses(),
    work,
    inFlight: (service) =>
      means
        .gateway()
        .load()
        .find(({ upstream }) => upstream === `service:${service}`)?.inFlight ?? 0,
    now: Date.now,
    random: Math.random,
    onChange: (service) => events.publish({ type: "service.seen", at: isoTime(Date.now()), service }),
    told(name) {
      if (!told.has(name)) told.set(name, lastFact(db, "service.changed", ["service", name])?.is ?? null);
      return told.get(name) ?? null;
    },
    tell({ name, node }, is) {
      told.set(name, is);
      log.info("service", { service: name, is });
      record({ type: "service.changed", at: isoTime(Date.now()), service: name, node, model: null, is });
    },
    restart: (name) => void restartByItself(name),
    giveUp(name, reason) {
      log.warn("a service is left alone", { service: name, reason });
      record({ type: "service.given_up", at: isoTime(Date.now()), service: name, reason });
    },
    report,
  });
  /** Whether a model there may be stopped or restarted now: synchronous, so that nothing begins between the answer and what follows. */
  function admit(place: ModelPlace, token: string | null): number | null {
    const reservation = lock.admit(place, token);
    const { nodes, port, container } = place;
    swaps.claims.mustBeSettledAt({ nodes, port: port ?? 0, container: container ?? "" });
    return reservation;
  }

  async function passFence(node: Node, signal: AbortSignal): Promise<void> {
    const generation = swapStore.highestGeneration();
    try {
      await control.passFence(node, generation, signal);
    } catch (error) {
      // A swap of our own beside it was quicker.
      const isOvertaken =
        error instanceof Fault && error.code === "fenced" && swapStore.highestGeneration() > generation;
      if (!isOvertaken) throw error;
      await passFence(node, signal);
    }
  }

  const serviceActions = new ServiceActions({
    board: services,
    topology,
    inspect,
    act: (...asked) => actOnContainer(sparkSsh, ...asked),
    passFence,
    mustOpen: (token) => void lock.permit({ slot: null, nodes: [] }, token),
    disrupt: (place, what, token) => lock.disrupt(place, what, admit(place, token)),
    actOnSlot,
    onDone: ({ failure, cutOff, ...done }) => {
      const cut = cutOff ? { cut_off: cutOff } : {};
      log.info("service", { ...done, ...cut, ...(failure === null ? {} : { failure }) });
      record({ type: "service.acted", at: isoTime(Date.now()), ...done, failure });
    },
    now: Date.now,
    pause,
  });
  const deepChecks = new DeepChecks({
    board: services,
    sight,
    topology,
    ask,
    now: Date.now,
    random: Math.random,
    report,
  });
  const serviceLogs = new ContainerLogs({
    board: services,
    topology,
    read: (...asked) => containerLog(sparkSsh, ...asked),
    pause,
  });

  /** A start loads what was loaded last, a restart what is loaded: both are swaps, with everything that belongs to one. */
  async function actOnSlot(
    slot: string,
    { action, by, token }: ActionRequest,
    signal: AbortSignal,
  ): Promise<SlotActed> {
    if (action === "stop") return { jobId: null, cutOff: await slotStops.stop(slot, token, signal) };
    const known = new Set(config.current.catalog.models.map(({ key }) => key));
    const last = swaps
      .list(MOST_SWAPS_LOOKED_AT)
      .find((job) => job.slot === slot && job.state === "ready" && known.has(job.model));
    const loaded = slots.statuses().find(({ name }) => name === slot)?.model ?? null;
    const model = loaded ?? last?.model;
    if (model === undefined)
      throw new Fault("conflict", "no_model", "No model was loaded here before. Choose one in the list of models.");
    return { jobId: swaps.start({ model, slot, token, requestedBy: by }).job_id, cutOff: null };
  }

  /** Counted before it begins, so that no end of the controller makes it restart more often. What others have, or wait for, is left alone. */
  async function restartByItself(name: string): Promise<void> {
    const subject = services.subject(name);
    try {
      const place = subject.of === "service" ? modelPlace(subject.service, topology()) : null;
      if (subject.of === "slot") lock.admit({ slot: name, nodes: subject.slot.nodes }, null);
      else if (place) admit(place, null);
    } catch {
      return;
    }
    const at = Date.now();
    services.alter(name, (before) => ({ ...before, restarts: [...before.restarts.slice(-9), at] }));
    try {
      await serviceActions.run(name, { action: "restart", by: AUTO_RESTART, token: null });
    } catch (error) {
      if (!(error instanceof Fault)) report(error);
    }
  }

  const botUpdates = createBots({
    ...{ db, events, services, record, report, topology },
    ...{ jobs: sparks.jobs, takeOver: sparks.takeOver, instance: means.instance },
    highestGeneration: () => swapStore.highestGeneration(),
  });

  createServiceMetrics(means.metrics.registry, () => services.list());
  const closed = new AbortController();
  const lookAgain = () =>
    void slotStops.lookAgain(closed.signal).catch((error) => closed.signal.aborted || report(error));
  events.subscribe(lookAgain, ["nodes.looked"]);
  events.subscribe(() => services.seeSlots(), ["slot.changed", "config.changed"]);

  return {
    services,
    serviceActions,
    serviceLogs,
    deepChecks,
    slotStops,
    botUpdates,
    start() {
      botUpdates.resume();
      services.start();
      deepChecks.start();
    },
    async close() {
      closed.abort(new Error("the controller is shutting down"));
      await Promise.all([botUpdates.close(), services.close(), deepChecks.close()]);
    },
  };
}
