/** What is counted and listed of everything that happens: figures for Prometheus, and the activity of the gateway. */
import type { RequestNote } from "./activity/activity.ts";
import { ActivityLog } from "./activity/activity-log.ts";
import { TrafficCount } from "./activity/traffic.ts";
import type { EventBus } from "./events/bus.ts";
import { FAULT_STATUS } from "./fault.ts";
import type { RequestRecord, Sender, TraceOptions } from "./gateway/trace.ts";
import { isoTime } from "./ids.ts";
import type { Lock } from "./lock/lock.ts";
import { createClusterMetrics, type SshCommand } from "./metrics/cluster-metrics.ts";
import { createGatewayMetrics, type UpstreamLoad } from "./metrics/gateway-metrics.ts";
import { createMetrics, type Metrics } from "./metrics/metrics.ts";
import type { Store } from "./store/store.ts";
import { withoutTokens } from "./token-text.ts";

interface Means {
  readonly store: Pick<Store, "telemetry">;
  readonly events: EventBus;
  readonly report: (error: unknown) => void;
  /** The four are asked at each scrape. */
  readonly swapsRunning: () => number;
  readonly lock: () => Lock | null;
  readonly lockWaiting: () => number;
  readonly load: () => readonly UpstreamLoad[];
}

export interface Observation {
  readonly metrics: Metrics;
  readonly activity: ActivityLog;
  readonly traffic: TrafficCount;
  /** What the gateway tells of its requests. */
  readonly requests: Required<TraceOptions>;
  sshCommand(command: SshCommand): void;
}

export function createObservation(means: Means): Observation {
  const { store, events, report } = means;
  const activity = new ActivityLog({
    db: store.telemetry.db,
    now: Date.now,
    onWritten: (last_id) => events.publish({ type: "activity.written", at: isoTime(Date.now()), last_id }),
    onFailure: report,
  });
  const traffic = trafficOf(activity, report);
  const metrics = createMetrics();
  const requests = createGatewayMetrics(metrics.registry, means.load, () => activity.skipped);
  const cluster = createClusterMetrics(metrics.registry, () => {
    const lock = means.lock();
    return {
      swapsRunning: means.swapsRunning(),
      reservedUntil: lock && Date.parse(lock.expires_at) / 1000,
      lockWaiting: means.lockWaiting(),
    };
  });
  events.subscribe(
    ({ job }) => {
      if (job.ended_at) cluster.swapEnded(job);
    },
    ["swap.changed"],
  );
  return {
    metrics,
    activity,
    traffic,
    requests: {
      isListed: () => activity.hasRoom,
      onEnd(record, sender) {
        requests.finished(record);
        traffic.note(record, Date.now());
        if (activity.takes(record.outcome)) activity.note(noteOf(record, sender));
      },
    },
    sshCommand: (command) => cluster.sshCommand(command),
  };
}

const DAY_MS = 86_400_000;
/** Requests of before the start that are remembered. */
const MOST_REMEMBERED = 5_000;

/** Goes on from what is listed of the last day. */
function trafficOf(activity: ActivityLog, report: (error: unknown) => void): TrafficCount {
  const traffic = new TrafficCount();
  try {
    for (const entry of activity.newest(isoTime(Date.now() - DAY_MS), MOST_REMEMBERED)) {
      const seconds = (entry.duration_ms ?? 0) / 1000;
      const firstByteSeconds = entry.ttft_ms === null ? null : entry.ttft_ms / 1000;
      const fault = entry.code === null ? null : { code: entry.code };
      traffic.note({ ...entry, fault, seconds, firstByteSeconds, tokensOut: entry.tokens_out }, Date.parse(entry.at));
    }
  } catch (error) {
    report(error);
  }
  return traffic;
}

const LONGEST_NAME = 100;
const CONTROL = /[\u0000-\u001f\u007f]/g;
/** A name that a client made up may be anything, a reservation's token by mistake. */
const shown = (name: string) => withoutTokens(name).slice(0, LONGEST_NAME).replace(CONTROL, "?");
const milliseconds = (seconds: number) => Math.round(seconds * 10_000) / 10;

function noteOf(record: RequestRecord, { caller }: Sender): RequestNote {
  const { model, status, fault, firstByteSeconds, outcome } = record;
  return {
    route: record.route,
    upstream: record.upstream,
    model: model === null ? null : shown(model),
    caller: shown(caller),
    outcome,
    status: status ?? (fault ? FAULT_STATUS[fault.kind] : null),
    code: fault?.code ?? null,
    queue_ms: milliseconds(record.queueSeconds),
    ttft_ms: firstByteSeconds === null ? null : milliseconds(firstByteSeconds),
    duration_ms: outcome === "refused" ? null : milliseconds(record.seconds),
    bytes_in: record.bytesIn,
    bytes_out: record.bytesOut,
    tokens_in: record.tokensIn,
    tokens_out: record.tokensOut,
  };
}
