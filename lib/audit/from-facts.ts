/** What the controller does by itself, as entries of the audit log. What somebody asked for is noted with the request. Pure. */
import type { FactEvent, ServiceActed } from "../events/event.ts";
import type { Lock } from "../lock/lock.ts";
import type { SwapJob } from "../swap/swap.ts";
import type { AuditNote, Details, Outcome } from "./audit.ts";

/** Who restarts a service that has failed, when nobody does. */
const BY_ITSELF = "auto-restart";

/** Something that nobody asked for at that moment. */
export function byItself(
  action: string,
  details: Details,
  outcome: Outcome = "done",
  code: string | null = null,
): AuditNote {
  const nobody = { address: null, user_agent: null, holder: null, method: null, path: null, status: null };
  return { via: "controller", ...nobody, action, outcome, code, details, request_id: null };
}

/** Null for what is not worth an entry, or has one already. */
export function noteOf(event: FactEvent): AuditNote | null {
  switch (event.type) {
    case "swap.changed":
      if (event.job.died) return swapDied(event.job);
      return event.job.ended_at === null ? null : swapEnded(event.job);
    case "node.changed":
      return byItself("node.changed", { node: event.node, reachable: event.reachable });
    case "connectivity.changed": {
      const { spark, transition, down_seconds } = event;
      const lasted = down_seconds === null ? {} : { down_seconds };
      return byItself("connectivity.changed", { spark, transition, ...lasted });
    }
    case "download.ended": {
      const { download_id, repo, state } = event;
      return byItself("download.ended", { download_id, repo, state }, state === "failed" ? "failed" : "done");
    }
    case "config.changed":
      return byItself("config.changed", { sources: [...event.sources], problems: event.problems });
    case "host_key.changed":
      return byItself("host_key.changed", { node: event.node, change: event.change }, refusedKey(event.change));
    case "service.changed":
      return byItself("service.changed", { service: event.service, is: event.is });
    case "service.acted":
      return serviceActed(event);
    case "service.given_up":
      return byItself("service.given_up", { service: event.service, reason: event.reason }, "failed");
    case "lock.expired":
      return ofLock("lock.expired", event.lock);
    case "lock.dropped":
      return ofLock("lock.dropped", event.lock, { reason: event.reason });
    case "lock.unreadable":
      return ofLock("lock.unreadable", event.lock, { reason: event.reason });
    case "lock.clock_set":
      return ofLock("lock.clock_set", event.lock, { by_seconds: event.by_seconds });
    case "controller.started":
      return byItself("controller.started", { version: event.version });
    case "controller.stopping":
      return byItself("controller.stopping", { reason: event.reason });
    default:
      return null;
  }
}

/** What somebody asked for has the entry of its request. */
function serviceActed({ service, action, by, failure }: ServiceActed): AuditNote | null {
  if (by !== BY_ITSELF) return null;
  const details: Details = { service, action };
  return byItself(
    "service.auto_restart",
    failure === null ? details : { ...details, reason: failure },
    failure === null ? "done" : "failed",
  );
}

const refusedKey = (change: string): Outcome => (change === "refused" ? "refused" : "done");

function ofLock(action: string, { holder, generation }: Lock, details: Details = {}): AuditNote {
  return { ...byItself(action, { generation, ...details }), holder };
}

function swapDied({ job_id, model, slot, died }: SwapJob): AuditNote {
  const restored = died?.restored_by ? { restored_by: died.restored_by } : {};
  return byItself("swap.died", { job_id, model, slot, ...restored }, "failed", died?.failure.code ?? null);
}

function swapEnded(job: SwapJob): AuditNote {
  const { job_id, model, slot, state, generation, requested_by, rolled_back_to, failure } = job;
  const details: Details = { job_id, model, slot, state, generation, requested_by };
  if (rolled_back_to !== null) details.rolled_back_to = rolled_back_to;
  const failed = state === "failed" || state === "unknown";
  return byItself("swap.ended", details, failed ? "failed" : "done", failed ? (failure?.code ?? null) : null);
}
