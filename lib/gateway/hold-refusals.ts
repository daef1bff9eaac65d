/** What a request that would wait for its model is told when it may not, or not any longer. */
import { Fault } from "../fault.ts";

export function full(): Fault {
  const message = "Too many requests wait for models that are not loaded.";
  return new Fault("unavailable", "queue_full", message, { param: "model", retry_after_seconds: 60 });
}

export function tooLong(waitMs: number): Fault {
  const message = `The model that was asked for was not loaded within ${Math.round(waitMs / 1000)} s. GET /api/status tells what the cluster does.`;
  return new Fault("unavailable", "hold_timeout", message, { param: "model", retry_after_seconds: 60 });
}

/** A reservation may last for hours: nobody waits for its end with an open connection. */
export function reserved(fault: Fault): Fault {
  const { lock } = fault.members as { lock?: { seconds_remaining?: number } | null };
  const message = `The model that was asked for is not loaded, and may not be loaded now. ${fault.message} Whoever holds the reservation sends its token as X-Swap-Lock-Token.`;
  const seconds = lock?.seconds_remaining;
  return new Fault("locked", fault.code, message, {
    ...fault.members,
    param: "model",
    should_retry: false,
    ...(seconds === undefined ? {} : { retry_after_seconds: Math.max(1, Math.ceil(seconds)) }),
  });
}
