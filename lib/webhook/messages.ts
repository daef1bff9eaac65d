/** Which facts are told to webhooks, and in which words. Pure. */
import type { FactEvent, NodeChanged } from "../events/event.ts";
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

/** The first look after a start is recorded too: it is told only when it differs from what was recorded before. */
function nodeMessage({ node, reachable, at }: NodeChanged, last: NodeChanged | null): Message | null {
  if ((last?.reachable ?? true) === reachable) return null;
  return { event: reachable ? "node_up" : "node_down", at, data: { node, reachable }, once: null };
}

/** The body as it is signed and sent. `event` is where older receivers look; the others are Standard Webhooks' names. */
export function bodyOf({ event, at, data }: Message): string {
  return JSON.stringify({ event, type: event, timestamp: at, data } as WebhookPayload);
}
