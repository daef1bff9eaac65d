/** The one place where nouns meet. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AuditNote } from "./audit/audit.ts";
import { type ConfigDesk, createConfigDesk } from "./config-desk.ts";
import type { ControlPlaneOptions } from "./control-plane-options.ts";
import { type Coordination, createCoordination } from "./coordination.ts";
import { createEventBus, type EventBus } from "./events/bus.ts";
import { mayHaveFact, recordFact } from "./events/facts.ts";
import { Fault } from "./fault.ts";
import type { Gateway } from "./gateway/gateway.ts";
import type { ModelList } from "./gateway/model-list.ts";
import { createGateway } from "./gateway-places.ts";
import { isoTime, newId } from "./ids.ts";
import type { Inventory } from "./inventory/inventory.ts";
import { createLiveConfig, type LiveConfig } from "./live-config.ts";
import type { ReservationLock } from "./lock/reservation-lock.ts";
import type { Logger } from "./log.ts";
import { createMachines, type Machines } from "./machines.ts";
import { FileDeletions } from "./model-files.ts";
import { createObservation, type Observation } from "./observation.ts";
import { createOperations, type Operations } from "./operations.ts";
import { createRedaction } from "./redaction.ts";
import { createReservationLock } from "./reservations.ts";
import { openData } from "./restored-data.ts";
import { createSparks } from "./sparks.ts";
import { type HostKeys, openHostKeys } from "./ssh/host-keys.ts";
import { type Identity, loadIdentity } from "./ssh/identity.ts";
import { quote } from "./ssh/quote.ts";
import { hasInstance, openInstance, placeOf } from "./store/instance.ts";
import { openStore, type Store } from "./store/store.ts";
import type { StoreWatch } from "./store/store-watch.ts";
import { createStoreHealth } from "./store-health.ts";
import { swapEffects } from "./swap/effects/effects.ts";
import { SwapEngine } from "./swap/engine.ts";
import { SlotBoard } from "./swap/slot-board.ts";
import type { SwapJob } from "./swap/swap.ts";
import { SwapLog } from "./swap/swap-log.ts";
import { SwapStore } from "./swap/swap-store.ts";
import { TIMING } from "./swap/timing.ts";
import { usableNode } from "./topology/topology.ts";
import { takeOverEarlier, type Upgrade } from "./upgrade/upgrade.ts";

const SHIPPED_CATALOG = fileURLToPath(new URL("../config/models.yaml", import.meta.url));
const SLOT_INTERVAL_MS = 5_000;
const NODE_INTERVAL_MS = 15_000;
const RESOLVE_INTERVAL_MS = 15_000;

type Coordinating = Pick<Coordination, "webhooks" | "schedules" | "audit" | "listensOn">;
type Observing = Pick<Observation, "metrics" | "activity" | "traffic">;
type Operating = Omit<Operations, "start" | "close">;

export interface ControlPlane extends Coordinating, ConfigDesk, Observing, Operating {
  readonly version: string;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  /** True only for the simulated cluster: every answer then carries `X-Spark-Simulated: 1`. */
  readonly simulated: boolean;
  readonly instance: string;
  readonly log: Logger;
  readonly events: EventBus;
  readonly config: LiveConfig;
  readonly swaps: SwapEngine;
  readonly swapLog: SwapLog;
  readonly lock: ReservationLock;
  readonly slots: SlotBoard;
  readonly inventory: Inventory;
  readonly machines: Machines;
  readonly gateway: Gateway;
  readonly gatewayModels: ModelList;
  readonly storeWatch: StoreWatch;
  readonly storeNotice: Store["notice"];
  readonly hostKeys: HostKeys;
  readonly identity: Pick<Identity, "publicKeyLine">;
  readonly upgrade: Pick<Upgrade, "report">;
  /** A copy of the value that may be passed on: without anything that is known to be secret, or looks so. */
  redacted(value: unknown): unknown;
  /** Makes a Spark that belongs to another controller this one's. @throws Fault 404, 409 it belongs to yet another, 502 */
  takeOver(node: string, from: string, signal: AbortSignal): Promise<void>;
  /** Lets go of everything; what runs on the Sparks is untouched. */
  close(reason: string): Promise<void>;
}

/** @throws StoreError when DATA_DIR is in use or its databases cannot be used; Fault when the SSH key cannot be read */
export async function createControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { dataDir, log, version } = options;
  const store = options.store ?? openStore(dataDir);
  try {
    return await assemble(options, store);
  } catch (error) {
    store.close();
    log.error("the controller could not start", { error });
    throw error;
  }

  async function assemble({ env, simulated }: ControlPlaneOptions, open: Store): Promise<ControlPlane> {
    const now = () => isoTime(Date.now());
    const [isUsed, keyIsNamed] = [hasInstance(open.facts), Boolean(env.SSH_KEY_PATH)];
    const upgrade = takeOverEarlier({ dataDir, isUsed, keyIsNamed, shippedCatalogPath: SHIPPED_CATALOG, now, log });
    const identity = loadIdentity({ folder: dataDir, path: env.SSH_KEY_PATH || null });
    const hostKeys = openHostKeys({ file: join(dataDir, "known_hosts.json") });
    const { instance, ...origin } = openInstance(open, placeOf(dataDir));
    const events = createEventBus((error, event) => log.error("a subscriber failed", { error, event: event.type }));
    const { storeWatch, report, recordIfPossible } = createStoreHealth({ store: open, log, events, now });
    const coordination = createCoordination({
      store: open,
      env,
      version,
      simulated: simulated !== null,
      retryDelaysMs: options.webhookRetryDelaysMs,
      outageLastsMs: options.outageLastsMs,
      events,
      log,
      report,
      cluster: () => ({ slots: topology().slots, models: catalog().models.map(({ key }) => key) }),
      reservation: () => lock.current(),
    });
    const observation = createObservation({
      store: open,
      events,
      report,
      swapsRunning: () => swaps.active().length,
      lock: () => lock.current(),
      lockWaiting: () => lock.waiting,
      load: () => gateway.load(),
    });
    const { metrics, activity, traffic } = observation;
    const timing = { ...TIMING, ...options.timing };
    const sparks = createSparks({
      ...{ privateKey: identity.privateKey, hostKeys, instance, timing, log, ...options.ssh },
      onCommand: observation.sshCommand,
      onTakenOver: (generation) => swapStore.goOnAbove(generation),
    });
    const { ssh, control } = sparks;
    const config = createLiveConfig({
      dataDir,
      env,
      shippedCatalogPath: SHIPPED_CATALOG,
      onChange: (diff, current) => {
        const sources = [...new Set(current.problems.map((problem) => problem.source))];
        const event = { type: "config.changed", at: now(), sources, problems: current.problems.length } as const;
        open.transaction(() => recordFact(open.facts, event));
        log.info("the configuration changed", { diff });
        events.publish(event);
        if (diff.nodes.length > 0 || diff.slots.length > 0) slots.reconfigured(diff.nodes);
        else slots.tell();
        machines.reconfigured();
      },
    });
    const means = { dataDir, env, identity, hostKeys, instance, connecting: options.ssh, now: Date.now };
    const desk = createConfigDesk({
      ...means,
      shippedCatalogPath: SHIPPED_CATALOG,
      renew: ssh.renew,
      reload: () => void config.reload(),
      mayChange: (place, token) => void lock.permit(place, token),
    });
    const topology = () => config.current.topology;
    const catalog = () => machines.inventory.menu.loadable;
    const swapStore = new SwapStore(open.facts, storeWatch);
    const lock = createReservationLock({
      ...{ db: open.facts, swapStore, log, events, respiteMs: options.respiteMs },
      slots: () => topology().slots,
      runningSwaps: () => swaps.claims.running(),
      abortBeforeStopping: (generation) => swaps.abortBeforeStopping(generation),
    });
    const deletions = new FileDeletions();
    const swapLog = new SwapLog(open.telemetry, now);
    const swaps: SwapEngine = new SwapEngine({
      control,
      store: swapStore,
      log: swapLog,
      effects: swapEffects(quote),
      timing,
      timeScale: simulated ? 1 / simulated.speed : 1,
      quote,
      gate: lock,
      generationSeen: (seen) => lock.generationSeen(seen),
      wasForced: (reservation, since) =>
        mayHaveFact(open.facts, "lock.forced", ["$.lock.generation", reservation], since),
      inFlight: (slot) => gateway.inFlight(slot),
      download: (model, nodes) => machines.inventory.download(model, nodes),
      isBeingDeleted: (model) => deletions.isOf(model),
      ...{ catalog, topology, newId, now },
      record: (job) => void recordFact(open.facts, { type: "swap.changed", at: now(), job }),
      onChange: (job, durable) => changed(job, durable),
      report,
    });
    const slots: SlotBoard = new SlotBoard({
      control,
      slotIntervalMs: SLOT_INTERVAL_MS,
      nodeIntervalMs: NODE_INTERVAL_MS,
      topology,
      catalog,
      beliefs: () => swaps.beliefs(),
      active: () => swaps.active(),
      inFlight: (slot) => gateway.inFlight(slot),
      loadedBy: ({ job_id }) => swapStore.find(job_id)?.job ?? null,
      now,
      onSlot: (slot) => {
        coordination.outages.see(slot);
        events.publish({ type: "slot.changed", at: now(), slot });
      },
      onNode: (node, { reachable }) => {
        const event = { type: "node.changed", at: now(), node, reachable } as const;
        open.transaction(() => recordFact(open.facts, event));
        log.info("node", { node, reachable });
        events.publish(event);
        if (reachable) machines.firstContact.look(node);
      },
      onLooked: () => events.publish({ type: "nodes.looked", at: now() }),
      report,
    });

    const machines: Machines = createMachines({
      ...{ store: open, sparks, events, log, topology, report },
      catalog: () => config.current.catalog,
      simulated: simulated !== null,
      timing: options.machineTiming,
      deletions,
      permit: (nodes, token) => void lock.permit({ slot: null, nodes }, token),
      inUse: () => ({
        ...{ beliefs: swaps.beliefs(), slots: slots.statuses() },
        needed: swaps.claims.needed(),
      }),
      lookAgain: () => slots.lookAgain(),
      onGeneration: (generation) => lock.generationSeen(generation),
      adopt: (node, signal) => swaps.adopt(node, signal),
    });

    function changed(job: SwapJob, durable: boolean): void {
      events.publish({ type: durable ? "swap.changed" : "swap.progressed", at: now(), job });
      if (!durable) return;
      const { job_id, model, state, phase, reason } = job;
      log.info("swap", { job_id, model, state, phase, reason });
      if (job.ended_at) {
        slots.settled(job);
        // A load downloads what was missing.
        machines.inventory.lookAgain();
        lock.pump();
      }
      slots.tell();
    }

    // Nobody's work is on made-up Sparks.
    openData({ store: open, swapStore, lock, origin: simulated ? { ...origin, lost: null } : origin, log });
    const operations = createOperations({
      ...{ store: open, events, log, report, config, sparks, instance, swapStore, swaps, slots, lock, timing, metrics },
      gateway: () => gateway,
    });
    const { deepChecks, slotStops } = operations;
    const note = (entry: AuditNote) => coordination.audit.note(entry);
    const told = { events, observation, stopping: slotStops.stopping, onFailure: deepChecks.suspect, note };
    const { gateway, gatewayModels } = createGateway({ config, slots, swaps, lock, control, ...told });

    const started = { type: "controller.started", at: now(), version, instance_id: instance } as const;
    open.transaction(() => recordFact(open.facts, started));
    upgrade.finish(coordination.webhooks);
    coordination.start();
    swaps.resume();
    const resolver = setInterval(() => swaps.resolveUnknown(), RESOLVE_INTERVAL_MS);
    slots.start();
    machines.start();
    operations.start();
    events.publish(started);
    return {
      version,
      startedAt: started.at,
      simulated: simulated !== null,
      ...{ instance, log, events, config, swaps, swapLog, lock, slots, gateway, gatewayModels },
      ...{ metrics, activity, traffic },
      ...{ storeWatch, storeNotice: open.notice, hostKeys, identity, machines, inventory: machines.inventory },
      ...desk,
      ...operations,
      ...coordination,
      upgrade,
      redacted: createRedaction({ env, config, identity, webhooks: coordination.webhooks }),
      async takeOver(name, from, signal) {
        const node = usableNode(topology(), name);
        if (!node) throw new Fault("not_found", "unknown_node", "There is no configured Spark with this name.");
        await sparks.takeOver(node, from, signal);
        machines.firstContact.look(name);
      },
      async close(reason) {
        const stopping = { type: "controller.stopping", at: now(), reason } as const;
        events.publish(stopping);
        recordIfPossible(stopping);
        clearInterval(resolver);
        lock.close();
        config.close();
        const parts = [swaps, slots, machines, operations, coordination];
        await Promise.all(parts.map((part) => part.close()));
        await ssh.close();
        activity.close();
        storeWatch.close();
        open.close();
      },
    };
  }
}
