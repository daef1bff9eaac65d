/** Which facts are told to webhooks, and in which words. Pure. */
import type { FactEvent, NodeChanged } from "../events/event.ts";
import type { Lock } from "../lock/lock.ts";
import type { SwapJob } from "../swap/swap.ts";
import type { Message, SwapEndedData, SwapStartedData, WebhookPayload } from "./payload.ts";

const LONGEST_REASON = 500;

/** What is known beside the fact itself. */
export interface Before {
  /** The last recorded state of the same node; null when nothing is recorded. */
  node(name: string): NodeChanged | null;
}

export function messageOf(event: FactEvent, before: Before): Message | null {
  switch (event.type) {
    case "swap.changed":
      return swapMessage(event.job, event.at);
    case "node.changed":
      return nodeMessage(event, before.node(event.node));
    case "service.changed": {
      const { service, node, model, is, at } = event;
      return { event: is === "up" ? "service_up" : "service_down", at, data: { service, node, model }, once: null };
    }
    case "lock.acquired":
      // A repeat after a lost answer is the same reservation.
      return event.repeated ? null : lockMessage("lock_acquired", event, { by: event.by });
    case "lock.released":
      return lockMessage("lock_released", event);
    case "lock.forced":
      return lockMessage("lock_forced", event, { by: event.by, reason: event.reason });
    case "lock.expired":
      return lockMessage("lock_expired", event);
    case "lock.dropped":
      // Its holder has it no longer, and nobody took it.
      return lockMessage("lock_expired", event, { reason: event.reason });
    default:
      return null;
  }
}

/**
 * A swap is told twice: when it has been claimed, and when it has ended. An end that nobody could tell (`unknown`) is told
 * at once, as failed; what it is found to be later is not told again.
 */
function swapMessage(job: SwapJob, at: string): Message | null {
  const data: SwapStartedData = {
    job_id: job.job_id,
    model: job.model,
    model_name: job.model_name,
    slot: job.slot,
    nodes: job.nodes,
    state: job.state,
    previous_model: job.previous_model,
    generation: job.generation,
    requested_by: job.requested_by,
    created_at: job.created_at,
  };
  if (job.ended_at === null)
    return job.state === "planned" ? { event: "swap_started", at, data, once: `swap_started ${job.job_id}` } : null;
  const ended: SwapEndedData = {
    ...data,
    reason: job.reason?.slice(0, LONGEST_REASON) ?? null,
    failure_code: job.failure?.code ?? null,
    rolled_back_to: job.rolled_back_to,
    ended_at: job.ended_at,
  };
  // A failed swap that went back to the previous model has failed all the same.
  const event = job.state === "ready" ? "swap_complete" : "swap_failed";
  return { event, at, data: ended, once: `swap_ended ${job.job_id}` };
}

function lockMessage(
  name: "lock_acquired" | "lock_released" | "lock_forced" | "lock_expired",
  { lock, at }: { readonly lock: Lock; readonly at: string },
  { by = null, reason = lock.reason }: { readonly by?: string | null; readonly reason?: string | null } = {},
): Message {
  const { holder, note, slots, generation, acquired_at, expires_at } = lock;
  return {
    event: name,
    at,
    data: { holder, note, slots, generation, acquired_at, expires_at, by, reason },
    once: null,
  };
}

/** The first look after a start is recorded too: it is told only when it differs from what was recorded before. */
function nodeMessage({ node, reachable, at }: NodeChanged, last: NodeChanged | null): Message | null {
  if ((last?.reachable ?? true) === reachable) return null;
  return { event: reachable ? "node_up" : "node_down", at, data: { node, reachable }, once: null };
}

/** The body as it is signed and sent. `event` is where older receivers look; the others are Standard Webhooks' names. */
export function bodyOf({ event, at, data }: Message): string {
  return JSON.stringify({ event, type: event, timestamp: at, data } as WebhookPayload);
}
