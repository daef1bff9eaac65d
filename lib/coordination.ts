/** Webhooks, schedule and audit log, put together: what others are told, what they plan, and who did what. */
import { AuditLog } from "./audit/audit-log.ts";
import { byItself } from "./audit/from-facts.ts";
import type { EventBus } from "./events/bus.ts";
import { lastFact, pruneFacts, recordFact } from "./events/facts.ts";
import { isoTime } from "./ids.ts";
import type { Lock } from "./lock/lock.ts";
import type { Logger } from "./log.ts";
import { followPackageWebhook, type PackageWebhook } from "./package-webhook.ts";
import { Schedules } from "./schedule/schedules.ts";
import type { Cluster } from "./schedule/timeline.ts";
import type { Store } from "./store/store.ts";
import { OutageWatch } from "./swap/outage-watch.ts";
import { post } from "./webhook/post.ts";
import { Webhooks } from "./webhook/webhooks.ts";

const WEBHOOK_DEADLINE_MS = 10_000;
const TIDY_INTERVAL_MS = 3_600_000;
const FACTS_KEPT_MS = 180 * 86_400_000;
const MOST_FACTS = 200_000;

interface Means {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly simulated: boolean;
  readonly retryDelaysMs: readonly number[] | undefined;
  /** How long a model must be silent before that is told; default 15 s. */
  readonly outageLastsMs: number | undefined;
  readonly events: EventBus;
  readonly log: Logger;
  readonly report: (error: unknown) => void;
  readonly cluster: () => Cluster;
  readonly reservation: () => Lock | null;
}

export interface Coordination {
  readonly webhooks: Webhooks;
  readonly schedules: Schedules;
  readonly audit: AuditLog;
  readonly outages: OutageWatch;
  /** To be told where the process listens: no webhook may call it. */
  listensOn(port: number): void;
  start(): void;
  close(): Promise<void>;
}

/** To be made before the first fact is recorded: outbox rows and audit entries are written with it. */
export function createCoordination(means: Means): Coordination {
  const { store, events, log, report } = means;
  const db = store.facts;
  let ownPort: number | null = null;
  let tidying: ReturnType<typeof setInterval> | undefined;
  let packageWebhook: PackageWebhook | undefined;

  const audit = new AuditLog({
    db,
    notes: store.notes,
    now: Date.now,
    onLost: (note, error) => log.error("an audit entry could not be written", { note, error }),
  });
  const webhooks = new Webhooks({
    db,
    env: means.env,
    version: means.version,
    simulated: means.simulated,
    ownPort: () => ownPort,
    send: (request, signal) => post(request, { deadlineMs: WEBHOOK_DEADLINE_MS, ownPort }, signal),
    retryDelaysMs: means.retryDelaysMs,
    now: Date.now,
    random: Math.random,
    onChange: (event) => events.publish(event),
    onDelivery: (delivery) => {
      const { id, endpoint_id, event, state } = delivery;
      if (state === "dead") {
        log.warn("a webhook was given up", { delivery_id: id, endpoint_id });
        audit.note(byItself("webhook.dead", { delivery_id: id, endpoint_id, event }, "failed"));
      }
      events.publish({ type: "webhook.delivery", at: isoTime(Date.now()), delivery });
    },
    report,
  });
  const schedules = new Schedules({
    db,
    now: Date.now,
    cluster: means.cluster,
    reservation: () => {
      const lock = means.reservation();
      return lock && { holder: lock.holder, until: Date.parse(lock.expires_at), nodes: lock.nodes };
    },
    onChange: (event) => events.publish(event),
  });
  const outages = new OutageWatch({
    told: (slot) => lastFact(db, "service.changed", ["service", slot])?.is ?? null,
    tell: ({ name, nodes, model }, is) => {
      const at = isoTime(Date.now());
      const event = { type: "service.changed", at, service: name, node: nodes[0] ?? null, model, is } as const;
      store.transaction(() => recordFact(db, event));
      log.info("service", { service: name, is });
      events.publish(event);
    },
    report,
    lastsMs: means.outageLastsMs,
  });
  const tidy = () => {
    try {
      audit.tidy();
      pruneFacts(db, isoTime(Date.now() - FACTS_KEPT_MS), MOST_FACTS);
    } catch (error) {
      report(error);
    }
  };

  return {
    webhooks,
    schedules,
    audit,
    outages,
    listensOn(port) {
      ownPort = port;
    },
    start() {
      tidy();
      tidying = setInterval(tidy, TIDY_INTERVAL_MS);
      webhooks.start();
      packageWebhook = followPackageWebhook({ dataDir: store.dataDir, webhooks, events, log, report });
    },
    async close() {
      clearInterval(tidying);
      packageWebhook?.close();
      outages.close();
      await webhooks.close();
    },
  };
}
